"""What the measurements in Python share: a directory with people, a daemon, the programs load and limits, and rows of the table of bench/run.
BUILD names the folder of usherd, BENCH that of load and limits; without BENCH both are compiled into the run's own folder."""
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))

import directory as directories  # noqa: E402  pylint: disable=wrong-import-position
import settings as made  # noqa: E402  pylint: disable=wrong-import-position
from tap import Failed, at_end  # noqa: E402  pylint: disable=wrong-import-position
from usher import Daemon  # noqa: E402  pylint: disable=wrong-import-position

TOOLS = os.environ.get("BENCH", "")
PASSWORD = "Load-passw0rd"
ROW = "{:<26} {:>9} {:>8} {:>8} {:>9} {:>9} {:>7}  {:<52} {:>6}  {}"
MAKES = {"openldap": directories.Directory, "active_directory": directories.ActiveDirectory}
ALLOWANCE = {"openldap": (), "active_directory": ("--option", "old password allowed period = 0")}

PERSON = """dn: uid={name},{base}
changetype: add
objectClass: inetOrgPerson
uid: {name}
cn: Person {name}
givenName: Person
sn: {name}
mail: {name}@bench.test
userPassword: {password}

"""
PERSON_AD = """dn: CN={name},{base}
changetype: add
objectClass: user
sAMAccountName: {name}
userPrincipalName: {name}@{suffix}
givenName: Person
sn: {name}
mail: {name}@bench.test
userAccountControl: 512
unicodePwd:: {password}

"""


def ssha(password):
    """As slapd hashes it where it is told to be quick: what a login costs here is not the hash."""
    salt = b"bench"
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def figures(text):
    return {name: float(value) for name, _, value in (line.partition("=") for line in text.splitlines()) if value}


def row(name, got, limit="", ratio=None, aim=""):
    """A line of the table; got: the figures that load printed, or some of them."""
    def shown(key, scale=1, digits=1):
        return f"{got[key] / scale:.{digits}f}" if key in got else ""
    print(ROW.format(name, shown("per_s"), shown("p50_us", 1000, 2), shown("p99_us", 1000, 2), shown("cpu_us"), shown("directory_cpu_us"),
                     shown("peak_kib", 1024), limit, "" if ratio is None else f"{ratio:.2f}", aim).rstrip(), flush=True)


def memory_mib(pid, field="VmHWM"):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(field + ":")) / 1024


def group_cpu_s(leader):
    """User and system time of all processes of a group, as group_cpu.c counts it, or of one process."""
    ticks = 0
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if int(name) == leader or os.getpgid(int(name)) == leader:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as f:
                    fields = f.read().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


class Changes:
    """ldapmodify as the directory's administrator, kept open: what a change takes is no program's start and no handshake."""

    def __init__(self, directory):
        v = directory.v
        secret = os.path.join(directory.folder, "changes.password")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(v["ADMIN_PASSWORD"])
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            ["stdbuf", "-oL", "ldapmodify", "-v", "-x", "-H", v["URI"].split()[0], "-D", v["ADMIN_DN"], "-y", secret], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={"PATH": directories.PATH, "LDAPTLS_CACERT": v["CA_FILE"], "LC_ALL": "C.UTF-8"})
        at_end(self.end)

    def send(self, ldif):
        """Returns the times before it was sent and when the directory's answer was there."""
        before = time.monotonic()
        self.process.stdin.write(ldif.strip() + "\n\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.strip() in ("modify complete", "add complete", "delete complete"):
                return before, time.monotonic()
            lines.append(line)
        raise Failed(f"ldapmodify: {''.join(lines[-4:])}")

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(10)


class Stand:
    """A directory that runs and a daemon that does not run yet, whose config may be changed; both end with it."""

    def __init__(self, make="openldap", options=(), **server):
        self.folder = tempfile.mkdtemp(prefix="ub")
        at_end(self.end)
        self.make = make
        self.directory = self.directory_start("ldap", options)
        server = {"registrations_per_address": 100000, "registrations_per_mailbox": 50, "proof_of_work_bits": 0, **server}
        self.daemon = Daemon(os.path.join(self.folder, "usher"), self.directory, **server)
        self.daemon.config["log"]["level"] = "info"
        realm = self.realm = self.daemon.config["realms"]["demo"]
        realm["clients"]["app"]["signing_alg"] = "ES256"
        realm["profiles"]["guest"]["fields"] = made.NAMES
        self.tools = TOOLS or self.compile()

    def directory_start(self, name, options=()):
        directory = MAKES[self.make](os.path.join(self.folder, name), *ALLOWANCE[self.make], *options)
        at_end(directory.stop)
        return directory.start()

    def compile(self):
        flags, here = "-std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -pthread".split(), os.path.join(ROOT, "bench")
        for name, parts, libraries in (("load", "load client scenario letters group_cpu", "crypto"),
                                       ("limits", "limits group_cpu", "microhttpd crypto sqlite3 ldap lber")):
            subprocess.run(["cc", *flags, "-o", os.path.join(self.folder, name), *(f"{here}/{p}.c" for p in parts.split()),
                            *(f"-l{x}" for x in libraries.split())], check=True)
        return self.folder

    def end(self):
        self.daemon_end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def daemon_end(self):
        if hasattr(self, "daemon"):
            self.daemon.kill()

    # ---- the directory ----
    def person_dn(self, name):
        return f"{'uid' if self.make == 'openldap' else 'CN'}={name},{self.directory.v['PEOPLE']}"

    def person_ldif(self, name, password=PASSWORD):
        v = self.directory.v
        if self.make == "openldap":
            return PERSON.format(name=name, base=v["PEOPLE"], password=ssha(password))
        quoted = base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()
        return PERSON_AD.format(name=name, base=v["PEOPLE"], suffix=v["UPN_SUFFIX"], password=quoted)

    def add_people(self, prefix, n):
        """PREFIX00000 and on. One program for all."""
        changes = Changes(self.directory)
        for i in range(n):
            changes.send(self.person_ldif(f"{prefix}{i:05d}"))
        changes.end()

    def cn_config(self, ldif):
        """A change of slapd's configuration, which takes effect at once."""
        v = self.directory.v
        done = self.directory.client("ldapmodify", stdin=ldif, secret=("cn=config", v["ADMIN_PASSWORD"]))
        if done.returncode:
            raise Failed(f"ldapmodify: {done.stderr.strip()}")

    # ---- load and limits ----
    def load_command(self, scenario, users, seconds, **more):
        options = {"users": users, "seconds": seconds, "port": self.daemon.port, "server": self.daemon.process.pid, "directory": self.directory.pid,
                   "realm": "demo", "secret": made.SECRET, "password": PASSWORD, "mailbox": self.daemon.mailbox, **more}
        return [os.path.join(self.tools, "load"), scenario, *(f"{k}={v}" for k, v in options.items())]

    def load_begin(self, scenario, users, seconds, quiet=False, **more):
        return subprocess.Popen(self.load_command(scenario, users, seconds, **more), stdout=subprocess.PIPE,  # pylint: disable=consider-using-with
                                stderr=subprocess.DEVNULL if quiet else None, text=True)

    def load(self, scenario, users, seconds, **more):
        return self.load_end(self.load_begin(scenario, users, seconds, **more))

    @staticmethod
    def load_end(process):
        got = figures(process.communicate()[0])
        if got.get("errors"):
            print(f"  ({got['errors']:.0f} errors)", flush=True)
        return got

    def limit(self, kind, seconds, **more):
        v = self.directory.v
        options = {"make": self.make, "uri": v["URI"].split()[0], "ca": v["CA_FILE"], "service": v["BIND_DN"], "secret": v["BIND_PASSWORD"],
                   "people": v["PEOPLE"], "logins": "s", "password": PASSWORD, "seconds": seconds, "directory": self.directory.pid, **more}
        done = subprocess.run([os.path.join(self.tools, "limits"), kind, *(f"{k}={v}" for k, v in options.items())], stdout=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode:
            raise Failed(f"limits {kind}")
        return figures(done.stdout)

    def await_feed(self, seconds=60, count=1):
        end = time.monotonic() + seconds
        while self.daemon.feeds_fresh() < count:
            if time.monotonic() > end:
                raise Failed(f"the feed is not followed after {seconds} s:\n{self.daemon.tail()}")
            time.sleep(0.02)


def available(make):
    """Whether a directory of this make can run here; says why not."""
    missing = [] if make == "openldap" else [p for p in ("samba", "samba-tool", "ldbadd") if not shutil.which(p, path=directories.PATH)]
    if make != "openldap" and os.geteuid() != 0:
        print("  (skipped: Samba AD needs root, for its ports)", flush=True)
        return False
    if missing:
        print(f"  (skipped: {', '.join(missing)} is not installed)", flush=True)
        return False
    return True


def run(act):
    """act() with what it started ended; the exit code."""
    try:
        act()
        return 0
    except (Failed, KeyboardInterrupt) as error:
        print(f"{os.path.basename(sys.argv[0])}: {error}", file=sys.stderr)
        return 1

"""A private OpenLDAP server by tests/directories/openldap, and looks into it past Usher."""
import base64
import os
import shlex
import shutil
import subprocess

from tap import ROOT, Failed

SCRIPT = os.path.join(ROOT, "tests", "directories", "openldap")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

# Groups beside those that the script makes. A groupOfNames has a member always.
GROUPS = """\
dn: cn={name},{groups}
changetype: add
objectClass: groupOfNames
member: {member}

"""


def words_of(text):
    """NAME='VALUE' lines of the script as a dict."""
    pairs = (line[len("export "):].split("=", 1) for line in text.splitlines() if line.startswith("export "))
    return {name: shlex.split(value)[0] if value else "" for name, value in pairs}


class Directory:
    """start() gives the variables of the script as self.v; the people are alice, bob (operator), carol (approver) and more."""

    def __init__(self, folder):
        self.folder = folder
        self.v = {}

    def script(self, command, *args):
        done = subprocess.run([SCRIPT, command, self.folder, *args], capture_output=True, text=True, check=False,
                              env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Failed(f"openldap {command}: {done.stderr.strip()}")
        return done.stdout

    def start(self):
        fresh = not os.path.exists(os.path.join(self.folder, "seeded"))
        for again in (True, True, False):  # another program may take the port between the look and the start
            try:
                self.v = words_of(self.script("start"))
                break
            except Failed:
                if not (fresh and again):
                    raise
                shutil.rmtree(self.folder, ignore_errors=True)
        if fresh:
            self.add_groups()
        return self

    def stop(self):
        self.script("stop")

    def freeze(self):
        self.script("freeze", "1")

    def thaw(self):
        self.script("thaw", "1")

    @property
    def pid(self):
        return int(self.v["OL_PID_1"])

    def add_groups(self):
        people = self.v["OL_PEOPLE"]
        members = {"operators": f"uid=bob,{people}", "guests": f"cn=nobody,{self.v['OL_BASE']}",
                   "partners": f"cn=nobody,{self.v['OL_BASE']}", "vpn": f"cn=nobody,{self.v['OL_BASE']}",
                   "app-reports": f"cn=partners,{self.v['OL_GROUPS']}"}
        self.change("".join(GROUPS.format(name=n, groups=self.v["OL_GROUPS"], member=m) for n, m in members.items()))

    def client(self, program, *args, stdin=None, secret=None):
        """Runs an LDAP client over TLS as the directory's administrator; secret: (dn, password) for another."""
        who, password = secret or (self.v["OL_ADMIN_DN"], self.v["OL_ADMIN_PASSWORD"])
        file = os.path.join(self.folder, "client.password")
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(password)
        command = [program, "-x", "-o", "nettimeout=10", "-H", self.v["OL_URI"].split()[0], "-D", who, "-y", file, *args]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=30,
                              env={"PATH": PATH, "LDAPTLS_CACERT": self.v["OL_CA_FILE"], "LC_ALL": "C.UTF-8"})

    def change(self, ldif):
        done = self.client("ldapmodify", stdin=ldif)
        if done.returncode:
            raise Failed(f"ldapmodify: {done.stderr.strip()}")

    def search(self, text, *attributes, base=None):
        """Entries as dicts of lower-case names to lists of values, "dn" among them."""
        done = self.client("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", base or self.v["OL_PEOPLE"], text, *(attributes or ("*", "+")))
        if done.returncode not in (0, 32):
            raise Failed(f"ldapsearch {text}: {done.stderr.strip()}")
        return [entry_of(block) for block in done.stdout.split("\n\n") if block.strip()]

    def may_log_in(self, dn, password):
        """Whether the directory itself takes the password."""
        return self.client("ldapwhoami", secret=(dn, password)).returncode == 0

    def members(self, group):
        found = self.search(f"(cn={group})", "member", base=self.v["OL_GROUPS"])
        return found[0].get("member", []) if found else []


def entry_of(block):
    entry = {}
    for line in block.splitlines():
        name, _, value = line.partition(":")
        if name and not line.startswith("#"):
            text = base64.b64decode(value[1:]).decode(errors="replace") if value.startswith(":") else value.strip()
            entry.setdefault(name.lower(), []).append(text)
    return entry

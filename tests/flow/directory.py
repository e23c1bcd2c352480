"""A private directory server by a script of tests/directories, and looks into it past Usher: one class for each make."""
import base64
import os
import shlex
import shutil
import subprocess

from tap import LONGEST, ROOT, Failed

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

# Groups beside those that the scripts make. A groupOfNames has a member always.
GROUP_OF_NAMES = """\
dn: cn={name},{groups}
changetype: add
objectClass: groupOfNames
member: {member}

"""
# A global security group, MS-ADTS 2.2.12. A domain has a group whose sAMAccountName is Guests from its beginning.
GROUP = """\
dn: CN={name},{groups}
changetype: add
objectClass: group
sAMAccountName: demo-{name}
groupType: -2147483646
"""


def words_of(text):
    """NAME='VALUE' lines of the script as a dict. Each name is there without the prefix of its make too: OL_PEOPLE is PEOPLE."""
    pairs = [line[len("export "):].split("=", 1) for line in text.splitlines() if line.startswith("export ")]
    words = {name: shlex.split(value)[0] if value else "" for name, value in pairs}
    return {**{name.split("_", 1)[1]: value for name, value in words.items()}, **words}


def check_root(title, why):
    if os.geteuid() != 0:
        raise Failed(f"{title} must be started as root: {why}; OpenLDAP needs no root")


def check_path(path):
    if len(os.path.realpath(path)) > LONGEST:
        raise Failed(f"the path {path} is too long for the server's sockets ({LONGEST} characters at most); choose another folder")


class Directory:
    """OpenLDAP. start() gives the variables of the script as self.v; the people are alice, bob (operator), carol (approver) and more."""

    title, driver, script_name = "OpenLDAP", "openldap", "openldap"
    rdn = "uid"  # what names an entry that Usher makes
    login_attribute = "uid"

    def __init__(self, folder, *options):
        self.folder, self.options = folder, options
        self.v = {"DRIVER": self.driver}

    def check_machine(self):
        """Says what is missing before anything is started."""

    def script(self, command, *args):
        path = os.path.join(ROOT, "tests", "directories", self.script_name)
        done = subprocess.run([path, command, self.folder, *args], capture_output=True, text=True, check=False,
                              env={**os.environ, "PATH": PATH}, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Failed(f"{self.script_name} {command}: {done.stderr.strip()}")
        return done.stdout

    def start(self):
        self.check_machine()
        fresh = not os.path.exists(os.path.join(self.folder, "seeded"))
        for again in (True, True, False):  # another program may take the port between the look and the start
            try:
                self.v.update(words_of(self.script("start", *self.options)))
                break
            except Failed:
                if not (fresh and again):
                    raise
                shutil.rmtree(self.folder, ignore_errors=True)
        if fresh:
            self.add_groups()
        return self

    def stop(self):
        if os.path.isdir(self.folder):
            self.script("stop")

    def freeze(self):
        self.script("freeze", "1")

    def thaw(self):
        self.script("thaw", "1")

    @property
    def pid(self):
        return int(self.v["PID_1"])

    def group_ldif(self, name, *members):
        return GROUP_OF_NAMES.format(name=name, groups=self.v["GROUPS"], member=(*members, f"cn=nobody,{self.v['BASE']}")[0])

    def add_groups(self):
        members = {"operators": [self.dn_of("bob")], "guests": [], "partners": [], "vpn": [], "app-reports": [f"cn=partners,{self.v['GROUPS']}"]}
        self.change("".join(self.group_ldif(name, *dns) for name, dns in members.items()))

    def dn_of(self, person):
        """Of one of the script's people."""
        return f"uid={person},{self.v['PEOPLE']}"

    def client(self, program, *args, stdin=None, secret=None):
        """Runs an LDAP client over TLS as the directory's administrator; secret: (dn, password) for another."""
        who, password = secret or (self.v["ADMIN_DN"], self.v["ADMIN_PASSWORD"])
        file = os.path.join(self.folder, "client.password")
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(password)
        command = [program, "-x", "-o", "nettimeout=10", "-H", self.v["URI"].split()[0], "-D", who, "-y", file, *args]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=30,
                              env={"PATH": PATH, "LDAPTLS_CACERT": self.v["CA_FILE"], "LC_ALL": "C.UTF-8"})

    def change(self, ldif):
        done = self.client("ldapmodify", stdin=ldif)
        if done.returncode:
            raise Failed(f"ldapmodify: {done.stderr.strip()}")

    def search(self, text, *attributes, base=None):
        """Entries as dicts of lower-case names to lists of values, "dn" among them."""
        done = self.client("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-b", base or self.v["PEOPLE"], text, *(attributes or ("*", "+")))
        if done.returncode not in (0, 32):
            raise Failed(f"ldapsearch {text}: {done.stderr.strip()}")
        return [entry_of(block) for block in done.stdout.split("\n\n") if block.strip()]

    def may_log_in(self, dn, password):
        """Whether the directory itself takes the password."""
        return self.client("ldapwhoami", secret=(dn, password)).returncode == 0

    def members(self, group):
        found = self.search(f"(cn={group})", "member", base=self.v["GROUPS"])
        return found[0].get("member", []) if found else []

    # ---- what an entry says ----
    def login_of(self, entry):
        return entry[self.login_attribute.lower()][0]

    @staticmethod
    def pending(entry):
        """Disabled in the way in which new entries are."""
        return entry.get("pwdaccountlockedtime") == ["000001010000Z"]


class ActiveDirectory(Directory):
    """Samba's Active Directory. Whoever starts it must be root."""

    title, driver, script_name = "Samba AD", "active_directory", "samba-ad"
    rdn = "cn"
    login_attribute = "sAMAccountName"

    def check_machine(self):
        check_root(self.title, "it listens on the ports 88, 389 and 636 of an address in 127.77.0.0/24 and owns its system volume")
        check_path(self.folder)

    def group_ldif(self, name, *members):
        return GROUP.format(name=name, groups=self.v["GROUPS"]) + "".join(f"member: {m}\n" for m in members) + "\n"

    def dn_of(self, person):
        return f"CN={person},{self.v['PEOPLE']}"

    def may_log_in(self, dn, password):  # Samba 4.17 does not know "Who am I?"
        return self.client("ldapsearch", "-LLL", "-s", "base", "-b", "", "(objectClass=*)", "1.1", secret=(dn, password)).returncode == 0

    @staticmethod
    def pending(entry):
        return entry.get("useraccountcontrol") == ["514"]


class Directory389(Directory):
    """389 Directory Server. Whoever starts it must be root; it has no freeze and thaw."""

    title, driver, script_name = "389 Directory Server", "389ds", "389ds"

    def check_machine(self):
        check_root(self.title, "its installer makes a network of its own")
        check_path(self.folder)

    @property
    def pid(self):
        return int(self.v["PID"])

    @staticmethod
    def pending(entry):
        return entry.get("nsaccountlock") == ["true"]


MAKES = {"openldap": Directory, "ad": ActiveDirectory, "389ds": Directory389}


def entry_of(block):
    entry = {}
    for line in block.splitlines():
        name, _, value = line.partition(":")
        if name and not line.startswith("#"):
            text = base64.b64decode(value[1:]).decode(errors="replace") if value.startswith(":") else value.strip()
            entry.setdefault(name.lower(), []).append(text)
    return entry

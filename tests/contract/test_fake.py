#!/usr/bin/python3
"""The directories of tests/directories/fake, by ldap-utils: what the contract suite relies on is there."""
import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(ROOT, "tests", "flow"), os.path.join(ROOT, "tests", "directories")]
import ber  # noqa: E402
import tap  # noqa: E402

FAKE = os.path.join(ROOT, "tests", "directories", "fake")
ANY = "(objectClass=*)"
HINTS = "control: 1.2.840.113556.1.4.2239 true:: MAMCAQE=\n"  # SEQUENCE { INTEGER 1 }


class Directory:
    """A running fake and its variables."""

    def __init__(self, *options):
        self.folder = tempfile.mkdtemp(prefix="fk-")
        tap.at_end(self.end)
        self.take("start", *options)

    def end(self):
        subprocess.run([FAKE, "stop", self.folder], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def take(self, command, *options):
        done = subprocess.run([FAKE, command, self.folder, *options], check=True, capture_output=True, text=True)
        self.v = dict(re.findall(r"^export FK_(\w+)='(.*)'$", done.stdout, re.MULTILINE))
        os.environ["LDAPTLS_CACERT"] = self.v["CA_FILE"]

    def run(self, tool, *words, who=None, password=None, uri=None, text=""):
        who = self.v["BIND_DN"] if who is None else who
        password = self.v["BIND_PASSWORD"] if password is None else password
        login = ["-D", who, "-w", password] if who else []
        done = subprocess.run([tool, "-x", "-H", uri or self.v["URI"], *login, *words], input=text, capture_output=True, text=True, check=False,
                              timeout=30)
        return done.returncode, done.stdout + done.stderr

    def search(self, *words, **more):
        return self.run("ldapsearch", *([] if "-E" in words else ["-LLL"]), "-o", "ldif-wrap=no", *words, **more)

    def modify(self, text, *words, **more):
        return self.run("ldapmodify", *words, text=text, **more)

    def person(self, name):
        return f"CN={name},{self.v['PEOPLE']}"

    def group(self, name):
        return f"CN={name},{self.v['GROUPS']}"

    def add(self, name, *lines, account=None, **more):
        text = [f"dn: {self.person(name)}", "changetype: add", "objectClass: user", f"sAMAccountName: {account or name}", *lines]
        return self.modify("\n".join(text) + "\n", **more)

    def set_password(self, name, new, control="", **more):
        return self.modify(f"dn: {self.person(name)}\n{control}changetype: modify\nreplace: unicodePwd\nunicodePwd:: {quoted(new)}\n", **more)

    def change(self, name, line, *words, **more):
        kind, _, rest = line.partition(" ")
        attribute, _, value = rest.partition(": ")
        return self.modify(f"dn: {self.person(name)}\nchangetype: modify\n{kind}: {attribute}\n" + (f"{attribute}: {value}\n" if value else ""),
                           *words, **more)

    def bind(self, who, password=None):
        return self.run("ldapwhoami", who=who, password=self.v["USER_PASSWORD"] if password is None else password)


def quoted(password):
    return base64.b64encode(f'"{password}"'.encode("utf-16-le")).decode()


def fails(result, code, text=""):
    tap.expect(result[0] == code and text in result[1], "not", code, text, "but", *result)


def works(result, text=""):
    fails(result, 0, text)
    return result[1]


def root_dse(d):
    out = works(d.search("-s", "base", "-b", "", who=""))
    for wanted in ("defaultNamingContext: DC=ad", "supportedControl: 1.2.840.113556.1.4.2239", "highestCommittedUSN: ", "dsServiceName: CN=NTDS"):
        tap.expect(wanted in out, wanted, "in", out)
    fails(d.search("-b", d.v["BASE"], who=""), 1, "000004DC: LdapErr")
    works(d.search("-s", "base", "-b", "", "-ZZ", uri=d.v["URI_PLAIN"]))


def binds(d):
    works(d.bind("alice@ad.example.test"), "u:ADEX\\alice")
    works(d.bind("ADEX\\alice"))
    works(d.bind(d.person("alice"), ""), "anonymous")
    codes = {"nobody": "525", "disabled": "533", "mustchange": "773", "acctexpired": "701", "nohours": "530", "nostation": "531",
             "pwexpired": "532"}
    for name, code in codes.items():
        fails(d.bind(d.person(name)), 49, f"80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data {code}, v4563")
        fails(d.bind(d.person(name), "wrong"), 49, "data 525" if name == "nobody" else "data 52e")
    for _ in range(3):
        fails(d.bind(d.person("lockme"), "wrong"), 49, "data 52e")
    fails(d.bind(d.person("lockme"), "wrong"), 49, "data 775")
    fails(d.bind(d.person("lockme")), 49, "data 775")
    computed = works(d.search("-b", d.person("lockme"), "-s", "base", "msDS-User-Account-Control-Computed", "lockoutTime"))
    tap.expect("Computed: 16" in computed, computed)
    works(d.change("lockme", "replace lockoutTime: 0"))
    works(d.bind(d.person("lockme")))


def adds(d):
    works(d.add("new1", "userPrincipalName: new1@ad.example.test"))
    out = works(d.search("-b", d.person("new1"), "-s", "base"))
    for wanted in ("userAccountControl: 546", "pwdLastSet: 0", "objectSid:: ", "objectGUID:: ", "objectClass: organizationalPerson"):
        tap.expect(wanted in out, wanted, "in", out)
    fails(d.add("new2", account="new1"), 68, "00000524: UpdErr: DSID-031A11FA, problem 6005 (ENTRY_EXISTS), data 0")
    fails(d.add("new1", account="new2"), 68, "00002071: UpdErr")
    fails(d.add("new2", "userPrincipalName: NEW1@ad.example.test"), 19, "000021C8: AtrErr")
    fails(d.add("new2", account="a" * 21), 80, "00000523: SysErr")
    fails(d.add("new2", account="a*b"), 80, "00000523: SysErr")
    fails(d.add("n" * 65, account="new2"), 19, "00002082: AtrErr")
    fails(d.add("new2", "nosuch: x"), 16, "00000057: LdapErr")
    fails(d.add("new2", f"manager: {d.person('nobody')}"), 19, "000020B5: AtrErr")
    fails(d.add("new2", "userAccountControl: 512"), 53, "0000052D: SvcErr")
    fails(d.modify(f"dn: CN=x,OU=Nowhere,{d.v['BASE']}\nchangetype: add\nobjectClass: user\n"), 32, "0000208D: NameErr")
    fails(d.modify(f"dn: CN=x,{d.v['OUTSIDE']}\nchangetype: add\nobjectClass: user\n"), 50, "SecErr")
    fails(d.search("-b", d.person("new2")), 32)
    works(d.add("M\\C3\\BCller\\, \\\"A\\\" \\+ \\<b\\>\\; \\#", account="mueller"))
    works(d.search("-b", d.v["PEOPLE"], "(cn=Müller, \"A\" + <b>; #)", "dn"), "dn:: ")


def passwords(d):
    works(d.add("pw", "userAccountControl: 514", "displayName: Paula Waters"))
    fails(d.change("pw", "replace userAccountControl: 512"), 53, "0000052D: SvcErr: DSID-031A126C, problem 5003 (WILL_NOT_PERFORM), data 0")
    fails(d.set_password("pw", "Sh0rt!"), 53, "0000052D: SvcErr")
    fails(d.set_password("pw", "alllowercase"), 53, "0000052D: SvcErr")
    fails(d.set_password("pw", "xX-Waters-1"), 53, "0000052D: SvcErr")
    fails(d.set_password("pw", "G00d-enough", uri=d.v["URI_PLAIN"]), 53, "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM)")
    fails(d.change("pw", "replace unicodePwd: x"), 53, "0000001F: SvcErr")
    works(d.set_password("pw", "G00d-enough"))
    works(d.change("pw", "replace userAccountControl: 512"))
    works(d.bind(d.person("pw"), "G00d-enough"))
    works(d.set_password("pw", "G00d-enough"))  # an administrator's: no history
    fails(d.set_password("pw", "G00d-enough", HINTS), 53, "0000052D: SvcErr")
    works(d.set_password("pw", "An0ther-one", HINTS))

    def by_person(old, new):
        text = (f"dn: {d.person('pw')}\nchangetype: modify\ndelete: unicodePwd\nunicodePwd:: {quoted(old)}\n-\n"
                f"add: unicodePwd\nunicodePwd:: {quoted(new)}\n")
        return d.modify(text, who=d.person("pw"), password="An0ther-one")

    fails(by_person("wrong", "Th1rd-word!"), 19, "00000056: AtrErr")
    fails(by_person("An0ther-one", "weak"), 19, "0000052D: AtrErr: DSID-03191083, #1:")
    fails(by_person("An0ther-one", "G00d-enough"), 19, "0000052D: AtrErr")
    works(by_person("An0ther-one", "Th1rd-word!"))
    works(d.bind(d.person("pw"), "Th1rd-word!"))
    fails(d.set_password("alice", "G00d-enough", who=d.person("bob"), password=d.v["USER_PASSWORD"]), 50, "SecErr")
    works(d.search("-b", d.person("pw"), "unicodePwd"), "dn: ")


def young(d):
    """The minimum age counts for the person, and for an administrator who gives the control."""
    admin = {"who": d.v["ADMIN_DN"], "password": d.v["ADMIN_PASSWORD"]}
    works(d.modify(f"dn: {d.v['BASE']}\nchangetype: modify\nreplace: minPwdAge\nminPwdAge: -864000000000\n", **admin))
    fails(d.set_password("bob", "Wh0lly-new-1", HINTS), 53, "0000052D")
    works(d.set_password("bob", "Wh0lly-new-1"))


def groups(d):
    member = f"dn: {d.group('empty')}\nchangetype: modify\n%s: member\nmember: {d.person('alice')}\n"
    works(d.modify(member % "add"))
    fails(d.modify(member % "add"), 68, "00000562: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0")
    works(d.modify(member % "add", "-e", "!1.2.840.113556.1.4.1413"))
    works(d.modify(member % "delete"))
    fails(d.modify(member % "delete"), 53, "00000561: SvcErr")
    fails(d.modify(f"dn: {d.group('empty')}\nchangetype: modify\nadd: member\nmember: {d.person('nobody')}\n"), 32, "00000525: NameErr")
    chain = works(d.search("-b", d.v["GROUPS"], f"(member:1.2.840.113556.1.4.1941:={d.person('alice')})", "cn"))
    tap.same(sorted(re.findall(r"^cn: (.*)$", chain, re.MULTILINE)), ["everyone", "staff", "team-red"], "groups of alice")
    tokens = works(d.search("-b", d.person("alice"), "-s", "base", "tokenGroups"))
    tap.same(tokens.count("tokenGroups:: "), 5, "SIDs of alice")
    fails(d.search("-b", d.v["PEOPLE"], "(cn=alice)", "tokenGroups"), 1)


def ranges(d):
    out = works(d.search("-b", d.group("bulk"), "-s", "base", "member"))
    tap.same(out.count("member;range=0-1499: "), 1500, "values of the first range")
    tap.expect("\nmember: " not in out, "plain members")
    out = works(d.search("-b", d.group("bulk"), "-s", "base", ANY, "member;range=1500-*"))
    tap.same(out.count("member;range=1500-*: "), 100, "values of the rest")
    tap.same(works(d.search("-b", d.group("bulk"), "-s", "base", ANY, "member;range=0-9")).count("member;range=0-9: "), 10, "ten")
    code, out = d.search("-b", d.v["BASE"], "(objectClass=user)", "1.1")
    tap.same((code, out.count("dn:")), (4, 1000), "an unpaged search")
    out = works(d.search("-b", d.v["BASE"], "-E", "pr=700/noprompt", "(objectClass=user)", "1.1"))
    tap.expect(out.count("dn: ") > 1600, "all pages")


def names(d):
    guid = re.search(r"objectGUID:: (\S+)", works(d.search("-b", d.person("carol"), "objectGUID"))).group(1)
    raw = base64.b64decode(guid)
    literal = "".join(f"\\{b:02x}" for b in raw)
    works(d.search("-b", d.v["PEOPLE"], f"(objectGUID={literal})", "dn"), "CN=carol")
    works(d.search("-b", f"<GUID={raw.hex()}>", "-s", "base", "dn"), "CN=carol")
    works(d.search("-b", d.v["PEOPLE"], "(userAccountControl:1.2.840.113556.1.4.803:=2)", "cn"), "cn: disabled")
    tap.expect("disabled" not in works(d.search("-b", d.v["PEOPLE"], "(!(userAccountControl:1.2.840.113556.1.4.803:=2))", "cn")), "bits")
    works(d.search("-b", d.v["PEOPLE"], "(&(mail=ca*l@*test)(|(sn=example)(sn=x)))", "cn"), "cn: carol")
    tap.same(works(d.search("-b", d.v["PEOPLE"], "(!(nosuch=1))", "dn")).strip(), "", "a filter that cannot be told")
    fails(d.search("-b", "CN=x,,", "dn"), 34)
    fails(d.search("-b", "DC=other,DC=test", "dn"), 10)


def dirsync(d):
    def sync(cookie, flags=0x80000000):
        value = ber.seq(ber.integer(flags - (1 << 32) if flags >> 31 else flags), ber.integer(0), ber.octets(cookie))
        out = works(d.search("-b", d.v["BASE"], "-E", "!1.2.840.113556.1.4.841=::" + base64.b64encode(value).decode(),
                             "(|(objectClass=user)(objectClass=group))", "mail", "member", "isDeleted", "name", "parentGUID", "userAccountControl"))
        control = base64.b64decode(re.search(r"^control: 1.2.840.113556.1.4.841 \w+ (\S+)$", out, re.MULTILINE).group(1))
        r = ber.Reader(control).inside(ber.SEQUENCE)
        tap.same(r.number(), 0, "more")
        r.number()
        return out, r.value(ber.OCTETS)

    out, cookie = sync(b"")
    tap.expect("member;range=1-1: " in out and out.count("\ndn: ") > 1600, "all, at first")
    out, cookie = sync(cookie)
    tap.expect("dn: " not in out, "nothing changed", out)
    works(d.change("carol", "replace mail: c@example.test"))
    works(d.modify(f"dn: {d.group('approvers')}\nchangetype: modify\ndelete: member\nmember: {d.person('carol')}\n"))
    works(d.modify(f"dn: {d.person('new1')}\nchangetype: delete\n"))
    out, cookie = sync(cookie)
    for wanted in ("mail: c@example.test", "member;range=0-0: CN=carol", "isDeleted: TRUE", "DEL:"):
        tap.expect(wanted in out or wanted in decoded(out), wanted, "in", out)
    fails(d.search("-b", d.person("new1"), "dn"), 32)
    works(d.search("-b", f"CN=Deleted Objects,{d.v['BASE']}", "-E", "!1.2.840.113556.1.4.417", "(sAMAccountName=new1)", "lastKnownParent"), "lastKnown")


def decoded(out):
    return re.sub(r":: (\S+)", lambda m: ": " + base64.b64decode(m.group(1)).decode("utf-8", "replace"), out)


def renames(d):
    guid = re.search(r"objectGUID:: (\S+)", works(d.search("-b", d.person("alice"), "objectGUID"))).group(1)
    works(d.modify(f"dn: {d.person('alice')}\nchangetype: modrdn\nnewrdn: CN=Alice B\ndeleteoldrdn: 1\n"))
    works(d.search("-b", d.person("Alice B"), "objectGUID"), guid)
    works(d.search("-b", d.group("team-red"), "member"), "member: CN=Alice B,")
    fails(d.modify(f"dn: {d.person('Alice B')}\nchangetype: modrdn\nnewrdn: CN=carol\ndeleteoldrdn: 1\n"), 68, "00002071")
    d.take("reset")
    works(d.search("-b", d.person("alice"), "dn"))


def unexpire(_):
    d = Directory("--no-unexpire", "--demand-tls")
    works(d.set_password("alice", "G00d-enough"))
    fails(d.bind(d.person("alice"), "G00d-enough"), 49, "data 773")
    fails(d.change("alice", "replace pwdLastSet: -1"), 50, "SecErr")
    fails(d.search("-b", d.v["BASE"], uri=d.v["URI_PLAIN"]), 8, "00002028: LdapErr")
    subprocess.run([FAKE, "stop", d.folder], check=True)


def hostile(_):
    """Each does wrong in its way, and ldapsearch sees it."""
    d = Directory("--mode", "hostile")

    def seen(mode, *more):
        return d.search("-o", "nettimeout=2", "-b", d.v["PEOPLE"], "(uid=variant-1.)", *more, uri=d.v["URI_" + mode])

    for mode in ("HALF", "HALF_EARLY"):
        tap.expect(seen(mode)[0] in (254, 255), mode, seen(mode))
    tap.expect(len(works(seen("HUGE"))) > 10 << 20, "10 MB")
    fails(seen("NOTICE"), 52, "The server is about to stop")
    tap.expect("LDAP://127.0.0.1" in seen("REFERRAL")[1].upper(), "a referral", seen("REFERRAL"))
    works(seen("DEEPDN"), "dn: uid=\\ lead")
    works(d.run("ldapwhoami", uri=d.v["URI_LIAR"]), "dn:cn=somebody,dc=else")
    fails(d.run("ldapwhoami", "-ZZ", uri=d.v["URI_NOBODYTLS_PLAIN"]), 1, "TLS is for others")
    with open(d.v["CANARY"], encoding="ascii") as canary:
        tap.same(canary.read(), "0\n", "connections to the canary")
    d.run("ldapsearch", "-s", "base", "-b", "", uri=seen("REFERRAL")[1].split("Referral: ")[1].split("/OU")[0])
    with open(d.v["CANARY"], encoding="ascii") as canary:
        tap.expect(canary.read() != "0\n", "a connection to the canary is counted")


def main():
    tests, d = tap.Tests(), Directory()
    for check in (root_dse, binds, adds, passwords, groups, ranges, names, dirsync, renames, young, unexpire):
        tests.run(f"fake Active Directory: {check.__name__}", check, d)
    tests.run("hostile servers", hostile, d)
    return tests.end()


if __name__ == "__main__":
    sys.exit(main())

"""The same people and groups as the other directories for tests have."""
import time

from fakes import schema
from fakes.account import Accounts, Rights
from fakes.tree import BASE, CONFIGURATION, DOMAIN, DOMAIN_SID, NEVER, SCHEMA, Tree, filetime, sid_bytes
from fakes.write import TYPES, Writer

APP = "OU=App," + BASE
PEOPLE, GROUPS, SERVICES = "OU=People," + APP, "OU=Groups," + APP, "OU=Services," + APP
OUTSIDE = "OU=Outside," + BASE
BROKER, ADMIN = "CN=svc-broker," + SERVICES, "CN=Administrator,CN=Users," + BASE
BROKER_PASSWORD, ADMIN_PASSWORD, USER_PASSWORD = "Br0ker-passw0rd", "Adm1n-passw0rd", "Us3r-passw0rd"
BULK = 1600
DSA = "CN=NTDS Settings,CN=DC1,CN=Servers,CN=Default-First-Site-Name,CN=Sites," + CONFIGURATION
POLICIES = "CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,CN=Services," + CONFIGURATION
LIMITS = ["MaxPageSize=1000", "MaxValRange=1500", "MaxConnIdleTime=900", "InitRecvTimeout=120", "MaxNotificationPerConn=5",
          "MaxQueryDuration=120", "MaxConnections=5000", "MaxTempTableSize=10000"]


class Seed:
    def __init__(self, unexpire=True):
        self.tree = Tree()
        self.accounts = Accounts(self.tree)
        self.frame()
        for dn in (APP, PEOPLE, GROUPS, SERVICES, OUTSIDE, "OU=Bulk," + APP):
            self.put(dn, "organizationalUnit")
        self.account(ADMIN, ADMIN_PASSWORD, 512)
        self.account(BROKER, BROKER_PASSWORD, 66048)
        self.rights = Rights(self.tree, unexpire)
        self.people()
        self.groups()

    def put(self, dn, kind, **attributes):
        """An entry beside all rules."""
        rdn, _, parent = dn.partition(",")
        above = self.tree.find(parent)
        chain = schema.CLASSES[kind.lower()][0] if kind.lower() in schema.CLASSES else ["top", kind]
        entry = self.tree.insert(above, tuple(rdn.split("=", 1)), chain)
        for name, value in attributes.items():
            self.tree.put(entry, name.replace("_", "-"), value if isinstance(value, list) else [value])
        return entry

    def path(self, dn, kind="container"):
        """The containers above dn, then dn."""
        rdn, _, parent = dn.partition(",")
        if parent not in (BASE, CONFIGURATION, SCHEMA):
            try:
                self.tree.find(parent)
            except Exception:
                self.path(parent)
        return self.put(dn, kind)

    def frame(self):
        tree = self.tree
        head = tree.domain()
        tree.put(head, "objectClass", ["top", "domain", "domainDNS"])
        tree.put(head, "objectSid", [sid_bytes(DOMAIN_SID)])
        day = 864000000000
        for name, value in (("minPwdLength", 7), ("pwdProperties", 1), ("pwdHistoryLength", 24), ("minPwdAge", 0), ("maxPwdAge", -42 * day),
                            ("lockoutThreshold", 3), ("lockoutDuration", -18000000000), ("lockOutObservationWindow", -18000000000),
                            ("instanceType", 5), ("msDS-Behavior-Version", 7)):
            tree.put(head, name, [value])
        for name in ("Users", "Builtin", "Deleted Objects", "System"):
            self.put(f"CN={name},{BASE}", "container")
        tree.put(tree.find("CN=Deleted Objects," + BASE), "isDeleted", ["TRUE"])
        for rid, name in ((512, "Domain Admins"), (513, "Domain Users")):
            self.put(f"CN={name},CN=Users,{BASE}", "group", sAMAccountName=name, groupType=-2147483646,
                     sAMAccountType=TYPES["group"], objectSid=sid_bytes(f"{DOMAIN_SID}-{rid}"))
        for rid, name in ((544, "Administrators"), (545, "Users")):
            self.put(f"CN={name},CN=Builtin,{BASE}", "group", sAMAccountName=name, groupType=-2147483643,
                     sAMAccountType=0x20000000, objectSid=sid_bytes(f"S-1-5-32-{rid}"))
        dsa = self.path(DSA, "nTDSDSA")
        tree.put(dsa, "invocationId", [tree.invocation])
        tree.put(self.path(POLICIES, "queryPolicy"), "lDAPAdminLimits", LIMITS)
        self.schema()

    def schema(self):
        head = self.tree.find(SCHEMA)
        for known in schema.ATTRIBUTES.values():
            syntax, om = schema.OIDS[known.syntax]
            entry = self.put(f"CN={known.name},{SCHEMA}", "attributeSchema", lDAPDisplayName=known.name, attributeSyntax=syntax,
                             oMSyntax=om, isSingleValued=str(known.single).upper(), systemOnly=str(known.system).upper())
            if known.upper:
                self.tree.put(entry, "rangeUpper", [known.upper])
        for chain, _ in schema.CLASSES.values():
            self.put(f"CN={chain[-1]}-class,{SCHEMA}", "classSchema", lDAPDisplayName=chain[-1])
        self.put(f"CN=Aggregate,{head.dn}", "subSchema",
                 attributeTypes=[f"( 1.2.3.{i} NAME '{a.name}'{' SINGLE-VALUE' if a.single else ''} )"
                                 for i, a in enumerate(schema.ATTRIBUTES.values())],
                 objectClasses=[f"( 1.2.4.{i} NAME '{name}'{f' SUP {above}' if above else ''} STRUCTURAL )"
                                for i, (name, above) in enumerate(sorted(schema.superiors().items()))])

    def account(self, dn, password, control, **attributes):
        name = dn.partition(",")[0].partition("=")[2]
        rid = 500 if dn == ADMIN else next(self.tree.rids)
        entry = self.put(dn, "user", sAMAccountName=name, userPrincipalName=f"{name}@{DOMAIN}", userAccountControl=control,
                         objectSid=sid_bytes(f"{DOMAIN_SID}-{rid}"), primaryGroupID=513, sAMAccountType=TYPES["user"],
                         pwdLastSet=filetime() if password else 0, accountExpires=NEVER, badPwdCount=0, codePage=0, countryCode=0)
        for key, value in attributes.items():
            self.tree.put(entry, key, [value])
        entry.secret.current = password
        return entry

    def people(self):
        past = filetime(time.time() - 3 * 365 * 86400)
        states = {"alice": {}, "bob": {}, "carol": {}, "disabled": {}, "mustchange": {"pwdLastSet": 0}, "acctexpired": {"accountExpires": past},
                  "nohours": {"logonHours": bytes(21)}, "nostation": {"userWorkstations": "ELSEWHERE"}, "pwexpired": {"pwdLastSet": past},
                  "lockme": {}}
        for name, state in states.items():
            self.account(f"CN={name},{PEOPLE}", USER_PASSWORD, 514 if name == "disabled" else 512, givenName=name.capitalize(), sn="Example",
                         displayName=f"{name.capitalize()} Example", mail=f"{name}@example.test", **state)
        self.account("CN=outsider," + OUTSIDE, USER_PASSWORD, 512)

    def group(self, name, *members):
        entry = self.put(f"CN={name},{GROUPS}", "group", sAMAccountName=name, groupType=-2147483646, sAMAccountType=TYPES["group"],
                         objectSid=sid_bytes(f"{DOMAIN_SID}-{next(self.tree.rids)}"))
        for member in members:
            self.tree.link(entry, "member", self.tree.find(member if "," in member else f"CN={member},{GROUPS}"))
        return entry

    def groups(self):
        red = self.group("team-red", f"CN=alice,{PEOPLE}")
        self.group("team-blue", f"CN=bob,{PEOPLE}")
        self.group("staff", "team-red", "team-blue")
        everyone = self.group("everyone", "staff", f"CN=carol,{PEOPLE}")
        self.group("approvers", f"CN=carol,{PEOPLE}")
        self.group("empty")
        self.tree.link(red, "member", everyone)
        bulk = self.group("bulk")
        for i in range(1, BULK + 1):
            entry = self.account(f"CN=bulk{i:05},OU=Bulk,{APP}", None, 546)
            self.tree.link(bulk, "member", entry)

    def writer(self, actor, tls=True, controls=()):
        return Writer(self.tree, self.accounts, self.rights, actor, tls, controls)

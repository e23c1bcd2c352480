"""The part of Active Directory's schema that is known here: attributes and classes."""
import collections

# syntax: text, int, big (64 bits), dn, octets, time, bool, sid, oid
Attribute = collections.namedtuple("Attribute", "name syntax single upper system att constructed")

TABLE = """
accountExpires big 1 - - 9009f
adminCount int 1 - - 90096
badPasswordTime big 1 - s 90031
badPwdCount int 1 - s 9000c
c text 1 3 - 6
cn text 1 64 - 3
co text 1 128 - 20083
codePage int 1 - - 90010
comment text 1 - - 9009c
company text 1 64 - 20092
countryCode int 1 - - 90019
department text 1 64 - 2008d
description text n 1024 - d
directReports dn n - s 201b4
displayName text 1 256 - 2000d
distinguishedName dn 1 - s 31
division text 1 256 - 20105
dNSHostName text 1 2048 - 9026b
employeeID text 1 16 - 90023
employeeNumber text 1 512 - 90262
employeeType text 1 256 - 90265
extensionAttribute1 text 1 1024 - 201a7
extensionAttribute2 text 1 1024 - 201a8
extensionAttribute10 text 1 1024 - 201b0
extensionAttribute15 text 1 2048 - 20297
facsimileTelephoneNumber text 1 64 - 17
gidNumber int 1 - - 1f0001
givenName text 1 64 - 2a
groupType int 1 - - 902ee
info text 1 1024 - 20051
initials text 1 6 - 2b
instanceType int 1 - s 20001
invocationId octets 1 16 s 20073
isCriticalSystemObject bool 1 - s 90364
isDeleted bool 1 - s 20030
isRecycled bool 1 - s 9080a
jpegPhoto octets n - - 1f003c
l text 1 128 - 7
lastKnownParent dn 1 - s 9030d
lastLogoff big 1 - s 90033
lastLogon big 1 - s 90034
lastLogonTimestamp big 1 - s 906a0
lDAPAdminLimits text n - - 9034b
lockoutDuration big 1 - - 9003c
lockOutObservationWindow big 1 - - 9003d
lockoutThreshold int 1 - - 90049
lockoutTime big 1 - - 90296
logonCount int 1 - s 900a9
logonHours octets 1 21 - 90040
mail text 1 256 - 150001
managedBy dn 1 - - 2028d
managedObjects dn n - s 2028e
manager dn 1 - - a
maxPwdAge big 1 - - 9004a
member dn n - - 1f
memberOf dn n - s 20066
middleName text 1 64 - 90262
minPwdAge big 1 - - 9004e
minPwdLength int 1 - - 9004f
mobile text 1 64 - 29
name text 1 255 s 90001
nTSecurityDescriptor octets 1 - - 20119
objectCategory dn 1 - s 9030e
objectClass oid n - - 0
objectGUID octets 1 16 s 90002
objectSid sid 1 28 s 90092
ou text n 64 - b
pager text 1 64 - 2a0001
physicalDeliveryOfficeName text 1 128 - 13
postalCode text 1 40 - 11
primaryGroupID int 1 - - 90062
proxyAddresses text n 1123 - 200d2
pwdHistoryLength int 1 - - 9005f
pwdLastSet big 1 - - 90060
pwdProperties int 1 - - 9005d
sAMAccountName text 1 256 - 900dd
sAMAccountType int 1 - s 9012e
servicePrincipalName text n - - 90303
showInAdvancedViewOnly bool 1 - - 900a9
sn text 1 64 - 4
st text 1 128 - 8
streetAddress text 1 1024 - 100
telephoneNumber text 1 64 - 14
thumbnailPhoto octets 1 102400 - 200ce
title text 1 128 - c
uid text n 256 - 150002
uidNumber int 1 - - 1f0000
unicodePwd octets 1 - - 9005a
url text n - - 902ed
userAccountControl int 1 - - 90008
userParameters text 1 32767 - 9008a
userPrincipalName text 1 1024 - 90290
userWorkstations text 1 1024 - 90056
uSNChanged big 1 - s 20078
uSNCreated big 1 - s 20013
wellKnownObjects text n - s 9026a
whenChanged time 1 - s 20003
whenCreated time 1 - s 20002
wWWHomePage text 1 2048 - 901d0
msDS-Behavior-Version int 1 - s 905b3
msDS-SupportedEncryptionTypes int 1 - - 907ab
attributeSyntax oid 1 - s 20020
attributeTypes text n - s 150005
isSingleValued bool 1 - s 20021
lDAPDisplayName text 1 256 s 201cc
objectClasses text n - s 150006
oMSyntax int 1 - s 200e7
rangeUpper int 1 - s 20023
systemOnly bool 1 - s 200aa
allowedAttributes oid n - sc 90391
allowedAttributesEffective oid n - sc 90399
allowedChildClasses oid n - sc 90390
allowedChildClassesEffective oid n - sc 90398
canonicalName text n - sc 90394
createTimeStamp time 1 - sc 150012
modifyTimeStamp time 1 - sc 150014
msDS-ResultantPSO dn 1 - sc 907ee
msDS-User-Account-Control-Computed int 1 - sc 905b4
msDS-UserPasswordExpiryTimeComputed big 1 - sc 9077c
parentGUID octets 1 - sc 90398
structuralObjectClass oid n - sc 150015
tokenGroups sid n - sc 90515
tokenGroupsGlobalAndUniversal sid n - sc 9058a
"""


def _read():
    found = {}
    for line in TABLE.split("\n"):
        if not line:
            continue
        name, syntax, single, upper, flags, att = line.split()
        found[name.lower()] = Attribute(name, syntax, single == "1", None if upper == "-" else int(upper), "s" in flags,
                                        att, "c" in flags)
    return found


ATTRIBUTES = _read()

# class: its chain from top, the RDN's type, and what it must have
CLASSES = {
    "user": (["top", "person", "organizationalPerson", "user"], "CN"),
    "inetorgperson": (["top", "person", "organizationalPerson", "user", "inetOrgPerson"], "CN"),
    "contact": (["top", "person", "organizationalPerson", "contact"], "CN"),
    "computer": (["top", "person", "organizationalPerson", "user", "computer"], "CN"),
    "group": (["top", "group"], "CN"),
    "organizationalunit": (["top", "organizationalUnit"], "OU"),
    "container": (["top", "container"], "CN"),
}
PARTS = {name.lower() for chain, _ in CLASSES.values() for name in chain}


def superiors():
    """Each class and the one above it, or None."""
    return {name: above for chain, _ in CLASSES.values() for above, name in zip([None, *chain], chain)}


# Links and their ways back (MS-ADTS 3.1.1.1.6)
LINKS = {"member": "memberof", "manager": "directreports", "managedby": "managedobjects"}
BACK = {back: forward for forward, back in LINKS.items()}

# Kept on this controller only: a change of these is no change (MS-ADTS 3.1.1.2.3, not replicated)
NOT_REPLICATED = {"badpwdcount", "badpasswordtime", "lastlogon", "lastlogoff", "logoncount"}
# What is left of a deleted object without the recycle bin (MS-ADTS 3.1.1.5.5.1.1)
TOMBSTONE = {"objectclass", "objectguid", "objectsid", "samaccountname", "isdeleted", "lastknownparent", "cn", "name", "ou",
             "useraccountcontrol", "instancetype", "whencreated", "grouptype", "samaccounttype"}

OIDS = {"text": ("2.5.5.12", 64), "int": ("2.5.5.9", 2), "big": ("2.5.5.16", 65), "dn": ("2.5.5.1", 127), "octets": ("2.5.5.10", 4),
        "time": ("2.5.5.11", 24), "bool": ("2.5.5.8", 1), "sid": ("2.5.5.17", 4), "oid": ("2.5.5.2", 6)}

"""Windows' diagnostic messages, in its own forms. The DSID differs between versions of Windows; the leading number counts."""
from fakes import schema
from fakes.message import LdapError

VERSION = "v4563"
END = "\n\0"  # Windows ends its texts with a NUL that counts as text


def att(name):
    known = schema.ATTRIBUTES.get(name.lower())
    return f"Att {known.att if known else '0'} ({known.name if known else name})"


def ldap(code, number, dsid, comment):
    return LdapError(code, f"{number}: LdapErr: DSID-{dsid}, comment: {comment}, data 0, {VERSION}\0")


def service(code, number, dsid="031A12D2", problem="5003 (WILL_NOT_PERFORM)"):
    return LdapError(code, f"{number}: SvcErr: DSID-{dsid}, problem {problem}, data 0{END}")


def attribute(code, number, name, dsid="03191083", problem="1005 (CONSTRAINT_ATT_TYPE)", more=""):
    return LdapError(code, f"{number}: AtrErr: DSID-{dsid}, #1:\n\t0: {number}: DSID-{dsid}, problem {problem}, data 0, "
                     f"{att(name)}{more}{END}")


def update(code, number, dsid="031A11FA", problem="6005 (ENTRY_EXISTS)"):
    return LdapError(code, f"{number}: UpdErr: DSID-{dsid}, problem {problem}, data 0{END}")


def security(number="00000005", dsid="03152870"):
    return LdapError(50, f"{number}: SecErr: DSID-{dsid}, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0{END}")


def system(number, dsid="031A1256"):
    return LdapError(80, f"{number}: SysErr: DSID-{dsid}, problem 22 (Invalid argument), data 0{END}")


def name(code, number, matched="", dsid="03100238", problem="2001 (NO_OBJECT)", data="0"):
    return LdapError(code, f"{number}: NameErr: DSID-{dsid}, problem {problem}, data {data}, best match of:\n\t'{matched}'{END}",
                     matched)


def no_object(matched=""):
    return name(32, "0000208D", matched)


def bad_name(code=34):
    return name(code, "00002081", "", "03050C42", "2003 (BAD_ATT_SYNTAX)")


def no_conversion(code, dsid="0C090D8A"):
    return ldap(code, "00000057", dsid, "Error in attribute conversion operation")


def bad_control():
    return ldap(53, "00000057", "0C090A1F", "Error processing control")


def not_bound():
    return ldap(1, "000004DC", "0C090A5C",
                "In order to perform this operation a successful bind must be completed on the connection.")


def bind(data, dsid="0C09044E"):
    return LdapError(49, f"80090308: LdapErr: DSID-{dsid}, comment: AcceptSecurityContext error, data {data}, {VERSION}\0")


def referral(host, dn):
    return LdapError(10, f"0000202B: RefErr: DSID-03100742, data 0, 1 access points\n\tref 1: '{host}'{END}", "",
                     [f"ldap://{host}/{dn}"])

"""LDAP messages (RFC 4511): requests read, answers made."""
import collections

import ber

BIND, UNBIND, SEARCH, MODIFY, ADD, DELETE, RENAME, COMPARE, ABANDON, EXTENDED = (
    0x60, 0x42, 0x63, 0x66, 0x68, 0x4A, 0x6C, 0x6E, 0x50, 0x77)
ANSWER = {BIND: 0x61, SEARCH: 0x65, MODIFY: 0x67, ADD: 0x69, DELETE: 0x6B, RENAME: 0x6D, COMPARE: 0x6F, EXTENDED: 0x78}
ENTRY, REFERENCE = 0x64, 0x73

STARTTLS = "1.3.6.1.4.1.1466.20037"
WHOAMI = "1.3.6.1.4.1.4203.1.11.3"
DISCONNECTION = "1.3.6.1.4.1.1466.20036"

Control = collections.namedtuple("Control", "oid critical value")
Request = collections.namedtuple("Request", "id op body controls")
Search = collections.namedtuple("Search", "base scope size_limit types_only filter attributes")


class LdapError(Exception):
    """What an operation ends with: result code, diagnostic message, matched DN, referrals."""

    def __init__(self, code, text="", matched="", referrals=()):
        super().__init__(f"{code} {text}")
        self.code, self.text, self.matched, self.referrals = code, text, matched, referrals


def request(data):
    outer = ber.Reader(data).inside(ber.SEQUENCE)
    number = outer.number()
    op, body = outer.take()
    controls = []
    if outer.more():
        for part in each(outer.inside(0xA0)):
            oid, critical, value = part.text(), False, None
            if part.peek() == ber.BOOLEAN:
                critical = part.value() != b"\x00"
            if part.more():
                value = part.value(ber.OCTETS)
            controls.append(Control(oid, critical, value))
    return Request(number, op, body, controls)


def each(reader):
    while reader.more():
        yield reader.inside(ber.SEQUENCE)


def control(oid, value=None, critical=False):
    parts = [ber.octets(oid)]
    if critical:
        parts.append(ber.boolean(True))
    if value is not None:
        parts.append(ber.octets(value))
    return ber.seq(*parts)


def message(number, op, controls=()):
    parts = [ber.integer(number), op]
    if controls:
        parts.append(ber.tlv(0xA0, *controls))
    return ber.seq(*parts)


def result(tag, code=0, text="", matched="", referrals=(), extra=b""):
    parts = [ber.enum(code), ber.octets(matched), ber.octets(text.encode("utf-8", "surrogateescape"))]
    if referrals:
        parts.append(ber.tlv(0xA3, *(ber.octets(r) for r in referrals)))
    return ber.tlv(tag, *parts, extra)


def entry(dn, attributes):
    """attributes: pairs of a name and its values, in order."""
    parts = [ber.seq(ber.octets(name), ber.tlv(ber.SET, *(ber.octets(v) for v in values))) for name, values in attributes]
    return ber.tlv(ENTRY, ber.octets(dn), ber.seq(*parts))


def search(body):
    r = ber.Reader(body)
    base = r.text()
    scope = r.number(ber.ENUM)
    r.number(ber.ENUM)
    size = r.number()
    r.number()
    types_only = r.value(ber.BOOLEAN) != b"\x00"
    wanted = filter_of(r)
    attributes = r.inside(ber.SEQUENCE)
    names = []
    while attributes.more():
        names.append(attributes.text())
    return Search(base, scope, size, types_only, wanted, names)


def filter_of(r, depth=0):
    """A filter as a tuple: ('and'|'or', [filters]), ('not', f), ('present', a), ('equal'|'approx'|'least'|'most', a, v),
    ('part', a, first, [middle], last), ('match', rule, a, v)."""
    if depth > 100:
        raise ber.Malformed("a filter too deep")
    tag, body = r.take()
    inner = ber.Reader(body)
    if tag in (0xA0, 0xA1):
        parts = []
        while inner.more():
            parts.append(filter_of(inner, depth + 1))
        return ("and" if tag == 0xA0 else "or", parts)
    if tag == 0xA2:
        return ("not", filter_of(inner, depth + 1))
    if tag == 0x87:
        return ("present", body.decode())
    if tag in (0xA3, 0xA5, 0xA6, 0xA8):
        kind = {0xA3: "equal", 0xA5: "least", 0xA6: "most", 0xA8: "approx"}[tag]
        return (kind, inner.text(), inner.value(ber.OCTETS))
    if tag == 0xA4:
        return part_of(inner)
    if tag == 0xA9:
        found = {}
        while inner.more():
            t, v = inner.take()
            found[t] = v
        return ("match", found.get(0x81, b"").decode(), found.get(0x82, b"").decode(), found.get(0x83, b""))
    raise ber.Malformed("a filter of an unknown kind")


def part_of(inner):
    name = inner.text()
    first, middle, last = None, [], None
    pieces = inner.inside(ber.SEQUENCE)
    while pieces.more():
        t, v = pieces.take(0x80, 0x81, 0x82)
        if t == 0x80:
            first = v
        elif t == 0x81:
            middle.append(v)
        else:
            last = v
    return ("part", name, first, middle, last)


def attribute_list(reader):
    found = []
    for part in each(reader):
        name, values = part.text(), []
        inner = part.inside(ber.SET)
        while inner.more():
            values.append(inner.value(ber.OCTETS))
        found.append((name, values))
    return found


def add(body):
    r = ber.Reader(body)
    return r.text(), attribute_list(r.inside(ber.SEQUENCE))


def modify(body):
    """The DN and a list of (kind, name, values); kind is 'add', 'delete' or 'replace'."""
    r = ber.Reader(body)
    dn, changes = r.text(), []
    for part in each(r.inside(ber.SEQUENCE)):
        kind = part.number(ber.ENUM)
        inner = part.inside(ber.SEQUENCE)
        name, values, items = inner.text(), [], inner.inside(ber.SET)
        while items.more():
            values.append(items.value(ber.OCTETS))
        changes.append(({0: "add", 1: "delete", 2: "replace"}.get(kind, "other"), name, values))
    return dn, changes


def rename(body):
    """DN, new RDN, whether the old value goes, new parent or None."""
    r = ber.Reader(body)
    return r.text(), r.text(), r.value(ber.BOOLEAN) != b"\x00", r.text(0x80) if r.more() else None


def bind(body):
    """Version, name, method ('simple' or 'sasl'), password or mechanism."""
    r = ber.Reader(body)
    version, name = r.number(), r.text()
    tag, value = r.take()
    if tag == 0x80:
        return version, name, "simple", value
    return version, name, "sasl", ber.Reader(value).text() if tag == 0xA3 else ""


def extended(body):
    r = ber.Reader(body)
    return r.value(0x80).decode(), r.value(0x81) if r.more() else None

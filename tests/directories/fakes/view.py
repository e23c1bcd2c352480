"""What a reader sees of an entry: stored, linked and computed attributes, in ranges of at most 1500 values."""
import re
import struct
import uuid

from fakes import schema
from fakes.tree import BASE, DOMAIN, SCHEMA, generalized, sid_bytes

MAX_VALUES = 1500  # MaxValRange
RANGE = re.compile(r"^range=(\d+)-(\d+|\*)$", re.IGNORECASE)
UNEXPIRE_PASSWORD = "ccc2dc7d-a6ad-4a7a-8846-c04e3cc53501"
CATEGORY = {"user": "Person", "inetOrgPerson": "Person", "contact": "Person", "group": "Group", "computer": "Computer",
            "organizationalUnit": "Organizational-Unit", "container": "Container"}


class View:
    def __init__(self, tree, accounts, rights, actor, extended=None):
        self.tree, self.accounts, self.rights, self.actor, self.extended = tree, accounts, rights, actor, extended

    def dn(self, entry):
        """With the extended-DN control (MS-ADTS 3.1.1.3.4.1.5): identifiers before the name."""
        if self.extended is None:
            return self.tree.dn(entry)
        guid, sid = uuid.UUID(bytes_le=entry.guid), entry.first("objectsid")
        if self.extended == 0:
            return f"<GUID={entry.guid.hex()}>;" + (f"<SID={sid.hex()}>;" if sid else "") + self.tree.dn(entry)
        return f"<GUID={guid}>;" + (f"<SID={sid_text(sid)}>;" if sid else "") + self.tree.dn(entry)

    def values(self, entry, name):
        """All values of an attribute by its lower-case name, computed ones too."""
        own = getattr(self, "get_" + name.replace("-", "_"), None)
        if own:
            return own(entry)
        if name in schema.LINKS:
            return [self.dn(e).encode() for e in self.tree.linked(entry, name)]
        if name in schema.BACK:
            return [self.dn(e).encode() for e in self.tree.linking(entry, schema.BACK[name])]
        return entry.attributes.get(name, []) if name != "unicodepwd" else []

    def get_objectguid(self, entry):
        return [entry.guid]

    def get_parentguid(self, entry):
        return [entry.parent.guid] if entry.parent else []

    def get_distinguishedname(self, entry):
        return [self.dn(entry).encode()]

    def get_name(self, entry):
        return [entry.rdn[1].encode()]

    def get_canonicalname(self, entry):
        path = []
        while entry.parent:
            path.insert(0, entry.rdn[1].replace("/", "\\/"))
            entry = entry.parent
        return ["/".join([DOMAIN] + path).encode() + (b"" if path else b"/")]

    def get_objectcategory(self, entry):
        kind = (entry.attributes.get("objectclass") or [b"container"])[-1].decode()
        return [f"CN={CATEGORY.get(kind, kind)},{SCHEMA}".encode()]

    def get_structuralobjectclass(self, entry):
        return entry.attributes.get("objectclass", [])

    def get_whencreated(self, entry):
        return [generalized(entry.created)]

    get_createtimestamp = get_whencreated

    def get_whenchanged(self, entry):
        return [generalized(entry.modified)]

    get_modifytimestamp = get_whenchanged

    def get_usncreated(self, entry):
        return [str(entry.usn_created).encode()]

    def get_usnchanged(self, entry):
        return [str(entry.usn).encode()]

    def get_msds_user_account_control_computed(self, entry):
        return [str(self.accounts.computed(entry)).encode()] if entry.is_a(b"user") else []

    def get_msds_userpasswordexpirytimecomputed(self, entry):
        return [str(self.accounts.expiry(entry)).encode()] if entry.is_a(b"user") else []

    def get_tokengroups(self, entry):
        return self.tree.token_groups(entry) if entry.is_a(b"user") else []

    get_tokengroupsglobalanduniversal = get_tokengroups

    def get_allowedattributeseffective(self, entry):
        return [a.name.encode() for low, a in sorted(schema.ATTRIBUTES.items())
                if not a.system and not a.constructed and self.rights.write(self.actor, entry, low)]

    def get_allowedattributes(self, entry):
        return [a.name.encode() for _, a in sorted(schema.ATTRIBUTES.items()) if not a.constructed]

    def get_allowedchildclasses(self, entry):
        holds = entry.is_a(b"organizationalunit") or entry.is_a(b"container") or entry.parent is None
        return [chain[-1].encode() for chain, _ in schema.CLASSES.values()] if holds else []

    def get_allowedchildclasseseffective(self, entry):
        return [chain[-1].encode() for chain, _ in schema.CLASSES.values() if self.rights.create(self.actor, entry, chain)]

    def get_ntsecuritydescriptor(self, entry):
        return [descriptor(self.rights, entry)]

    # ---- what a search asks for ----
    def wanted(self, entry, attributes, types_only=False, descriptors=False):
        """Pairs of name and values, as they are sent."""
        chosen, everything = [], not attributes
        for asked in attributes:
            if asked == "*":
                everything = True
            elif asked not in ("1.1", "+"):
                chosen.append(asked)
        if everything:
            chosen += self.stored(entry, {c.split(";")[0].lower() for c in chosen}, descriptors)
        found = []
        for asked in chosen:
            found += self.ranged(entry, asked)
        return [(name, [] if types_only else values) for name, values in found]

    def stored(self, entry, without, descriptors):
        names_of = set(entry.attributes) | {"objectguid", "distinguishedname", "name", "objectcategory", "whencreated", "whenchanged",
                                            "usncreated", "usnchanged"}
        names_of |= set(entry.links) | {b for b, f in schema.BACK.items() if self.tree.back.get((f, entry.guid))}
        if descriptors:
            names_of.add("ntsecuritydescriptor")
        return [schema.ATTRIBUTES[n].name for n in sorted(names_of - without) if n in schema.ATTRIBUTES]

    def ranged(self, entry, asked):
        name, *options = asked.split(";")
        known = schema.ATTRIBUTES.get(name.lower())
        if known is None:
            return []
        values = self.values(entry, name.lower())
        match = next((m for m in map(RANGE.match, options) if m), None)
        if match is None:
            if len(values) <= MAX_VALUES:
                return [(known.name, values)] if values else []
            return [(known.name, []), (f"{known.name};range=0-{MAX_VALUES - 1}", values[:MAX_VALUES])]
        low = int(match[1])
        high = low + MAX_VALUES - 1 if match[2] == "*" else min(int(match[2]), low + MAX_VALUES - 1)
        if not values or low >= len(values) or high < low:
            return []
        end = "*" if high >= len(values) - 1 else high
        return [(f"{known.name};range={low}-{end}", values[low : high + 1])]


def sid_text(sid):
    return f"S-{sid[0]}-{int.from_bytes(sid[2:8], 'big')}" + "".join(f"-{n}" for n in struct.unpack(f"<{sid[1]}I", sid[8:]))


def ace(mask, sid, right=None):
    """An access-allowed entry, of an object (MS-DTYP 2.4.4.3) when it is for an extended right."""
    if right is None:
        body = struct.pack("<I", mask) + sid
        return struct.pack("<BBH", 0, 0, 4 + len(body)) + body
    body = struct.pack("<II", mask, 1) + uuid.UUID(right).bytes_le + sid
    return struct.pack("<BBH", 5, 0, 4 + len(body)) + body


def descriptor(rights, entry):
    """Self-relative (MS-DTYP 2.4.6): administrators all, everybody reads, the service account its right on the domain."""
    aces = [ace(0x000F01FF, sid_bytes("S-1-5-32-544")), ace(0x00020094, sid_bytes("S-1-5-11"))]
    if entry.parent is None and rights.tree.dn(entry) == BASE and rights.unexpire:
        aces.insert(0, ace(0x100, rights.broker.first("objectsid"), UNEXPIRE_PASSWORD))
    acl = b"".join(aces)
    acl = struct.pack("<BBHHH", 4, 0, 8 + len(acl), len(aces), 0) + acl
    owner = sid_bytes("S-1-5-32-544")
    return struct.pack("<BBHIIII", 1, 0, 0x8004, 20, 20, 0, 20 + len(owner)) + owner + acl



"""The objects: a tree in memory, with what changed when. One lock (Tree.lock) is held by whoever reads or writes."""
import itertools
import struct
import threading
import time
import uuid

from fakes import errors, names, schema

DOMAIN = "ad.example.test"
NETBIOS = "ADEX"
BASE = "DC=ad,DC=example,DC=test"
CONFIGURATION = "CN=Configuration," + BASE
SCHEMA = "CN=Schema," + CONFIGURATION
DOMAIN_SID = "S-1-5-21-1004336348-1177238915-682003330"
NEVER = 0x7FFFFFFFFFFFFFFF


def sid_bytes(text):
    parts = [int(p) for p in text.split("-")[1:]]
    return struct.pack(">BB", parts[0], len(parts) - 2) + parts[1].to_bytes(6, "big") + struct.pack(f"<{len(parts) - 2}I", *parts[2:])


def filetime(seconds=None):
    """100 ns since 1601."""
    return int(((time.time() if seconds is None else seconds) + 11644473600) * 10000000)


def generalized(seconds):
    return time.strftime("%Y%m%d%H%M%S.0Z", time.gmtime(seconds)).encode()


class Secret:
    """An account's password and those before it; never read over LDAP."""

    def __init__(self):
        self.current, self.history = None, []

    def copy(self):
        other = Secret()
        other.current, other.history = self.current, list(self.history)
        return other


class Entry:
    def __init__(self, parent, rdn, guid=None):
        self.parent, self.rdn, self.guid = parent, rdn, guid or uuid.uuid4().bytes_le
        self.attributes = {}  # lower-case name: list of bytes
        self.links = {}  # lower-case name: {guid: [USN, present]}
        self.changed = {}  # lower-case name: USN
        self.children = {}
        self.secret = Secret()
        self.created = self.modified = time.time()
        self.usn_created = self.usn = 0

    def first(self, name, default=b""):
        return self.attributes.get(name, [default])[0]

    def int(self, name, default=0):
        return int(self.first(name, str(default).encode()))

    def text(self, name):
        return self.first(name).decode("utf-8", "replace")

    def is_a(self, name):
        return any(v.lower() == name for v in self.attributes.get("objectclass", []))

    @property
    def deleted(self):
        return "isdeleted" in self.attributes

    def snapshot(self):
        return ({k: list(v) for k, v in self.attributes.items()}, {k: {g: list(x) for g, x in v.items()} for k, v in self.links.items()},
                dict(self.changed), self.secret.copy(), self.usn, self.modified)

    def restore(self, kept):
        self.attributes, self.links, self.changed, self.secret, self.usn, self.modified = kept


class Tree:
    def __init__(self):
        self.lock = threading.RLock()
        self.usn, self.invocation = 12000, uuid.uuid4().bytes_le
        self.by_guid, self.heads, self.rids = {}, [], itertools.count(1103)
        self.listeners = []  # called with (tree, entry) after each change
        self.back = {}  # (attribute, GUID of the target): set of GUIDs that name it
        self.unique = {"samaccountname": {}, "userprincipalname": {}}  # folded value: GUID
        for dn in (BASE, CONFIGURATION, SCHEMA):
            self.head(dn)

    def head(self, dn):
        rdns = names.parse(dn)
        entry = Entry(None, rdns[0])
        entry.dn, entry.keys = dn, [names.key(r) for r in rdns]
        self.heads.append(entry)
        self.heads.sort(key=lambda h: -len(h.keys))
        self.by_guid[entry.guid] = entry
        self.touch(entry, "objectclass")
        entry.usn_created = entry.usn

    # ---- names ----
    def dn(self, entry):
        parts = []
        while entry.parent:
            parts.append(names.rdn_text(entry.rdn))
            entry = entry.parent
        return ",".join(parts + [entry.dn])

    def find(self, dn):
        """The entry of a DN in any of its forms (MS-ADTS 3.1.1.3.1.2.4); LdapError."""
        if dn.startswith("<"):
            return self.find_alternative(dn)
        try:
            rdns = names.parse(dn)
        except (ValueError, UnicodeDecodeError):
            raise errors.name(34, "0000208F", dn, "03100225", "2006 (BAD_NAME)", "8349") from None
        keys = [names.key(r) for r in rdns]
        head = next((h for h in self.heads if keys[-len(h.keys):] == h.keys), None)
        if not head:
            if not rdns:
                raise errors.no_object()
            raise errors.referral(".".join(v for k, v in rdns if k == "DC") or "nowhere", dn)
        entry = head
        for key in reversed(keys[: len(keys) - len(head.keys)]):
            below = entry.children.get(key)
            if below is None:
                raise errors.no_object(self.dn(entry))
            entry = below
        return entry

    def find_alternative(self, dn):
        kind, _, value = dn.strip("<>").partition("=")
        try:
            if kind.upper() == "GUID":
                raw = bytes.fromhex(value) if len(value) == 32 else uuid.UUID(value).bytes_le
                found = self.by_guid.get(raw)
            elif kind.upper() == "SID":
                raw = sid_bytes(value) if value.upper().startswith("S-") else bytes.fromhex(value)
                found = next((e for e in self.by_guid.values() if e.first("objectsid") == raw), None)
            else:
                found = None
        except ValueError:
            raise errors.name(34, "0000208F", dn, "03100225", "2006 (BAD_NAME)", "8349") from None
        if found is None:
            raise errors.no_object()
        return found

    def below(self, entry, whole=True):
        for child in list(entry.children.values()):
            yield child
            if whole:
                yield from self.below(child)

    def domain(self):
        return next(h for h in self.heads if h.dn == BASE)

    # ---- changes ----
    def touch(self, entry, *changed):
        """Notes a change; a change of unreplicated attributes alone is none."""
        counted = [name for name in changed if name not in schema.NOT_REPLICATED]
        if counted:
            self.usn += 1
            entry.usn, entry.modified = self.usn, time.time()
            for name in counted:
                entry.changed[name] = self.usn

    def put(self, entry, name, values):
        """values: bytes, text or numbers; none removes."""
        name = name.lower()
        old = entry.attributes.get(name)
        new = [v if isinstance(v, bytes) else str(v).encode() for v in values]
        if name in self.unique:
            for v in old or []:
                self.unique[name].pop(names.fold(v.decode("utf-8", "replace")), None)
            for v in new:
                self.unique[name][names.fold(v.decode("utf-8", "replace"))] = entry.guid
        if new:
            entry.attributes[name] = new
        else:
            entry.attributes.pop(name, None)
        if new != (old or []):
            self.touch(entry, name)

    def insert(self, parent, rdn, classes, guid=None):
        entry = Entry(parent, rdn, guid)
        parent.children[names.key(rdn)] = entry
        self.by_guid[entry.guid] = entry
        self.put(entry, "objectClass", classes)
        self.put(entry, rdn[0], [rdn[1]])
        self.put(entry, "instanceType", [4])
        self.touch(entry, "name")
        entry.usn_created = entry.usn
        return entry

    def drop(self, entry):
        """As if it had never been."""
        for name in self.unique:
            self.put(entry, name, [])
        for name in list(entry.links):
            for guid in list(entry.links[name]):
                self.unlink(entry, name, self.by_guid[guid])
        del entry.parent.children[names.key(entry.rdn)]
        del self.by_guid[entry.guid]

    def place(self, entry, parent, rdn):
        del entry.parent.children[names.key(entry.rdn)]
        moved = entry.parent is not parent
        entry.parent, entry.rdn = parent, rdn
        parent.children[names.key(rdn)] = entry
        self.put(entry, rdn[0], [rdn[1]])
        self.touch(entry, "name", *(["parentguid"] if moved else []))

    def link(self, entry, name, target):
        self.usn += 1
        entry.links.setdefault(name, {})[target.guid] = [self.usn, True]
        self.back.setdefault((name, target.guid), set()).add(entry.guid)
        entry.usn, entry.modified, entry.changed[name] = self.usn, time.time(), self.usn

    def unlink(self, entry, name, target):
        self.usn += 1
        entry.links[name][target.guid] = [self.usn, False]
        self.back.get((name, target.guid), set()).discard(entry.guid)
        entry.usn, entry.modified, entry.changed[name] = self.usn, time.time(), self.usn

    def relink(self, entry):
        """Puts the ways back right after a change was taken back."""
        for (name, guid), sources in self.back.items():
            present = entry.links.get(name, {}).get(guid, (0, False))[1]
            (sources.add if present else sources.discard)(entry.guid)
        for name, owners in self.unique.items():
            for value in [v for v, guid in owners.items() if guid == entry.guid]:
                del owners[value]
            for value in entry.attributes.get(name, []):
                owners[names.fold(value.decode("utf-8", "replace"))] = entry.guid

    def linked(self, entry, name):
        return [self.by_guid[g] for g, (_, present) in entry.links.get(name, {}).items() if present and g in self.by_guid]

    def linking(self, entry, name):
        """Who names entry in this attribute."""
        return [self.by_guid[g] for g in self.back.get((name, entry.guid), ()) if g in self.by_guid]

    def told(self, entry):
        for listener in list(self.listeners):
            listener(self, entry)

    # ---- groups ----
    def closure(self, entry, name, up=True):
        """Everything that is reached over a link, cycles ended; up: from a member to its groups."""
        seen, queue = set(), [entry]
        while queue:
            at = queue.pop()
            for other in self.linking(at, name) if up else self.linked(at, name):
                if other.guid not in seen:
                    seen.add(other.guid)
                    queue.append(other)
        return seen

    def token_groups(self, entry):
        primary = sid_bytes(f"{DOMAIN_SID}-{entry.int('primarygroupid', 513)}")
        groups = [self.by_guid[g] for g in self.closure(entry, "member")]
        start = next((e for e in self.by_guid.values() if e.first("objectsid") == primary), None)
        if start:
            groups += [start] + [self.by_guid[g] for g in self.closure(start, "member")]
        sids = [g.first("objectsid") for g in groups if g.int("grouptype") & 0x80000000]
        return list(dict.fromkeys([s for s in sids if s] + [sid_bytes("S-1-5-32-545")]))

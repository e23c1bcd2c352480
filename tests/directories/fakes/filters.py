"""Filters: true, false, or None for what cannot be told (RFC 4511 4.5.1.7)."""
import uuid

from fakes import errors, names, schema
from fakes.tree import SCHEMA, sid_bytes

IN_CHAIN, BIT_AND, BIT_OR = "1.2.840.113556.1.4.1941", "1.2.840.113556.1.4.803", "1.2.840.113556.1.4.804"


def norm(syntax, value):
    """A value as it is compared; None when it is none of the syntax."""
    try:
        if syntax in ("int", "big"):
            return int(value)
        if syntax in ("text", "oid"):
            return names.fold(value.decode())
        if syntax == "bool":
            return value.upper()
        if syntax == "sid" and value[:2].upper() == b"S-":
            return sid_bytes(value.decode())
        return value
    except ValueError:
        return None


class Matcher:
    def __init__(self, view):
        self.view, self.tree = view, view.tree

    def match(self, f, entry):
        kind = f[0]
        if kind in ("and", "or"):
            stop, unknown = kind == "or", False
            for part in f[1]:
                got = self.match(part, entry)
                if got is stop:
                    return stop
                unknown = unknown or got is None
            return None if unknown else not stop
        if kind == "not":
            got = self.match(f[1], entry)
            return None if got is None else not got
        name = (f[2] if kind == "match" else f[1]).lower()
        known = schema.ATTRIBUTES.get(name)
        if known is None or known.constructed or name == "unicodepwd":
            return None if name != "anr" else self.anr(f, entry)
        if kind == "present":
            return bool(self.view.values(entry, name))
        return getattr(self, "extensible" if kind == "match" else kind)(f, entry, name, known)

    def dn(self, value):
        try:
            return self.tree.find(value.decode())
        except (errors.LdapError, ValueError):
            return None

    def category(self, f, entry):
        """A class stands for its defaultObjectCategory (MS-ADTS 3.1.1.3.1.3.5)."""
        wanted = f[2].lower()
        if b"=" not in wanted:
            wanted = b"cn=" + {b"user": b"person", b"inetorgperson": b"person"}.get(wanted, wanted) + b"," + SCHEMA.lower().encode()
        return wanted in [v.lower() for v in self.view.values(entry, "objectcategory")]

    def equal(self, f, entry, name, known):
        if name == "objectcategory":
            return self.category(f, entry)
        if known.syntax == "dn":
            target = self.dn(f[2])
            if target is None:
                return False
            return self.points(entry, name, target)
        wanted = norm(known.syntax, f[2])
        if wanted is None:
            return None
        if name == "objectguid" and len(f[2]) != 16:
            try:
                wanted = uuid.UUID(f[2].decode()).bytes_le
            except ValueError:
                return None
        if name in self.tree.unique and not entry.deleted:
            return self.tree.unique[name].get(wanted) == entry.guid
        return any(norm(known.syntax, v) == wanted for v in self.view.values(entry, name))

    approx = equal

    def points(self, entry, name, target):
        if name in schema.LINKS:
            return entry.links.get(name, {}).get(target.guid, (0, False))[1]
        if name in schema.BACK:
            return target.links.get(schema.BACK[name], {}).get(entry.guid, (0, False))[1]
        return any(self.dn(v) is target for v in self.view.values(entry, name))

    def ordered(self, f, entry, name, known, at_least):
        wanted = norm(known.syntax, f[2])
        if wanted is None or known.syntax == "dn":
            return None
        got = [norm(known.syntax, v) for v in self.view.values(entry, name)]
        return any(g is not None and (g >= wanted if at_least else g <= wanted) for g in got)

    def least(self, f, entry, name, known):
        return self.ordered(f, entry, name, known, True)

    def most(self, f, entry, name, known):
        return self.ordered(f, entry, name, known, False)

    def part(self, f, entry, name, known):
        if known.syntax not in ("text", "octets"):
            return None
        fold = (lambda v: names.fold(v.decode("utf-8", "replace"))) if known.syntax == "text" else bytes
        first, middle, last = f[2], f[3], f[4]
        for value in map(fold, self.view.values(entry, name)):
            rest = value
            if first is not None:
                if not rest.startswith(fold(first)):
                    continue
                rest = rest[len(fold(first)) :]
            for piece in map(fold, middle):
                at = rest.find(piece)
                if at < 0:
                    break
                rest = rest[at + len(piece) :]
            else:
                if last is None or rest.endswith(fold(last)):
                    return True
        return False

    def match_chain(self, entry, name, value):
        target = self.dn(value)
        if target is None:
            return False
        forward = name if name in schema.LINKS else schema.BACK.get(name)
        if forward is None:
            return None
        return target.guid in self.tree.closure(entry, forward, up=name not in schema.LINKS)

    def anr(self, f, entry):
        """Ambiguous name resolution: the beginning of any of a person's names."""
        if f[0] != "equal":
            return None
        beginning = names.fold(f[2].decode("utf-8", "replace"))
        return any(names.fold(v.decode("utf-8", "replace")).startswith(beginning)
                   for name in ("displayname", "givenname", "sn", "samaccountname", "name", "physicaldeliveryofficename")
                   for v in self.view.values(entry, name))

    def extensible(self, f, entry, name, known):
        if f[1] == IN_CHAIN:
            return self.match_chain(entry, name, f[3])
        if f[1] in (BIT_AND, BIT_OR) and known.syntax in ("int", "big"):
            wanted = norm(known.syntax, f[3])
            if wanted is None:
                return None
            got = [int(v) & wanted & (2**64 - 1) for v in self.view.values(entry, name)]
            return any(g == wanted & (2**64 - 1) for g in got) if f[1] == BIT_AND else any(got)
        return None

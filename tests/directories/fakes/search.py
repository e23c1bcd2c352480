"""Searches: scopes, size limits, pages, DirSync and change notification."""
import struct
import time

import ber
from fakes import errors, message, schema
from fakes.filters import Matcher
from fakes.tree import BASE, CONFIGURATION, DOMAIN, SCHEMA, generalized
from fakes.view import View

PAGED, DIRSYNC, SHOW_DELETED, EXTENDED_DN, SD_FLAGS, NOTIFICATION, DOMAIN_SCOPE, SEARCH_OPTIONS = (
    "1.2.840.113556.1.4.319", "1.2.840.113556.1.4.841", "1.2.840.113556.1.4.417", "1.2.840.113556.1.4.529", "1.2.840.113556.1.4.801",
    "1.2.840.113556.1.4.528", "1.2.840.113556.1.4.1339", "1.2.840.113556.1.4.1340")
CONTROLS = [PAGED, DIRSYNC, SHOW_DELETED, EXTENDED_DN, SD_FLAGS, NOTIFICATION, DOMAIN_SCOPE, SEARCH_OPTIONS,
            "1.2.840.113556.1.4.1413", "1.2.840.113556.1.4.805", "1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066"]
EXTENSIONS = [message.STARTTLS, message.WHOAMI, "1.2.840.113556.1.4.1781"]
CAPABILITIES = ["1.2.840.113556.1.4.800", "1.2.840.113556.1.4.1670", "1.2.840.113556.1.4.1791", "1.2.840.113556.1.4.1935",
                "1.2.840.113556.1.4.2080", "1.2.840.113556.1.4.2237"]
MAX_PAGE = 1000  # MaxPageSize
MAX_SYNC = 1 << 16  # bytes of an answer to DirSync, so that the seed has several
OBJECT_SECURITY, ANCESTORS_FIRST, INCREMENTAL = 0x1, 0x800, 0x80000000
HIDDEN = {"unicodepwd", "parentguid"}


class Searcher:
    """The searches of one connection; pages left are kept with it."""

    def __init__(self, directory, session):
        self.directory, self.tree, self.session = directory, directory.tree, session
        self.pages, self.serial = {}, 0

    def run(self, request):
        """Yields what is sent, the end too."""
        s = message.search(request.body)
        controls = {c.oid: c for c in request.controls}
        if s.base == "" and s.scope == 0:
            yield from self.send(request, [message.entry("", self.chosen(self.root_dse(), s.attributes))])
            yield self.done(request)
            return
        if self.session.actor is None:
            raise errors.not_bound()
        for c in request.controls:
            if c.critical and c.oid not in CONTROLS:
                raise errors.service(12, "00002040", "031401E5", "5010 (UNAVAIL_EXTENSION)")
        extended = None
        if EXTENDED_DN in controls:
            value = controls[EXTENDED_DN].value
            extended = ber.Reader(value).inside(ber.SEQUENCE).number() if value else 0
        view = View(self.tree, self.directory.accounts, self.directory.rights, self.session.actor, extended)
        if DIRSYNC in controls:
            yield from self.dirsync(request, s, view, controls[DIRSYNC])
            return
        base = self.tree.find(s.base)
        shown = SHOW_DELETED in controls and self.directory.rights.see_deleted(self.session.actor)
        if base.deleted and not shown:
            raise errors.no_object()
        if NOTIFICATION in controls:
            self.session.notify(request, s, view, base, shown)
            return
        self.refuse_computed(s)
        yield from self.ordinary(request, s, view, base, shown, controls)

    def refuse_computed(self, s):
        if s.scope != 0 and any(a.lower().startswith("tokengroups") for a in s.attributes):
            raise errors.service(1, "00002120", "03140537", "5012 (DIR_ERROR)")

    def ordinary(self, request, s, view, base, shown, controls):
        page = self.page(controls)
        if page and page[1]:
            found = self.pages.pop(page[1], None)
            if found is None:
                raise errors.bad_control()
        else:
            found = [e.guid for e in self.matching(s, view, base, shown)]
        most = min(page[0] if page else MAX_PAGE, MAX_PAGE)
        limited = s.size_limit and s.size_limit < most and not page
        most = s.size_limit if limited else most
        now, rest = found[:most], found[most:]
        entries = [self.tree.by_guid[g] for g in now if g in self.tree.by_guid]
        yield from self.send(request, [message.entry(view.dn(e), view.wanted(e, s.attributes, s.types_only, SD_FLAGS in controls))
                                       for e in entries])
        if s.scope == 2 and self.tree.dn(base) == BASE and DOMAIN_SCOPE not in controls and not rest:
            yield from self.send(request, [ber.tlv(message.REFERENCE, ber.octets(f"ldap://{DOMAIN}/{CONFIGURATION}"))])
        if not page:
            yield self.done(request, 4 if rest else 0)
            return
        cookie = b""
        if rest and page[0]:
            self.serial += 1
            cookie = b"page" + struct.pack(">I", self.serial)
            self.pages[cookie] = rest
        yield self.done(request, 0, [message.control(PAGED, ber.seq(ber.integer(0), ber.octets(cookie)))])

    def page(self, controls):
        if PAGED not in controls:
            return None
        r = ber.Reader(controls[PAGED].value or b"").inside(ber.SEQUENCE)
        return r.number(), r.value(ber.OCTETS)

    def candidates(self, base, scope):
        if scope == 0:
            return [base]
        if scope == 1:
            return self.tree.below(base, False)
        return [base, *self.tree.below(base)]

    def matching(self, s, view, base, shown):
        matcher = Matcher(view)
        return [e for e in self.candidates(base, s.scope) if (shown or not e.deleted) and matcher.match(s.filter, e) is True]

    def send(self, request, parts):
        return (message.message(request.id, part) for part in parts)

    def done(self, request, code=0, controls=()):
        return message.message(request.id, message.result(message.ANSWER[message.SEARCH], code), controls)

    # ---- DirSync (MS-ADTS 3.1.1.3.4.1.3) ----
    def dirsync(self, request, s, view, control):
        r = ber.Reader(control.value or b"").inside(ber.SEQUENCE)
        flags, size, cookie = r.number() & 0xFFFFFFFF, r.number(), r.value(ber.OCTETS)
        base = self.tree.find(s.base)
        if base not in self.tree.heads:
            raise errors.service(53, "000020B6", "031A1021")
        if not flags & OBJECT_SECURITY and not self.directory.rights.replicate(self.session.actor):
            raise errors.security("00002105", "03152E22")
        since = self.cookie_usn(cookie)
        matcher = Matcher(view)
        changed = sorted((e for e in [base, *self.tree.below(base)] if e.usn > since and matcher.match(s.filter, e) is True
                          and not (e.deleted and flags & OBJECT_SECURITY and not view.rights.see_deleted(view.actor))),
                         key=lambda e: e.usn)
        most, sent, total = min(size, MAX_SYNC) if size > 0 else 1 << 20, [], 0
        for entry in changed:
            data = message.entry(view.dn(entry), self.changes(view, entry, s.attributes, since, flags))
            if sent and total + len(data) > most:
                break
            sent.append((entry, data))
            total += len(data)
        more = len(sent) < len(changed)
        usn = sent[-1][0].usn if more else self.tree.usn
        if flags & ANCESTORS_FIRST:
            sent.sort(key=lambda pair: depth(pair[0]))
        yield from self.send(request, [data for _, data in sent])
        value = ber.seq(ber.integer(int(more)), ber.integer(0), ber.octets(b"MSDS" + struct.pack("<Q", usn) + self.tree.invocation))
        yield self.done(request, 0, [message.control(DIRSYNC, value)])

    def cookie_usn(self, cookie):
        if not cookie:
            return 0
        if len(cookie) != 28 or cookie[:4] != b"MSDS":
            raise errors.bad_control()
        return struct.unpack("<Q", cookie[4:12])[0] if cookie[12:] == self.tree.invocation else 0

    def changes(self, view, entry, attributes, since, flags):
        """objectGUID and instanceType, then what changed of what was asked for; what is gone comes without values."""
        asked = {a.split(";")[0].lower() for a in attributes if a not in ("*", "1.1")}
        found = [("objectGUID", [entry.guid]), ("instanceType", entry.attributes.get("instancetype", [b"4"]))]
        for name in sorted(n for n, usn in entry.changed.items() if usn > since):
            known = schema.ATTRIBUTES.get(name)
            if known is None or name in HIDDEN or known.name in ("objectGUID", "instanceType") or (asked and name not in asked):
                continue
            if name in schema.LINKS and flags & INCREMENTAL:
                found += self.link_changes(view, entry, known, since)
            elif view.values(entry, name) or since:
                found.append((known.name, view.values(entry, name)))
        moved = entry.changed.get("parentguid", 0) > since or entry.usn_created > since
        if entry.parent and moved and (not asked or "parentguid" in asked):
            found.append(("parentGUID", [entry.parent.guid]))
        return found

    def link_changes(self, view, entry, known, since):
        """What was added as range=1-1, what was taken away as range=0-0."""
        added, removed = [], []
        for guid, (usn, present) in entry.links.get(known.name.lower(), {}).items():
            if usn > since and guid in self.tree.by_guid and (present or since):
                (added if present else removed).append(view.dn(self.tree.by_guid[guid]).encode())
        return ([(f"{known.name};range=1-1", added)] if added else []) + ([(f"{known.name};range=0-0", removed)] if removed else [])

    # ---- root DSE ----
    def root_dse(self):
        dsa = self.tree.dn(next(e for e in self.tree.by_guid.values() if e.is_a(b"ntdsdsa")))
        server = dsa.partition(",")[2]
        return {"currentTime": [generalized(time.time())], "subschemaSubentry": [f"CN=Aggregate,{SCHEMA}"], "dsServiceName": [dsa],
                "namingContexts": [BASE, CONFIGURATION, SCHEMA], "defaultNamingContext": [BASE], "schemaNamingContext": [SCHEMA],
                "configurationNamingContext": [CONFIGURATION], "rootDomainNamingContext": [BASE], "supportedControl": CONTROLS,
                "supportedExtension": EXTENSIONS, "supportedCapabilities": CAPABILITIES, "supportedLDAPVersion": ["3", "2"],
                "supportedLDAPPolicies": ["MaxPageSize", "MaxValRange", "MaxConnIdleTime", "InitRecvTimeout", "MaxNotificationPerConn"],
                "highestCommittedUSN": [str(self.tree.usn)], "supportedSASLMechanisms": ["GSSAPI", "GSS-SPNEGO", "EXTERNAL", "DIGEST-MD5"],
                "dnsHostName": [f"dc1.{DOMAIN}"], "ldapServiceName": [f"{DOMAIN}:dc1$@{DOMAIN.upper()}"], "serverName": [server],
                "isSynchronized": ["TRUE"], "isGlobalCatalogReady": ["TRUE"], "domainFunctionality": ["7"], "forestFunctionality": ["7"],
                "domainControllerFunctionality": ["7"]}

    def chosen(self, all_of, asked):
        wanted = {a.lower() for a in asked}
        every = not wanted or "*" in wanted
        return [(name, values) for name, values in all_of.items() if every or name.lower() in wanted]


def depth(entry):
    n = 0
    while entry.parent:
        entry, n = entry.parent, n + 1
    return n

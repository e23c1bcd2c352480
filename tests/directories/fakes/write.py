"""Add, modify, delete, rename, with Windows' rules and refusals (MS-ADTS 3.1.1.5, MS-SAMR 3.1.1.6 and 3.1.1.8)."""
import secrets
import uuid

from fakes import account, errors, names, schema
from fakes.tree import BASE, DOMAIN_SID, NEVER, filetime, sid_bytes

PERMISSIVE, TREE_DELETE = "1.2.840.113556.1.4.1413", "1.2.840.113556.1.4.805"
BAD_ACCOUNT = set('"/\\[]:|<>+=;?,*') | {chr(c) for c in range(0x20)}
TYPES = {"user": 0x30000000, "computer": 0x30000001, "group": 0x10000000}


class Writer:
    """The changes of one request; actor is who asks."""

    def __init__(self, tree, accounts, rights, actor, tls, controls=()):
        self.tree, self.accounts, self.rights, self.actor, self.tls = tree, accounts, rights, actor, tls
        self.permissive, self.whole = PERMISSIVE in controls, TREE_DELETE in controls
        self.hints = any(h in controls for h in account.HINTS)

    # ---- values ----
    def known(self, name):
        found = schema.ATTRIBUTES.get(name.split(";")[0].lower())
        if found is None or ";" in name:
            raise errors.no_conversion(16, "0C0910D6")
        return found

    def checked(self, known, values):
        """The values in the form they are kept in; LdapError."""
        out = []
        for value in values:
            if not value or (known.syntax == "text" and not utf8(value)):
                raise errors.no_conversion(21)
            if known.syntax in ("int", "big"):
                bits = 31 if known.syntax == "int" else 63
                try:
                    number = int(value)
                except ValueError:
                    raise errors.no_conversion(21) from None
                if not -(1 << bits) <= number < 1 << bits:
                    raise errors.no_conversion(21)
                value = str(number).encode()
            if known.syntax == "bool" and value not in (b"TRUE", b"FALSE"):
                raise errors.no_conversion(21)
            size = len(value.decode().encode("utf-16-le")) // 2 if known.syntax == "text" else len(value)
            if known.upper and size > known.upper and known.syntax != "dn":
                raise errors.attribute(19, "00002082", known.name, "03151907", more=f":len {size * 2}")
            out.append(value)
        if len({compared(known, v) for v in out}) < len(out):
            raise errors.attribute(20, "00002083", known.name, "03151830", "1006 (ATT_OR_VALUE_EXISTS)")
        if known.single and len(out) > 1:
            raise errors.attribute(19, "00002081", known.name, "03151830")
        return out

    def targets(self, known, values):
        found = []
        for value in values:
            try:
                target = self.tree.find(value.decode())
                if target.deleted:
                    raise errors.no_object()
            except (errors.LdapError, UnicodeDecodeError) as e:
                if getattr(e, "code", 34) == 34:
                    raise errors.no_conversion(21) from None
                if known.name == "member":
                    raise errors.name(32, "00000525", "", "031A120C") from None
                raise errors.attribute(19, "000020B5", known.name, "03152804") from None
            found.append(target)
        return found

    def account_name(self, entry, value, person):
        bad = set(value) & BAD_ACCOUNT or value.endswith(".") or not value.strip() or len(value) > (20 if person else 256)
        if bad:
            raise errors.system("00000523")
        if self.tree.unique["samaccountname"].get(names.fold(value), entry.guid) != entry.guid:
            raise errors.update(68, "00000524")

    def principal_name(self, entry, value):
        if self.tree.unique["userprincipalname"].get(names.fold(value), entry.guid) != entry.guid:
            raise errors.attribute(19, "000021C8", "userPrincipalName", "03200BBA")

    # ---- add ----
    def add(self, dn, given):
        try:
            rdns = names.parse(dn)
        except (ValueError, UnicodeDecodeError):
            raise errors.bad_name() from None
        if not rdns:
            raise errors.bad_name()
        parent = self.tree.find(",".join(names.rdn_text(r) for r in rdns[1:]) or "CN=nowhere")
        attributes = {}
        for name, values in given:
            known = self.known(name)
            if known.name.lower() in attributes:
                raise errors.attribute(20, "00002083", known.name, "03151830", "1006 (ATT_OR_VALUE_EXISTS)")
            attributes[known.name.lower()] = values
        chain, kind = self.classes(attributes.pop("objectclass", []))
        if kind != rdns[0][0]:
            raise errors.name(64, "00002073", self.tree.dn(parent), "03050F78", "2005 (NAMING_VIOLATION)")
        if names.key(rdns[0]) in parent.children and not parent.deleted:
            raise errors.update(68, "00002071", "030503CF")
        if parent.deleted or not self.rights.create(self.actor, parent, chain):
            raise errors.security("00000005", "03152612")
        self.checked(self.known(kind), [rdns[0][1].encode()])
        if attributes.get(kind.lower(), [rdns[0][1].encode()]) != [rdns[0][1].encode()]:
            raise errors.update(67, "000020B1", "03151D0D", "6004 (CANT_ON_RDN)")
        attributes.pop(kind.lower(), None)
        entry = self.tree.insert(parent, rdns[0], chain)
        try:
            self.fill(entry, chain, attributes)
        except errors.LdapError:
            self.tree.drop(entry)
            raise
        self.tree.told(entry)
        return entry

    def classes(self, values):
        wanted = [v.decode("utf-8", "replace").lower() for v in values]
        if any(v not in schema.PARTS for v in wanted):
            raise errors.no_conversion(16)
        fitting = [c for c, (chain, _) in schema.CLASSES.items() if c in wanted]
        if not fitting:
            raise errors.update(65, "0000207C", "030F0E2C", "6002 (OBJ_CLASS_VIOLATION)")
        return schema.CLASSES[max(fitting, key=lambda c: len(schema.CLASSES[c][0]))]

    def fill(self, entry, chain, attributes):
        person, group = "user" in chain, chain[-1] == "group"
        password = attributes.pop("unicodepwd", None)
        links = {n: attributes.pop(n) for n in list(attributes) if n in schema.LINKS}
        for name, values in attributes.items():
            known = schema.ATTRIBUTES[name]
            if known.system or known.constructed:
                raise errors.attribute(19, "0000209A", known.name, "03151830")
            attributes[name] = self.checked(known, values)
        if person or group:
            self.principal(entry, chain, attributes)
        for name in ("pwdlastset", "useraccountcontrol", "accountexpires", "lockouttime"):
            if name in attributes and not person:
                raise errors.update(65, "0000207D", "0315166D", "6002 (OBJ_CLASS_VIOLATION)")
        control, last_set = attributes.pop("useraccountcontrol", None), attributes.pop("pwdlastset", None)
        if "userprincipalname" in attributes:
            self.principal_name(entry, attributes["userprincipalname"][0].decode())
        for name, values in attributes.items():
            self.tree.put(entry, schema.ATTRIBUTES[name].name, values)
        if password is not None:
            self.need_tls()
            self.accounts.reset(entry, password[0], False, not self.rights.may_unexpire(self.actor))
        if person:
            self.control(entry, control[0] if control else None)
            if last_set:
                self.last_set(entry, last_set[0])
        for name, values in links.items():
            for target in self.targets(schema.ATTRIBUTES[name], self.checked(schema.ATTRIBUTES[name], values)):
                self.tree.link(entry, name, target)

    def principal(self, entry, chain, attributes):
        person = "user" in chain
        if "samaccountname" not in attributes:
            attributes["samaccountname"] = [f"${secrets.token_hex(3).upper()}-{secrets.token_hex(6).upper()}".encode()]
        self.account_name(entry, attributes["samaccountname"][0].decode(), person)
        put = self.tree.put
        put(entry, "objectSid", [sid_bytes(f"{DOMAIN_SID}-{next(self.tree.rids)}")])
        put(entry, "sAMAccountType", [TYPES[chain[-1] if chain[-1] in TYPES else "user"]])
        if not person:
            if "grouptype" not in attributes:
                put(entry, "groupType", [-2147483646])
            return
        for name, value in (("accountExpires", NEVER), ("badPwdCount", 0), ("badPasswordTime", 0), ("lastLogon", 0), ("lastLogoff", 0),
                            ("logonCount", 0), ("primaryGroupID", 513), ("pwdLastSet", 0), ("codePage", 0), ("countryCode", 0)):
            if name.lower() not in attributes:
                put(entry, name, [value])

    # ---- password and state ----
    def need_tls(self):
        if not self.tls:
            raise errors.service(53, "0000001F")

    def control(self, entry, value):
        """userAccountControl: what may be set by whom, and that a live account has a password."""
        old = entry.int("useraccountcontrol") if "useraccountcontrol" in entry.attributes else None
        if value is None:
            self.tree.put(entry, "userAccountControl", [546])
            return
        new = int(value) & ~(account.LOCKED | account.EXPIRED)
        if not new & 0x13B00:
            new |= 0x200
        gained = new & ~(old or 0)
        if self.actor is not self.rights.admin and gained & (account.NO_PASSWORD | 0x80000 | 0x1000000):
            raise errors.security("00000005", "031A11EF")
        if gained & account.NEVER_EXPIRES and not self.rights.may_unexpire(self.actor):
            raise errors.security("00000005", "031A11EF")
        if not new & (account.DISABLED | account.NO_PASSWORD) and entry.secret.current is None:
            if self.accounts.policy("minpwdlength") > 0:
                raise errors.service(53, "0000052D", "031A126C")
        self.tree.put(entry, "userAccountControl", [new])

    def last_set(self, entry, value):
        if value not in (b"0", b"-1"):
            raise errors.system("00000057", "031A1202")
        if value == b"-1" and not self.rights.may_unexpire(self.actor):
            raise errors.security("00000005", "031A11EF")
        self.tree.put(entry, "pwdLastSet", [0 if value == b"0" else filetime()])

    def password(self, entry, changes):
        """The changes of unicodePwd in one request: a replace resets, delete and add change."""
        self.need_tls()
        kinds = [(kind, len(values)) for kind, _, values in changes]
        if kinds == [("replace", 1)]:
            if not self.rights.write(self.actor, entry, "unicodepwd"):
                raise errors.security("00000005", "031A11EF")
            # one's own reset leaves no duty to change it (MS-SAMR 3.1.1.8.7)
            self.accounts.reset(entry, changes[0][2][0], self.hints,
                                self.actor is not entry and not self.rights.may_unexpire(self.actor))
        elif sorted(kinds) == [("add", 1), ("delete", 1)]:
            by_kind = {kind: values[0] for kind, _, values in changes}
            self.accounts.change(entry, by_kind["delete"], by_kind["add"])
        else:
            raise errors.service(53, "00000057", "031A1202")

    # ---- modify ----
    def modify(self, dn, changes):
        entry = self.tree.find(dn)
        if entry.deleted:
            raise errors.no_object()
        kept = entry.snapshot()
        try:
            self.modify_entry(entry, changes)
        except errors.LdapError as e:
            wrong = entry.attributes.get("badpwdcount"), entry.attributes.get("badpasswordtime"), entry.attributes.get("lockouttime")
            entry.restore(kept)
            if "00000056" in e.text:  # a wrong old password was counted all the same
                for name, value in zip(("badpwdcount", "badpasswordtime", "lockouttime"), wrong):
                    if value:
                        entry.attributes[name] = value
            self.tree.relink(entry)
            raise
        if entry.usn != kept[4]:
            self.tree.told(entry)

    def modify_entry(self, entry, changes):
        passwords = [c for c in changes if c[1].lower() == "unicodepwd"]
        others = [c for c in changes if c[1].lower() != "unicodepwd"]
        for _, name, _ in others:
            known = self.known(name)
            if known.system or known.constructed:
                raise errors.service(53, "0000209A", "031A1021")
            if not self.rights.write(self.actor, entry, known.name.lower()):
                raise errors.security("00002098", "03150F94")
            if known.name.upper() == entry.rdn[0] and entry.parent:
                raise errors.update(67, "000020B1", "03151D0D", "6004 (CANT_ON_RDN)")
        if passwords:
            self.password(entry, passwords)
        for kind, name, values in others:
            known = self.known(name)
            if known.name.lower() in schema.LINKS:
                self.links(entry, kind, known, self.targets(known, self.checked(known, values)))
            else:
                self.attribute(entry, kind, known, self.checked(known, values))

    def links(self, entry, kind, known, targets):
        name = known.name.lower()
        present = {t.guid for t in self.tree.linked(entry, name)}
        if kind == "replace" or (kind == "delete" and not targets):
            for guid in present - {t.guid for t in targets}:
                self.tree.unlink(entry, name, self.tree.by_guid[guid])
            targets = [t for t in targets if t.guid not in present]
            kind = "add"
        for target in targets:
            if (target.guid in present) == (kind == "add"):
                if not self.permissive:
                    raise already(known, kind)
            elif kind == "add":
                if known.single and present:
                    raise errors.attribute(19, "00002081", known.name, "03151830")
                self.tree.link(entry, name, target)
            else:
                self.tree.unlink(entry, name, target)

    def attribute(self, entry, kind, known, values):
        name = known.name.lower()
        old = entry.attributes.get(name, [])
        if kind == "replace" or (kind == "delete" and not values and old):
            new = values if kind == "replace" else []
        elif kind == "add":
            there = {compared(known, v) for v in old}
            twice = [v for v in values if compared(known, v) in there]
            if twice and not self.permissive:
                raise errors.attribute(20, "00002083", known.name, "03151830", "1006 (ATT_OR_VALUE_EXISTS)")
            new = old + [v for v in values if v not in twice]
            if known.single and len(new) > 1:
                raise errors.attribute(19, "00002081", known.name, "03151830")
        else:
            gone = {compared(known, v) for v in values}
            if (not gone or not gone <= {compared(known, v) for v in old}) and not self.permissive:
                raise errors.attribute(16, "00002085", known.name, "03152004", "1001 (NO_ATTRIBUTE_OR_VAL)")
            new = [v for v in old if compared(known, v) not in gone]
        self.assign(entry, name, known, new)

    def assign(self, entry, name, known, new):
        if name in ("samaccountname", "useraccountcontrol", "objectclass", "pwdlastset") and not new:
            raise errors.update(65, "0000207C", "030F0E2C", "6002 (OBJ_CLASS_VIOLATION)")
        if name == "objectclass":
            raise errors.service(53, "00002068", "031A1021")
        if name == "samaccountname":
            self.account_name(entry, new[0].decode(), entry.is_a(b"user"))
        if name == "userprincipalname" and new:
            self.principal_name(entry, new[0].decode())
        if name == "useraccountcontrol":
            self.control(entry, new[0])
        elif name == "pwdlastset":
            self.last_set(entry, new[0])
        elif name == "lockouttime":
            if new not in ([b"0"], []):
                raise errors.service(53, "0000209A", "031A1021")
            self.tree.put(entry, name, [b"0"])
            self.tree.put(entry, "badPwdCount", [0])
        else:
            self.tree.put(entry, name, new)

    # ---- delete, rename ----
    def delete(self, dn):
        entry = self.tree.find(dn)
        if entry.deleted or not entry.parent:
            raise errors.no_object()
        if not self.rights.delete(self.actor, entry):
            raise errors.security("00000005", "031520B2")
        if entry.children and not self.whole:
            raise errors.update(66, "00002015", "031A0FBD", "6003 (CANT_ON_NON_LEAF)")
        for one in reversed(list(self.tree.below(entry))):
            self.bury(one)
        self.bury(entry)

    def bury(self, entry):
        """A tombstone in CN=Deleted Objects (MS-ADTS 3.1.1.5.5)."""
        parent, groups = entry.parent, []
        for name in schema.LINKS:
            for source in self.tree.linking(entry, name):
                source.links[name].pop(entry.guid)  # a link to a deleted object goes without a word
                groups.append(source)
            self.tree.back.pop((name, entry.guid), None)
            for target in self.tree.linked(entry, name):
                self.tree.unlink(entry, name, target)
        entry.links.clear()
        for name in list(entry.attributes):
            if name in self.tree.unique:
                kept = entry.attributes[name]
                self.tree.put(entry, name, [])
                if name in schema.TOMBSTONE:
                    entry.attributes[name] = kept
            elif name not in schema.TOMBSTONE:
                self.tree.put(entry, name, [])
        self.tree.put(entry, "isDeleted", ["TRUE"])
        self.tree.put(entry, "lastKnownParent", [self.tree.dn(parent)])
        grave = self.tree.find("CN=Deleted Objects," + BASE)
        value = f"{entry.rdn[1][:75]}\nDEL:{uuid.UUID(bytes_le=entry.guid)}"
        self.tree.place(entry, grave, (entry.rdn[0], value))
        self.tree.told(entry)

    def rename(self, dn, rdn_text, delete_old, new_parent):
        entry = self.tree.find(dn)
        if entry.deleted or not entry.parent:
            raise errors.no_object()
        try:
            rdns = names.parse(rdn_text)
        except (ValueError, UnicodeDecodeError):
            raise errors.bad_name() from None
        if len(rdns) != 1 or rdns[0][0] != entry.rdn[0]:
            raise errors.name(64, "00002073", "", "03050F78", "2005 (NAMING_VIOLATION)")
        if not delete_old:
            raise errors.service(53, "0000209A", "031A1021")
        self.checked(self.known(rdns[0][0]), [rdns[0][1].encode()])
        parent = self.tree.find(new_parent) if new_parent is not None else entry.parent
        chain = [v.decode() for v in entry.attributes["objectclass"]]
        allowed = self.rights.write(self.actor, entry, "name")
        if parent is not entry.parent:
            allowed = allowed and self.rights.delete(self.actor, entry) and self.rights.create(self.actor, parent, chain)
        if not allowed:
            raise errors.security("00000005", "031530D2")
        if self.rights.under(parent, entry):
            raise errors.service(53, "00002089", "031A1021")
        other = parent.children.get(names.key(rdns[0]))
        if other is not None and other is not entry:
            raise errors.update(68, "00002071", "030503CF")
        self.tree.place(entry, parent, rdns[0])
        self.tree.told(entry)


def already(known, kind):
    if known.name == "member":
        return errors.update(68, "00000562", "031A11E2") if kind == "add" else errors.service(53, "00000561", "031A1236")
    if kind == "add":
        return errors.attribute(20, "00002083", known.name, "03151830", "1006 (ATT_OR_VALUE_EXISTS)")
    return errors.attribute(16, "00002085", known.name, "03152004", "1001 (NO_ATTRIBUTE_OR_VAL)")


def utf8(value):
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def compared(known, value):
    return names.fold(value.decode("utf-8", "replace")) if known.syntax in ("text", "dn", "oid") else value

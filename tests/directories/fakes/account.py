"""Accounts: who may in, and passwords (MS-SAMR 3.1.1.8, MS-ADTS 3.1.1.3.1.5)."""
import time

from fakes import errors, names
from fakes.tree import BASE, DOMAIN, NETBIOS, NEVER, filetime

DISABLED, LOCKED, NO_PASSWORD, EXPIRED, NEVER_EXPIRES = 0x2, 0x10, 0x20, 0x800000, 0x10000
MINUTE = 60 * 10000000
HINTS = ("1.2.840.113556.1.4.2239", "1.2.840.113556.1.4.2066")


class Accounts:
    def __init__(self, tree):
        self.tree = tree

    def policy(self, name):
        return self.tree.domain().int(name)

    def named(self, name):
        """By DN, userPrincipalName, account@domain, or DOMAIN\\account; None."""
        unique = self.tree.unique
        if "=" in name:
            try:
                return self.tree.find(name)
            except errors.LdapError:
                return None
        guid = None
        if "@" in name:
            guid = unique["userprincipalname"].get(names.fold(name))
            account, _, domain = name.rpartition("@")
            if guid is None and domain.lower() in (DOMAIN, NETBIOS.lower()):
                guid = unique["samaccountname"].get(names.fold(account))
        elif name.upper().startswith(NETBIOS + "\\"):
            guid = unique["samaccountname"].get(names.fold(name[len(NETBIOS) + 1 :]))
        return self.tree.by_guid.get(guid)

    # ---- states ----
    def locked(self, entry):
        since, duration = entry.int("lockouttime"), -self.policy("lockoutduration")
        return since > 0 and (duration <= 0 or filetime() < since + duration)

    def expiry(self, entry):
        """When the password ends, NEVER when it does not."""
        oldest = -self.policy("maxpwdage")
        if entry.int("useraccountcontrol") & (NEVER_EXPIRES | 0x40000) or oldest <= 0 or oldest == NEVER + 1:
            return NEVER
        return entry.int("pwdlastset") and entry.int("pwdlastset") + oldest

    def computed(self, entry):
        flags = LOCKED if self.locked(entry) else 0
        return flags | (EXPIRED if self.expiry(entry) < filetime() else 0)

    def log_on(self, name, password):
        """The account; LdapError with Windows' sub-code. All but 525, 52e and 775 want the right password."""
        entry = self.named(name)
        if entry is None or not entry.is_a(b"user") or entry.deleted:
            raise errors.bind("525")
        if self.locked(entry):
            raise errors.bind("775")
        if entry.secret.current is None or password != entry.secret.current:
            self.count_wrong(entry, password)
            raise errors.bind("52e")
        ends, hours, stations = entry.int("accountexpires"), entry.first("logonhours"), entry.text("userworkstations")
        now = time.gmtime()
        hour = (now.tm_wday + 1) % 7 * 24 + now.tm_hour
        for refused, data in (
                (entry.int("useraccountcontrol") & DISABLED, "533"),
                (0 < ends < NEVER and ends < filetime(), "701"),
                (len(hours) == 21 and not hours[hour // 8] >> hour % 8 & 1, "530"),
                (stations and "DC1" not in stations.upper().split(","), "531"),
                (self.expiry(entry) == 0, "773"),
                (self.expiry(entry) < filetime(), "532")):
            if refused:
                raise errors.bind(data)
        self.tree.put(entry, "badPwdCount", [0])
        self.tree.put(entry, "lastLogon", [filetime()])
        if entry.int("lockouttime"):
            self.tree.put(entry, "lockoutTime", [0])
        return entry

    def count_wrong(self, entry, password):
        """One of the last two passwords does not count (N-2 check)."""
        if password in entry.secret.history[:2]:
            return
        now, window = filetime(), -self.policy("lockoutobservationwindow")
        count = entry.int("badpwdcount") if now < entry.int("badpasswordtime") + window else 0
        self.tree.put(entry, "badPwdCount", [count + 1])
        self.tree.put(entry, "badPasswordTime", [now])
        if 0 < self.policy("lockoutthreshold") <= count + 1:
            self.tree.put(entry, "lockoutTime", [now])
            self.tree.told(entry)

    # ---- passwords ----
    def weak(self, entry, password):
        if len(password) < self.policy("minpwdlength"):
            return True
        return bool(self.policy("pwdproperties") & 1) and not self.complex(entry, password)

    def complex(self, entry, password):
        """MS-SAMR 3.1.1.7.2: three of five kinds, without the account's name or a part of the person's."""
        kinds = [str.isupper, str.islower, lambda c: c in "0123456789",
                 lambda c: ord(c) < 128 and not c.isalnum(), lambda c: c.isalpha() and not c.isupper() and not c.islower()]
        low, account, shown = password.casefold(), entry.text("samaccountname").casefold(), entry.text("displayname").casefold()
        for c in ",.-_#\t":
            shown = shown.replace(c, " ")
        if (len(account) > 2 and account in low) or any(len(p) > 2 and p in low for p in shown.split()):
            return False
        return sum(any(kind(c) for c in password) for kind in kinds) >= 3

    def used(self, entry, password):
        last = self.policy("pwdhistorylength")
        return last > 0 and password in ([entry.secret.current] + entry.secret.history)[:last]

    def young(self, entry):
        return 0 < entry.int("pwdlastset") and filetime() < entry.int("pwdlastset") - self.policy("minpwdage")

    def store(self, entry, password, must_change):
        if entry.secret.current is not None:
            entry.secret.history.insert(0, entry.secret.current)
            del entry.secret.history[24:]
        entry.secret.current = password
        self.tree.put(entry, "pwdLastSet", [0 if must_change else filetime()])
        self.tree.touch(entry, "unicodepwd")

    def reset(self, entry, value, hints, must_change):
        password = decoded(value)
        if self.weak(entry, password) or (hints and (self.used(entry, password) or self.young(entry))):
            raise errors.service(53, "0000052D", "031A126C")
        self.store(entry, password, must_change)

    def change(self, entry, old, new):
        """By the person: the old password vouches for it."""
        if self.locked(entry):
            raise errors.attribute(19, "00000775", "unicodePwd")
        if entry.secret.current is None or decoded(old) != entry.secret.current:
            self.count_wrong(entry, decoded(old))
            raise errors.attribute(19, "00000056", "unicodePwd")
        password = decoded(new)
        if self.weak(entry, password) or self.used(entry, password) or self.young(entry):
            raise errors.attribute(19, "0000052D", "unicodePwd")
        self.store(entry, password, False)


def decoded(value):
    """The password of a unicodePwd value: in quotes, UTF-16LE."""
    try:
        text = value.decode("utf-16-le")
    except UnicodeDecodeError:
        raise errors.service(53, "0000001F") from None
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise errors.service(53, "0000001F")
    return text[1:-1]


def identity(entry):
    return f"u:{NETBIOS}\\{entry.text('samaccountname')}"


class Rights:
    """What the delegated service account may, and administrators; everybody else reads."""

    def __init__(self, tree, unexpire):
        self.tree, self.unexpire = tree, unexpire
        self.people = tree.find(f"OU=People,OU=App,{BASE}")
        self.groups = tree.find(f"OU=Groups,OU=App,{BASE}")
        self.broker = tree.find(f"CN=svc-broker,OU=Services,OU=App,{BASE}")
        self.admin = tree.find(f"CN=Administrator,CN=Users,{BASE}")

    def under(self, entry, top):
        while entry and entry is not top:
            entry = entry.parent
        return entry is top

    def create(self, actor, parent, chain):
        if actor is self.admin:
            return True
        place = self.people if "user" in chain and "computer" not in chain else self.groups if chain[-1] == "group" else None
        return actor is self.broker and place is not None and self.under(parent, place)

    def delete(self, actor, entry):
        return self.create(actor, entry.parent, [v.decode() for v in entry.attributes["objectclass"]])

    def write(self, actor, entry, name):
        if actor is self.admin:
            return True
        if actor is not self.broker:
            return False
        if entry.is_a(b"user") and self.under(entry.parent, self.people):
            return True
        return entry.is_a(b"group") and self.under(entry.parent, self.groups) and name == "member"

    def may_unexpire(self, actor):
        return actor is self.admin or (actor is self.broker and self.unexpire)

    def see_deleted(self, actor):
        return actor in (self.admin, self.broker)

    def replicate(self, actor):
        return actor in (self.admin, self.broker)

"""One connection to the Active Directory: who is bound, requests answered in order."""
import ber
from fakes import account, errors, message
from fakes.filters import Matcher
from fakes.message import LdapError
from fakes.search import CONTROLS, Searcher
from fakes.view import View

FAST_BIND = "1.2.840.113556.1.4.1781"
NOTIFICATIONS = 5  # MaxNotificationPerConn


class Session:
    """channel has send(bytes), tls (bool) and start_tls()."""

    def __init__(self, directory, channel):
        self.directory, self.tree, self.channel = directory, directory.tree, channel
        self.actor, self.fast, self.compared, self.notifications = None, False, False, {}
        self.searcher = Searcher(directory, self)

    def close(self):
        with self.tree.lock:
            for listener in self.notifications.values():
                self.tree.listeners.remove(listener)
            self.notifications.clear()

    def answer(self, request):
        """False ends the connection."""
        if request.op == message.UNBIND:
            return False
        if request.op == message.ABANDON:
            self.abandon(ber.number(request.body))
            return True
        tag = message.ANSWER.get(request.op)
        if tag is None:
            return False
        try:
            if request.op == message.EXTENDED:
                self.extended(request)
                return True
            with self.tree.lock:
                parts = list(self.handle(request, tag))
        except LdapError as e:
            parts = [message.message(request.id, message.result(tag, e.code, e.text, e.matched, e.referrals))]
        except (ber.Malformed, UnicodeDecodeError):
            text = "0000203D: LdapErr: DSID-0C090C7D, comment: Error decoding ldap message, data 0, v4563\0"
            parts = [message.message(0, message.result(message.ANSWER[message.EXTENDED], 2, text, extra=ber.octets(message.DISCONNECTION, 0x8A)))]
            self.channel.send(b"".join(parts))
            return False
        self.channel.send(b"".join(parts))
        return True

    def handle(self, request, tag):
        if request.op == message.SEARCH:
            yield from self.searcher.run(request)
            return
        if request.op == message.BIND:
            self.bind(request)
        else:
            self.write(request)
        yield message.message(request.id, message.result(tag, self.code(request)))

    def code(self, request):
        return (6 if self.compared else 5) if request.op == message.COMPARE else 0

    def bind(self, request):
        _, name, method, password = message.bind(request.body)
        self.actor = None if not self.fast else self.actor
        if method != "simple":
            raise errors.ldap(7, "00002027", "0C0905D9", "Invalid Authentication method")
        if self.directory.demand_tls and not self.channel.tls and password:
            raise errors.ldap(8, "00002028", "0C090254", "The server requires binds to turn on integrity checking if SSL\\TLS are "
                              "not already active on the connection")
        if not password:
            return  # an unauthenticated bind (RFC 4513 5.1.2): success, and nobody. Windows takes it by default
        entry = self.directory.accounts.log_on(name, password.decode("utf-8", "replace"))
        if not self.fast:
            self.actor = entry

    def write(self, request):
        if self.actor is None:
            raise errors.not_bound()
        for c in request.controls:
            if c.critical and c.oid not in CONTROLS:
                raise errors.service(12, "00002040", "031401E5", "5010 (UNAVAIL_EXTENSION)")
        writer = self.directory.writer(self.actor, self.channel.tls, {c.oid for c in request.controls})
        if request.op == message.ADD:
            writer.add(*message.add(request.body))
        elif request.op == message.MODIFY:
            writer.modify(*message.modify(request.body))
        elif request.op == message.DELETE:
            writer.delete(request.body.decode())
        elif request.op == message.RENAME:
            writer.rename(*message.rename(request.body))
        else:
            self.compare(request)

    def compare(self, request):
        r = ber.Reader(request.body)
        entry, part = self.tree.find(r.text()), r.inside(ber.SEQUENCE)
        found = Matcher(self.view()).match(("equal", part.text(), part.value(ber.OCTETS)), entry)
        self.compared = found is True

    def view(self):
        return View(self.tree, self.directory.accounts, self.directory.rights, self.actor)

    def extended(self, request):
        oid, _ = message.extended(request.body)
        tag = message.ANSWER[message.EXTENDED]
        if oid == message.STARTTLS:
            if self.channel.tls:
                raise errors.ldap(1, "00000000", "0C090E5F", "TLS or SSL already in effect")
            self.channel.send(message.message(request.id, message.result(tag, extra=ber.octets(oid, 0x8A))))
            self.channel.start_tls()
            return
        extra = b""
        if oid == message.WHOAMI:
            with self.tree.lock:
                extra = ber.octets(account.identity(self.actor) if self.actor else "", 0x8B)
        elif oid == FAST_BIND:
            self.fast, self.actor = True, None
        else:
            raise errors.ldap(2, "0000203D", "0C090C7D", "Unknown extended request OID")
        self.channel.send(message.message(request.id, message.result(tag, extra=extra)))

    # ---- change notification (MS-ADTS 3.1.1.3.4.1.9) ----
    def notify(self, request, s, view, base, shown):
        if s.filter != ("present", "objectClass") and s.filter != ("present", "objectclass"):
            raise errors.service(53, "000020B9", "0314068D")
        if len(self.notifications) >= NOTIFICATIONS:
            raise errors.service(11, "00002024", "0320023E", "5008 (ADMIN_LIMIT_EXCEEDED)")

        def listener(tree, entry):
            at = entry
            if s.scope == 2:
                while at and at is not base:
                    at = at.parent
            elif s.scope == 1:
                at = entry.parent
            if at is base and (shown or not entry.deleted):
                self.channel.send(message.message(request.id, message.entry(view.dn(entry), view.wanted(entry, s.attributes))))

        self.notifications[request.id] = listener
        self.tree.listeners.append(listener)

    def abandon(self, number):
        with self.tree.lock:
            listener = self.notifications.pop(number, None)
            if listener:
                self.tree.listeners.remove(listener)

"""Servers that do wrong.

Each is polite at first: TLS, the bind of the service account and the root DSE are answered as they should be, so that
the connection stands; what comes then is answered wrongly. A mode with "-early" does wrong from the first request on.
"variant-N." in a request (a name that is looked for, a password) chooses among the kinds of wrong that a mode has."""
import itertools
import re
import ssl
import threading
import time

import ber
from fakes import message, seed, server
from fakes.message import BIND, EXTENDED, SEARCH

LATER, DRIP = 9.0, 0.25  # seconds: a drop comes before any time-out of a wait for the next byte
HUGE = 10 << 20
SERIAL = itertools.count()  # chooses among the kinds of wrong where a request does not
POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"
BASIC = ["garbage", "half", "huge", "slow", "drip", "wrongid", "notice"]
MODES = BASIC + [m + "-early" for m in BASIC] + ["mutetls", "nobodytls", "injected", "liar", "referral", "controls", "deepdn", "flood"]
GARBAGE = [b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", bytes(range(256)) * 64, b"\x30\x84\xff\xff\xff\xff" + b"x" * 64,
           b"\x30\x80\x02\x01\x01\x00\x00", b"\x00" * 4096, b"\x30\x05\x02\x01\x02\x64\x00", b"\x30\x0c\x02\x01\x02\x65\x87\x0a\x01\x00",
           b"\x16\x03\x03\x00\x05hello", b"\x30\x02\x04\x00", b"\x30\x06\x02\x04\x7f\xff\xff\xff"]

# Values of a password policy response control: none is one, but for the last.
CONTROL_VALUES = [
    None, b"", b"\x30", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x30\x85\x01\x00\x00\x00\x00", b"\x30\x05\xa0\x03\x80\x01",
    b"\x30\x03\x81\x01\x7f", b"\x30\x04\xa0\x02\x80\x00", b"\x30\x06\xa0\x04\x80\x82\xff\xff", b"\x30\x0d\xa0\x0b\x80\x09" + b"\x7f" * 9,
    b"\x30\x09\xa0\x07\x80\x05\xff\xff\xff\xff\xff", b"\x30\x02\x81\x00", b"\x30\x06\x81\x04\xff\xff\xff\xff", b"\x30\x82" * 500,
    b"\xa0\x03\x80\x01\x01", b"\x30\x08\xa0\x03\x80\x01\x05\x81\x01\x00\x00", bytes(65536), b"\x30\x03\x81\x01\x00"]
# Lists of controls that are none.
CONTROL_LISTS = [b"\xa0\x84\xff\xff\xff\xff", b"\xa0\x03\x30\x84\xff", b"\xa0\x02\x30\x00", b"\xa0\x04\x30\x02\x04\x7f",
                 ber.tlv(0xA0, *(message.control(f"1.2.3.{i}", b"x", True) for i in range(3000)))]

SPECIAL = "a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h\\=i\\#\\ \\0Aj\\00k\\C3\\BC\u202e\U0001f600"


def deep_names():
    """DNs, the first ones legal; as bytes."""
    people = seed.PEOPLE
    return [n if isinstance(n, bytes) else n.encode() for n in (
        f"uid={SPECIAL},{people}", f"uid=\\ lead\\ ,{people}", f"uid=#0403616263,{people}", f"uid=a+cn=b,{people}",
        "ou=x," * 200 + people, "ou=x," * 5000 + people, "ou=x," * 200000 + people, "uid=" + "a" * 8000 + "," + people,
        "uid=" + "\\2C" * 300000 + "," + people, "", "no name", ",,,,", "uid=", "=x", f"uid=a\\,{people}\\", f"uid=\\zz,{people}",
        f"uid=\"quoted, {people}", f"uid=#04,{people}", f"uid=a\0b,{people}".encode(), b"uid=\xff\xfe\xc0\x80," + people.encode(),
        f"uid=<GUID=1>;<SID=2>;x,{people}", "+" * 65536, "\\" * 65535, "uid=alice" + " " * 65536 + f",{people}")]


class Dripping:
    """TLS over memory, so that its bytes can be sent one by one, in the middle of records too."""

    def __init__(self, sock, context):
        self.sock, self.slow = sock, False
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def flush(self):
        data = self.outgoing.read()
        for i in range(len(data) if self.slow else min(1, len(data))):
            self.sock.sendall(data[i : i + 1] if self.slow else data)
            if self.slow:
                time.sleep(DRIP)

    def until_done(self, step):
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                if not data:
                    raise EOFError from None
                self.incoming.write(data)

    def start(self):
        self.until_done(self.tls.do_handshake)
        self.flush()

    def recv(self, n):
        return self.until_done(lambda: self.tls.read(n))

    def sendall(self, data):
        self.tls.write(data)
        self.flush()

    def shutdown(self, how):
        self.sock.shutdown(how)

    def close(self):
        self.sock.close()


class Host:
    """One conversation."""

    def __init__(self, channel, mode, canary_port):
        self.channel, self.canary_port = channel, canary_port
        self.mode, _, early = mode.partition("-")
        self.early, self.who = bool(early), ""

    def talk(self):
        while (request := self.channel.receive()) is not None:
            if request.op == message.UNBIND:
                return
            if request.op == EXTENDED and message.extended(request.body)[0] == message.STARTTLS:
                self.start_tls(request)
                continue
            if request.op == message.ABANDON:
                continue
            found = re.search(rb"variant-(\d+)\.", request.body)
            answer = self.good(request)
            variant = int(found[1]) if found else next(SERIAL)
            if self.polite(request):
                self.channel.send(b"".join(answer))
            elif getattr(self, "do_" + self.mode)(request, answer, variant) is False:
                return

    def start_tls(self, request):
        refused = self.mode == "nobodytls"
        result = message.result(message.ANSWER[EXTENDED], 52 if refused else 0, "TLS is for others" if refused else "",
                                extra=ber.octets(message.STARTTLS, 0x8A))
        in_clear = message.message(request.id, result)
        if self.mode == "injected":  # what somebody on the way could add: answers to what comes next
            in_clear += b"".join(message.message(request.id + n, message.result(message.ANSWER[BIND], 0)) for n in (1, 2, 3))
        self.channel.send(in_clear)
        if self.mode == "mutetls":
            time.sleep(3600)
        if not refused:
            self.channel.start_tls()

    def polite(self, request):
        if self.early:
            return False
        if request.op == BIND:
            return message.bind(request.body)[1].lower() == seed.BROKER.lower()
        if request.op == SEARCH:
            s = message.search(request.body)
            return s.base == "" and s.scope == 0
        return False

    def good(self, request, dn=None):
        """What a good server would answer: a list of messages. Everybody is alice."""
        tag = message.ANSWER.get(request.op, message.ANSWER[EXTENDED])
        parts, extra = [], b""
        if request.op == BIND:
            self.who = message.bind(request.body)[1]
        if request.op == EXTENDED and message.extended(request.body)[0] == message.WHOAMI:
            extra = ber.octets("dn:" + self.who, 0x8B)
        if request.op == SEARCH:
            s = message.search(request.body)
            root = s.base == "" and s.scope == 0
            attributes = [("supportedLDAPVersion", ["3"])] if root else [
                ("objectClass", ["inetOrgPerson"]), ("uid", ["alice"]), ("cn", ["Alice"]), ("sn", ["Example"]),
                ("mail", ["alice@example.test"]), ("entryUUID", ["7d3f8f2a-0000-4000-8000-000000000001"])]
            name = "" if root else dn if dn is not None else f"uid=alice,{seed.PEOPLE}"
            parts.append(message.message(request.id, message.entry(name, attributes)))
        return parts + [message.message(request.id, message.result(tag, extra=extra))]

    # ---- what goes wrong; False ends the connection ----
    def do_garbage(self, _request, _answer, variant):
        self.channel.send(GARBAGE[variant % len(GARBAGE)])

    def do_half(self, _request, answer, _variant):
        data = b"".join(answer)
        self.channel.send(data[: len(data) // 2])
        return False

    def do_huge(self, request, _answer, _variant):
        self.channel.send(message.message(request.id, message.entry(f"uid=alice,{seed.PEOPLE}", [("description", [b"x" * HUGE])])))
        self.channel.send(message.message(request.id, message.result(message.ANSWER.get(request.op, 0x65))))

    def do_slow(self, _request, answer, _variant):
        time.sleep(LATER)
        self.channel.send(b"".join(answer))

    def do_drip(self, _request, answer, _variant):
        self.channel.sock.slow = True
        self.channel.send(b"".join(answer))

    def do_wrongid(self, request, _answer, variant):
        other = [request.id + 1, request.id - 1, 0x7FFFFFFF, -1][variant % 4]
        self.channel.send(b"".join(self.good(request._replace(id=other))))

    def do_notice(self, _request, _answer, _variant):
        self.channel.send(message.message(0, message.result(message.ANSWER[EXTENDED], 52, "The server is about to stop",
                                                            extra=ber.octets(message.DISCONNECTION, 0x8A))))
        return False

    def do_liar(self, request, answer, _variant):
        if request.op == EXTENDED:
            answer = [message.message(request.id, message.result(message.ANSWER[EXTENDED], extra=ber.octets("dn:cn=somebody,dc=else", 0x8B)))]
        self.channel.send(b"".join(answer))

    def do_referral(self, request, _answer, _variant):
        there = f"ldap://127.0.0.1:{self.canary_port}/{seed.PEOPLE}"
        if request.op == SEARCH:
            self.channel.send(message.message(request.id, ber.tlv(message.REFERENCE, ber.octets(there))))
        self.channel.send(message.message(request.id, message.result(message.ANSWER.get(request.op, 0x65), 10, "elsewhere", "", [there])))

    def do_controls(self, request, answer, variant):
        tag = message.ANSWER.get(request.op, message.ANSWER[EXTENDED])
        if request.op == EXTENDED:
            self.channel.send(b"".join(answer))
            return
        variant %= len(CONTROL_VALUES) + len(CONTROL_LISTS)
        if variant < len(CONTROL_VALUES):
            data = message.message(request.id, message.result(tag), [message.control(POLICY, CONTROL_VALUES[variant])])
        else:
            data = ber.seq(ber.integer(request.id), message.result(tag), CONTROL_LISTS[variant - len(CONTROL_VALUES)])
        self.channel.send(data)

    def do_deepdn(self, request, _answer, variant):
        names = deep_names()
        self.channel.send(b"".join(self.good(request, names[variant % len(names)])))

    def do_flood(self, request, answer, variant):
        """Much that is well made: entries without an end, big ones, one of very many attributes, or of very many values."""
        if request.op != SEARCH:
            self.channel.send(b"".join(answer))
            return
        kinds = [lambda i: [("description", [b"x" * 60000])], lambda i: [("description", [b"x" * (3 << 20)])],
                 lambda i: [(f"a{n}", [b"x"]) for n in range(200000)], lambda i: [("description", [b"xy"] * 400000)],
                 lambda i: [(f"a{n}", [b"x" * 8] * 256) for n in range(1500)]]
        count = [None, 5, 2, 2, 2][variant % 5]
        for i in itertools.count() if count is None else range(count):
            self.channel.send(message.message(request.id, message.entry(f"uid=alice{i},{seed.PEOPLE}", kinds[variant % 5](i))))
        self.channel.send(message.message(request.id, message.result(message.ANSWER[SEARCH])))

    do_mutetls = do_nobodytls = do_injected = lambda self, request, answer, variant: self.channel.send(b"".join(answer))


class Canary:
    """Where a referral leads: each connection is counted in a file."""

    def __init__(self, path):
        self.path, self.n, self.lock = path, 0, threading.Lock()
        self.sock = server.listen()
        self.port = self.sock.getsockname()[1]
        path.write_text("0\n", encoding="ascii")
        server.serve(self.sock, self.count)

    def count(self, _connection):
        with self.lock:
            self.n += 1
            self.path.write_text(f"{self.n}\n", encoding="ascii")


def open_channel(connection, mode, tls_context, tls):
    """The channel, TLS started where it is due; None where nothing more is to be said."""
    if tls and mode == "mutetls":
        time.sleep(3600)
    if tls and mode == "nobodytls":
        connection.recv(4096)
        return None
    channel = server.Channel(connection, tls_context, False)
    if mode.startswith("drip"):

        def start_tls():
            channel.sock, channel.tls = Dripping(connection, tls_context), True
            channel.sock.slow = mode == "drip-early"
            channel.sock.start()

        channel.start_tls = start_tls
    if tls:
        channel.start_tls()
    return channel


def serve(sock, mode, tls_context, tls, canary):
    def talk(connection):
        channel = open_channel(connection, mode, tls_context, tls)
        if channel:
            Host(channel, mode, canary.port if canary else 0).talk()
            channel.close()

    server.serve(sock, talk)

#!/usr/bin/python3
"""Mail by SMTP against a real server (aiosmtpd): what arrives, and what each kind of failure is called.

Wants the build folder in BUILD: tests/contract/smtp_send is run there.
"""
import asyncio
import email
import email.policy
import logging
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from aiosmtpd.smtp import AuthResult, SMTP

PROGRAM = os.path.join(os.environ.get("BUILD", "."), "tests", "contract", "smtp_send")
FOLDER = tempfile.TemporaryDirectory(prefix="usher-smtp-")
USER, PASSWORD = "usher", "s3cret word"


def certificate(name):
    """A self-signed certificate for localhost; returns its file and that of its key."""
    cert, key = (os.path.join(FOLDER.name, name + end) for end in (".pem", ".key"))
    if not os.path.exists(cert):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
            check=True, capture_output=True)
    return cert, key


def context(name="right"):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate(name))
    return made


class Handler:
    """Keeps what arrives; answers by the table given."""

    def __init__(self, **answers):
        self.answers = answers
        self.mails = []
        self.peers = set()
        self.options = []
        self.close_after = False
        self.hang = 0

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.peers.add(session.peer)
        self.options.append(options)
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.hang:
            await asyncio.sleep(self.hang)
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content))
        if self.close_after:
            asyncio.get_running_loop().call_later(0.05, server.transport.close)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=good, handled=good)


class Server:
    """aiosmtpd on a free port of loopback, in a thread of its own."""

    def __init__(self, handler, mode):
        self.handler, self.mode = handler, mode
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, what: None)  # clients that hang up are what is tested
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        opening = self.loop.create_server(self.factory, "127.0.0.1", 0, ssl=context() if mode == "tls" else None)
        self.server = asyncio.run_coroutine_threadsafe(opening, self.loop).result(10)
        self.port = self.server.sockets[0].getsockname()[1]

    def factory(self):
        options = {"enable_SMTPUTF8": True, "hostname": "localhost", "loop": self.loop}
        if self.mode == "starttls":
            options |= {"tls_context": context(), "require_starttls": True, "authenticator": authenticate,
                        "auth_required": True}
        elif self.mode == "tls":
            options |= {"authenticator": authenticate, "auth_require_tls": False}
        return SMTP(self.handler, **options)

    def stop(self):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


class Case(unittest.TestCase):
    def serve(self, handler, mode="starttls"):
        server = Server(handler, mode)
        self.addCleanup(server.stop)
        return server.port

    def send(self, port, tls="starttls", ca=None, user=USER, password=PASSWORD, to="jane@example.org", timeout=5000, count=1,
             pause=0, host="localhost"):
        ca = certificate("right")[0] if ca is None else ca
        done = subprocess.run([PROGRAM, tls, host, str(port), ca, user, password, to, str(timeout), str(count), str(pause)],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        rows = [line.split(" ", 2) for line in done.stdout.splitlines()]
        for row in rows:
            self.assertNotIn(PASSWORD, row[2])
            self.assertNotIn(to.split("@")[0], row[2])
        self.took = [int(row[1]) for row in rows]
        self.details = [row[2] for row in rows]
        return [row[0] for row in rows]

    def test_arrives_whole(self):
        handler = Handler()
        self.assertEqual(self.send(self.serve(handler), count=3), ["ok"] * 3)
        self.assertEqual(len(handler.mails), 3)
        self.assertEqual(len(handler.peers), 1, "one connection for all")
        sender, recipients, content = handler.mails[0]
        self.assertEqual((sender, recipients), ("no-reply@usher.example", ["jane@example.org"]))
        message = email.message_from_bytes(content, policy=email.policy.default)
        self.assertEqual(message.defects, [])
        self.assertEqual(message["subject"], "Bestätigung")
        self.assertEqual(message["from"].addresses[0].display_name, "Bücher")
        self.assertEqual(message["from"].addresses[0].addr_spec, "no-reply@usher.example")
        self.assertEqual(message["to"], "jane@example.org")
        self.assertEqual(message["message-id"], "<notice-0@usher.example>")
        self.assertEqual(message["auto-submitted"], "auto-generated")
        self.assertIsNotNone(message["date"].datetime)
        self.assertEqual(message.get_content_type(), "multipart/alternative")
        plain, html = message.iter_parts()
        self.assertEqual(plain.get_content(), ".\r\n..two\r\nend \r\n.\r\n€\r\n")
        self.assertEqual(html.get_content(), "<p>€</p>\r\n")
        self.assertTrue(all(len(line) <= 78 for line in content.split(b"\r\n")))
        self.assertNotIn(b"\n", content.replace(b"\r\n", b""))

    def test_implicit_tls(self):
        handler = Handler()
        self.assertEqual(self.send(self.serve(handler, "tls"), tls="tls"), ["ok"])
        self.assertEqual(len(handler.mails), 1)

    def test_plain_where_configured(self):
        handler = Handler()
        self.assertEqual(self.send(self.serve(handler, "plain"), tls="plain", user="", password=""), ["ok"])
        self.assertEqual(len(handler.mails), 1)

    def test_smtputf8(self):
        handler = Handler()
        port = self.serve(handler)
        self.assertEqual(self.send(port, to="jörg@bücher.example"), ["ok"])
        self.assertEqual(handler.mails[0][1], ["jörg@xn--bcher-kva.example"])
        self.assertIn("SMTPUTF8", handler.options[0])
        self.assertEqual(self.send(port, to="joerg@bücher.example"), ["ok"])
        self.assertEqual(handler.mails[1][1], ["joerg@xn--bcher-kva.example"])
        self.assertNotIn("SMTPUTF8", handler.options[1])

    def test_starttls_is_required(self):
        handler = Handler()
        self.assertEqual(self.send(self.serve(handler, "plain"), user="", password=""), ["config"])
        self.assertEqual(handler.mails, [])

    def test_wrong_ca(self):
        handler = Handler()
        port = self.serve(handler)
        self.assertEqual(self.send(port, ca=certificate("other")[0]), ["config"])
        self.assertEqual(self.send(port, ca="/nonexistent.pem"), ["config"])
        self.assertEqual(self.send(port, ca=""), ["config"])
        self.assertEqual(self.send(port, host="127.0.0.1"), ["config"])  # the certificate names localhost
        self.assertEqual(self.send(self.serve(handler, "tls"), tls="tls", ca=certificate("other")[0]), ["config"])
        self.assertEqual(handler.mails, [])

    def test_wrong_password(self):
        handler = Handler()
        self.assertEqual(self.send(self.serve(handler), password="wrong"), ["config"])
        self.assertEqual(handler.mails, [])

    def test_answers(self):
        for command, answer, expected in [
                ("RCPT", "450 4.7.1 greylisted, try again", "unavailable"),
                ("RCPT", "451 4.3.0 local error", "unavailable"),
                ("RCPT", "452 4.2.2 mailbox full", "unavailable"),
                ("RCPT", "550 5.1.1 no such jane", "refused"),
                ("RCPT", "553 5.1.3 bad address", "refused"),
                ("MAIL", "451 4.3.0 busy", "unavailable"),
                ("MAIL", "550 5.7.1 sender not allowed", "config"),
                ("DATA", "451 4.3.0 try again", "unavailable"),
                ("DATA", "554 5.7.1 looks like spam", "refused"),
                ("DATA", "552 5.3.4 too large", "refused")]:
            with self.subTest(command=command, answer=answer):
                handler = Handler(**{command: answer})
                self.assertEqual(self.send(self.serve(handler)), [expected])
                self.assertIn(answer[:9], self.details[0])
                self.assertEqual(handler.mails, [])

    def test_login_that_is_not_offered(self):
        handler = Handler()
        self.assertEqual(self.send(self.serve(handler, "plain"), tls="plain"), ["config"])
        self.assertEqual(self.details, ["SMTP: AUTH: mail.username is set, and the server offers no login without TLS"])
        self.assertEqual((handler.mails, handler.options), ([], []), "nothing was sent to it")

    def test_whole_answer_for_whoever_asks(self):
        for command, answer, told in [
                ("RCPT", "554 5.7.1 <jane@example.org>: relay access denied", "SMTP: RCPT TO: 554 5.7.1 <jane@example.org>: relay access denied"),
                ("RCPT", "550-5.7.1 two\r\n550 5.7.1 lines\x07", "SMTP: RCPT TO: 550-5.7.1 two 550 5.7.1 lines?"),
                ("DATA", "554 5.7.1 " + "long " * 80, "SMTP: message: 554 5.7.1 " + ("long " * 80)[:389]),
                ("MAIL", "550 5.7.1 sender not allowed", "SMTP: MAIL FROM: 550 5.7.1 sender not allowed: ")]:
            with self.subTest(command=command, answer=answer):
                port = self.serve(Handler(**{command: answer}))
                words = [PROGRAM, "starttls", "localhost", str(port), certificate("right")[0], USER, PASSWORD, "jane@example.org", "5000", "1", "0"]
                done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={**os.environ, "SMTP_TELL": "1"})
                self.assertTrue(done.stdout.split(" ", 2)[2].rstrip("\n").startswith(told), done.stdout)

    def test_refused_once_then_accepted(self):
        handler = Handler(RCPT="550 5.1.1 no")
        port = self.serve(handler)
        timer = threading.Timer(0.5, handler.answers.clear)
        timer.start()
        self.addCleanup(timer.cancel)
        self.assertEqual(self.send(port, count=2, pause=1000), ["refused", "ok"])

    def test_server_down(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        self.assertEqual(self.send(port), ["unavailable"])
        self.assertEqual(self.send(port, host="no-such-host.invalid"), ["unavailable"])

    def test_mute_server_is_bounded(self):
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen()
            for tls in "starttls", "tls":
                self.assertEqual(self.send(mute.getsockname()[1], tls=tls, timeout=700), ["timeout"])
                self.assertLess(self.took[0], 5000)

    def test_hang_in_data_is_bounded(self):
        handler = Handler()
        handler.hang = 20
        self.assertEqual(self.send(self.serve(handler), timeout=1000), ["timeout"])
        self.assertLess(self.took[0], 5000)

    def test_connection_closed_while_idle(self):
        handler = Handler()
        handler.close_after = True
        self.assertEqual(self.send(self.serve(handler), count=3, pause=300), ["ok"] * 3)
        self.assertEqual(len(handler.mails), 3)
        self.assertEqual(len(handler.peers), 3)

    def test_connection_reset_before_greeting(self):
        with socket.socket() as rude:
            rude.bind(("127.0.0.1", 0))
            rude.listen()

            def close_all():
                try:
                    while True:
                        rude.accept()[0].close()
                except OSError:
                    pass
            threading.Thread(target=close_all, daemon=True).start()
            self.assertEqual(self.send(rude.getsockname()[1]), ["unavailable"])
            rude.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with FOLDER:
        unittest.main()

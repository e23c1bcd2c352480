"""A mail server for tests: aiosmtpd with STARTTLS and AUTH, that can be closed, opened, and told to refuse."""
import asyncio
import logging
import os
import subprocess
import threading

from aiosmtpd.smtp import SMTP, AuthResult

from daemon import write
from letters import Letter
from tap import Failed

logging.getLogger("mail.log").setLevel(logging.CRITICAL)
USER, PASSWORD = "usher", "a-mail-secret-of-our-own"


def certificate(folder, name="mail"):
    """A self-signed certificate for localhost: (certificate, key)."""
    cert, key = (os.path.join(folder, name + end) for end in (".pem", ".key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], check=True, capture_output=True)
    return cert, key


class PostOffice:
    """letters(to) are those that were accepted, in the order they came. refuse(address, nth) may return an SMTP answer for a recipient's nth try."""

    def __init__(self, folder, port):
        self.port, self.cert, self.key = port, *certificate(folder)
        write(os.path.join(folder, "mail.password"), PASSWORD)
        self.taken, self.tries, self.clear = [], {}, 0
        self.refuse = lambda address, nth: None
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)  # clients that hang up are what is tested
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.server = None

    def settings(self):
        return {"transport": "smtp", "host": "localhost", "port": self.port, "tls": "starttls", "ca_file": self.cert, "username": USER,
                "password_file": "mail.password", "from": "accounts@example.test", "timeout": "5s"}

    def letters(self, to=None):
        return [letter for rcpt, letter in list(self.taken) if to is None or rcpt == to]

    def factory(self):
        import ssl  # pylint: disable=import-outside-toplevel
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return SMTP(self, enable_SMTPUTF8=True, hostname="localhost", loop=self.loop, tls_context=context, require_starttls=True,
                    authenticator=self.authenticate, auth_required=True)

    def open(self):
        opening = self.loop.create_server(self.factory, "127.0.0.1", self.port, reuse_address=True)
        self.server = asyncio.run_coroutine_threadsafe(opening, self.loop).result(10)

    def close(self):
        async def end():
            self.server.close()
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
        if self.server:
            asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
            self.server = None

    # ---- what aiosmtpd calls ----
    @staticmethod
    def authenticate(_server, _session, _envelope, _mechanism, data):
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=good)

    async def handle_MAIL(self, _server, session, envelope, address, _options):
        self.clear += session.ssl is None
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        self.tries[address] = self.tries.get(address, 0) + 1
        answer = self.refuse(address, self.tries[address])
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):
        if len(envelope.rcpt_tos) != 1:
            raise Failed("a mail to several")
        self.taken.append((envelope.rcpt_tos[0], Letter(envelope.original_content)))
        return "250 OK"

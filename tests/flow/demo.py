"""What ./quickstart runs after the build: the servers, one walk, and then serving until Ctrl-C. usage: demo.py [--once] [--port P] [--directory MAKE]"""
import argparse
import fcntl
import html
import http.server
import json
import os
import signal
import sys
import threading
import time
import urllib.parse

from daemon import Daemon, free_port
from directory import MAKES
from letters import Mailbox
from tap import ROOT, Failed, at_end
from walk import Walk

FOLDER = os.environ.get("USHER_QUICKSTART_DIR") or os.path.join(ROOT, "var", "quickstart")
PORT = 8080
STYLE = """:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;padding:1rem;border:1px solid #8888;border-radius:.5rem}li{margin:.5rem 0}"""


# ---- the mailbox as a page ----
class MailboxPage(http.server.BaseHTTPRequestHandler):
    """Read-only, on loopback: the list of mails, and one mail with its links."""
    box = None

    def do_GET(self):  # the name is the library's
        if self.headers.get("Host", "").rsplit(":", 1)[0] not in ("127.0.0.1", "localhost"):  # a site that names our address as its own
            self.answer(421, "Not here", "")
            return
        letters = {letter.file: letter for letter in reversed(self.box.letters())}
        name = urllib.parse.unquote(self.path.split("?")[0].lstrip("/"))
        if not name:
            self.answer(200, "Mailbox", self.listing(letters))
        elif name in letters:
            self.answer(200, letters[name].subject, self.letter(letters[name]))
        else:
            self.answer(404, "No such mail", "<p><a href='/'>All mails</a></p>")

    @staticmethod
    def listing(letters):
        rows = [f"<li><a href='/{urllib.parse.quote(name)}'>{html.escape(m.subject)}</a><br>to {html.escape(m.to)}, "
                f"{html.escape(str(m.message['Date']))}</li>" for name, m in letters.items()]
        return f"<ul>{''.join(rows)}</ul>" if rows else "<p>No mail yet.</p>"

    @staticmethod
    def letter(m):
        links = "".join(f"<p><a rel='noreferrer' href='{html.escape(link)}'>{html.escape(link)}</a></p>" for link in m.links())
        return f"<p>To {html.escape(m.to)}</p><pre>{html.escape(m.text)}</pre>{links}<p><a href='/'>All mails</a></p>"

    def answer(self, status, title, body):
        page = (f"<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
                f"<title>{html.escape(title)}</title><style>{STYLE}</style><h1>{html.escape(title)}</h1>{body}</html>").encode()
        self.send_response(status)
        for name, value in (("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page))), ("Cache-Control", "no-store"),
                            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"), ("Referrer-Policy", "no-referrer")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):  # nothing of it is wanted on the terminal
        pass


def serve_mailbox(box):
    MailboxPage.box = box
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port(PORT + 1, 50)), MailboxPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"


# ---- the walk ----
class Steps:
    """Prints each step as it is done."""

    def __init__(self):
        self.n = 0
        self.daemon = None

    def run(self, name, step):
        self.n += 1
        try:
            said = step()
        except (Failed, OSError) as error:
            print(f"not ok {self.n:3d} {name}: {error}", flush=True)
            return False
        print(f"ok {self.n:3d} {name:22s} {said if isinstance(said, str) else ''}".rstrip(), flush=True)
        return True


def start(steps, make, port):
    """The directory and the daemon, or None."""
    folders = ("ldap", "usher") if make == "openldap" else (make, "usher-" + make)  # each make has a state of its own
    directory = MAKES[make](os.path.join(FOLDER, folders[0]))
    at_end(directory.stop)

    def directory_up():
        directory.start()
        return f"{directory.title} at {directory.v['URI']}, process {directory.pid}"

    def daemon_up():
        steps.daemon = Daemon(os.path.join(FOLDER, folders[1]), directory, port=port, proof_of_work_bits=14)
        steps.daemon.start()
        return f"{steps.daemon.issuer()}, process {steps.daemon.process.pid}"

    good = steps.run("directory started", directory_up) and steps.run("usherd started", daemon_up)
    return (directory, steps.daemon) if good else None


def walk_through(steps, daemon, directory):
    walk = Walk(daemon, directory, Mailbox(daemon.mailbox), "partner")
    if not all(steps.run(name, step) for name, step in walk.steps()):
        return False
    print("\nThe ID token says:")
    print("\n".join("    " + line for line in json.dumps(walk.claims, indent=2, ensure_ascii=False).splitlines()), "\n")
    return True


def serve(daemon, directory):
    mails = serve_mailbox(Mailbox(daemon.mailbox))
    issuer, password = daemon.issuer(), directory.v["USER_PASSWORD"]
    print(f"""Usher serves until Ctrl-C:

    register      {issuer}/register
    log in        {issuer}/login
    approvals     {issuer}/admin/registrations
    mails         {mails}
    discovery     {issuer}/.well-known/openid-configuration
    metrics       http://127.0.0.1:{daemon.metrics}/metrics

    log in as     carol (approver), bob (operator) or alice, password {password}
    client        app, secret in {os.path.join(daemon.folder, 'client.secret')}
    configuration {os.path.join(daemon.folder, 'usher.yaml')}
    log           {daemon.log_path}
    directory     {directory.v['URI']} as {directory.v['BIND_DN']}
""", flush=True)
    while daemon.running():
        time.sleep(0.5)
    print(f"usherd ended with {daemon.process.returncode}; see {daemon.log_path}", file=sys.stderr)
    return 1


def lock():
    """One quickstart at a time in a folder. The file stays open, and with it the lock."""
    file = open(os.path.join(FOLDER, "lock"), "w", encoding="utf-8")  # pylint: disable=consider-using-with
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Failed(f"another quickstart runs in {FOLDER}; end it first (Ctrl-C)") from None
    return file


def main():
    parser = argparse.ArgumentParser(description="Walks one person through Usher, then keeps serving.")
    parser.add_argument("--once", action="store_true", help="end after the walk")
    parser.add_argument("--port", type=int, help=f"port of usherd on 127.0.0.1 (default: the first free one from {PORT})")
    parser.add_argument("--directory", choices=MAKES, default="openldap", help="make of the directory (default: openldap)")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, lambda *_: sys.exit(130 if options.once else 0))
    os.makedirs(FOLDER, mode=0o700, exist_ok=True)
    steps = Steps()
    try:
        held = lock()
        up = start(steps, options.directory, free_port(options.port or PORT, 1 if options.port else 50))
    except Failed as error:
        print(f"quickstart: {error}", file=sys.stderr)
        return 1
    if options.port and up and up[1].port != options.port:
        print(f"quickstart: port {options.port} is taken; usherd listens on {up[1].port}", file=sys.stderr)
    if not up or not walk_through(steps, up[1], up[0]):
        print(f"quickstart: failed; see {steps.daemon.log_path if steps.daemon else FOLDER}", file=sys.stderr)
        return 1
    if not options.once:
        return serve(up[1], up[0])
    code = up[1].stop()
    print(f"All {steps.n} steps succeeded.")
    held.close()
    return 0 if code == 0 else 1


sys.exit(main())

#!/usr/bin/python3
"""usherd behind nginx with TLS, by deploy/nginx.conf.sample on a unix socket: cookies, addresses, the log, and request shapes that nginx must refuse."""
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import urllib.parse

from usher import ROOT, Answer, Browser, Failed, Person, Stage, Tests, at_end, expect, free_port, same, until, wait_letter

FORGED = "203.0.113.66"
# What follows the request line. Each must be answered once, by 400 or another refusal, and the connection closed.
SHAPES = {
    "Content-Length and Transfer-Encoding": "Host: {h}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two Content-Lengths": "Host: {h}\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "a list of Content-Lengths": "Host: {h}\r\nContent-Length: 4, 4\r\n\r\nabcd",
    "a signed Content-Length": "Host: {h}\r\nContent-Length: +4\r\n\r\nabcd",
    "a space before the colon": "Host: {h}\r\nContent-Length : 4\r\n\r\nabcd",
    "a folded field": "Host: {h}\r\nX-One: a\r\n b\r\n\r\n",
    "NUL in a field": "Host: {h}\r\nX-One: a\0b\r\n\r\n",
    "two Hosts": "Host: {h}\r\nHost: elsewhere.example\r\n\r\n",
    "no Host": "X-One: a\r\n\r\n",
    "an unknown Transfer-Encoding": "Host: {h}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding twice": "Host: {h}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a chunk size that is none": "Host: {h}\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabcd\r\n0\r\n\r\n",
}
SMUGGLED = "GET /realms/demo/smuggled HTTP/1.1\r\nHost: {h}\r\n\r\n"


class SecureBrowser(Browser):
    """The small browser over TLS, with a CA of its own."""

    def __init__(self, origin, ca):
        super().__init__(origin)
        self.origin = origin
        self.context = ssl.create_default_context(cafile=ca)

    def send(self, method, url, body=None, headers=None):
        url = urllib.parse.urljoin(self.origin + "/", url)
        expect(url.startswith(self.origin + "/"), f"{url} is not at {self.origin}")
        if body is not None and not isinstance(body, bytes):
            body = urllib.parse.urlencode(body, doseq=True).encode()
        sent = {"Cookie": self.cookie_header()} if self.cookies else {}
        if body is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        connection = http.client.HTTPSConnection(self.netloc, timeout=self.timeout, context=self.context)
        try:
            connection.request(method, url[len(self.origin):], body, sent | (headers or {}))
            got = connection.getresponse()
            answer = Answer(url, got.status, got.headers, got.read())
        finally:
            connection.close()
        self.keep_cookies(answer.headers)
        return answer


class Nginx:
    """The sample with the names and places of this test in it, in the foreground."""

    def __init__(self, folder, port, usher_socket):
        self.folder, self.port, self.socket = folder, port, usher_socket
        self.host = f"localhost:{port}"
        self.ca = os.path.join(folder, "ca.pem")
        self.log = os.path.join(folder, "nginx-usher.log")
        self.process = None
        at_end(self.stop)

    def certificate(self):
        """Self-signed, and thereby its own CA."""
        done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                               "-addext", "subjectAltName=DNS:localhost", "-keyout", os.path.join(self.folder, "tls.key"), "-out", self.ca],
                              capture_output=True, check=False)
        same(done.returncode, 0, f"openssl req: {done.stderr.decode()}")

    def adapted(self):
        with open(os.path.join(ROOT, "deploy", "nginx.conf.sample"), encoding="utf-8") as f:
            text = f.read()
        text = re.sub(r"server \{\s*listen 80;.*?\n\}\n", "", text, flags=re.S)
        text = re.sub(r"\n\s*listen \[::\]:443[^;]*;", "", text)
        for old, new in ((r"listen 443", f"listen 127.0.0.1:{self.port}"), (r"/etc/ssl/certs/[^;]*", self.ca),
                         (r"/etc/ssl/private/[^;]*", os.path.join(self.folder, "tls.key")), (r"/var/log/nginx/usher\.log", self.log),
                         (r"/run/usher/usherd\.sock", self.socket), (r"server_name [^;]*", "server_name localhost"), (r"\$host;", "$http_host;")):
            text, n = re.subn(old, new, text)
            expect(n, f"{old} is not in the sample")
        return text

    def start(self):
        self.certificate()
        own = os.path.join(self.folder, "nginx.conf")
        temporary = "".join(f"\t{kind}_temp_path {self.folder}/tmp-{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.getuid() == 0 else ""
        with open(own, "w", encoding="utf-8") as f:
            f.write(f"{user}worker_processes 1;\npid {self.folder}/nginx.pid;\ndaemon off;\nerror_log {self.folder}/nginx.log;\nevents {{}}\nhttp {{\n{temporary}{self.adapted()}\n}}\n")
        with open(os.path.join(self.folder, "nginx.out"), "wb") as out:
            self.process = subprocess.Popen([shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"), "-p", self.folder, "-c", own], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until(self.ready, 10, "nginx listens")

    def ready(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "nginx.out"), encoding="utf-8") as f:
                raise Failed(f"nginx ended: {f.read()}")
        try:
            return self.browser().get("/realms/demo").status == 200
        except ConnectionError:
            return False

    def browser(self):
        return SecureBrowser(f"https://{self.host}", self.ca)

    def raw(self, data):
        """(status of each answer that came back, all of it); the connection is read until its end, or for a moment."""
        context = ssl.create_default_context(cafile=self.ca)
        got = b""
        with socket.create_connection(("127.0.0.1", self.port), 5) as plain, context.wrap_socket(plain, server_hostname="localhost") as s:
            s.settimeout(1)
            s.sendall(data.encode("latin-1"))
            try:
                while more := s.recv(65536):
                    got += more
            except (socket.timeout, ConnectionError, ssl.SSLError):
                pass
        return [int(n) for n in re.findall(rb"^HTTP/1\.1 (\d{3})", got, re.M)], got.decode(errors="replace")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)


def cookies(nginx):
    """Each is __Host-, Secure, HttpOnly, for the whole host, and SameSite."""
    browser = nginx.browser()
    browser.get("/realms/demo/login")
    answer = browser.send("GET", "/realms/demo/login")
    lines = answer.headers.get_all("Set-Cookie") or []
    expect(browser.cookies, "no cookie is set")
    for name in browser.cookies:
        expect(name.startswith("__Host-"), f"the cookie {name} is not __Host-")
    for line in lines:
        words = line.lower()
        expect(all(w in words for w in ("secure", "httponly", "samesite", "path=/")) and "domain" not in words, f"the cookie {line}")


def log_in(stage, nginx):
    browser = nginx.browser()
    page = browser.get("/realms/demo/login")
    done = browser.submit(page, "login", {"username": "alice", "password": stage.directory.v["OL_USER_PASSWORD"]})
    expect(done.status == 200 and "/login" not in done.url, f"after the login: {done.brief()}")
    session = [c for c in browser.cookies if c.startswith("__Host-")]
    same(len(session), len(browser.cookies), "cookies that are __Host-")
    same(browser.get("/realms/demo/account").status, 200, "account/")


def foreign_origin(nginx):
    """A form that another site sends is refused, with its cookies and all."""
    browser = nginx.browser()
    page = browser.get("/realms/demo/login")
    form = page.page().form_with("login")
    fields = {**form.fields, "username": "alice", "password": "x", "login": "login"}
    same(browser.send("POST", "/realms/demo/login", fields, {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}).status, 403, "a form from elsewhere")


def metadata(nginx):
    status = nginx.browser().get("/realms/demo/.well-known/openid-configuration")
    same(status.status, 200, "discovery")
    expect(f'"issuer":"https://{nginx.host}/realms/demo"' in status.text.replace(" ", ""), f"issuer: {status.text[:200]}")


def address(stage, nginx):
    """The client's word about its address does not count, nginx's does."""
    nginx.browser().send("GET", "/realms/demo/register", headers={"X-Forwarded-For": FORGED, "User-Agent": "address-test"})
    line = until(lambda: [x for x in stage.daemon.log().splitlines() if '"path":"/realms/demo/register"' in x], 5, "the request in the log")[-1]
    expect(FORGED not in line and '"address":"127.0.0.1"' in line, f"the address of {line}")


def links_stay_secret(stage, nginx):
    """A registration through nginx; the secret of its link is in no log."""
    person, browser = Person(), nginx.browser()
    page = browser.get("/realms/demo/register/guest")
    same(browser.submit(page, "register", person.typed("guest")).status, 200, "the registration")
    link = wait_letter(stage.box, person.mail, "/verify").link("/verify")
    expect(link.startswith(f"https://{nginx.host}/realms/demo/verify?t="), f"the link {link}")
    secret = link.split("t=")[1]
    same(browser.get(link).status, 200, "the link")
    until(lambda: "/verify" in open(nginx.log, encoding="utf-8").read(), 5, "the request in nginx's log")
    for path in (nginx.log, stage.daemon.log_path, os.path.join(nginx.folder, "nginx.log")):
        with open(path, encoding="utf-8") as f:
            expect(secret not in f.read(), f"the secret of a link is in {path}")


def shape(stage, nginx, rest):
    """Refused, and what follows it on the connection is not taken for a request."""
    statuses, got = nginx.raw("POST /realms/demo/register/guest HTTP/1.1\r\n" + rest.format(h=nginx.host) + SMUGGLED.format(h=nginx.host))
    expect(statuses and statuses[0] in (400, 501), f"answers {statuses}: {got[:300]}")
    same(len(statuses), 1, f"answers to one request {statuses}")
    expect("/smuggled" not in stage.daemon.log(), "the smuggled request reached usherd")


def bare_lf(stage, nginx):
    """nginx takes a bare LF as the end of a line (RFC 9112, 2.2, allows it) and sends on what it understood: usherd must see no other request than nginx did."""
    statuses, got = nginx.raw(f"GET /realms/demo HTTP/1.1\nHost: {nginx.host}\nX-One: a\nConnection: close\n\n")
    expect(len(statuses) == 1 and statuses[0] in (200, 400), f"answers {statuses}: {got[:300]}")
    expect("/smuggled" not in stage.daemon.log(), "the smuggled request reached usherd")


def too_large(nginx):
    same(nginx.browser().send("POST", "/realms/demo/register/guest", b"a=" + b"x" * 70000).status, 413, "70 kB")
    expect(nginx.browser().send("GET", "/realms/demo", headers={"X-Long": "x" * 40000}).status in (400, 414, 431), "a field of 40 kB")


def main():
    if not shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin"):
        print("nginx-light is needed")
        return 77
    tests, port = Tests(), free_port()
    stage = Stage("nginx", public_url=f"https://localhost:{port}", trusted_proxies=["unix"])
    usher_socket = os.path.join(stage.folder, "usherd.sock")
    stage.daemon.config["server"]["listen"] = "unix:" + usher_socket
    nginx = Nginx(stage.folder, port, usher_socket)
    if tests.run("usherd starts on a unix socket", stage.start) and tests.run("nginx starts with the sample", lambda: nginx.start() or True):
        tests.run("discovery names the public address", metadata, nginx)
        tests.run("cookies are bound to the host", cookies, nginx)
        tests.run("login", log_in, stage, nginx)
        tests.run("a form from another site", foreign_origin, nginx)
        tests.run("a forged X-Forwarded-For", address, stage, nginx)
        tests.run("links stay secret", links_stay_secret, stage, nginx)
        for name, rest in SHAPES.items():
            tests.run(f"refused: {name}", shape, stage, nginx, rest)
        tests.run("lines that end in a bare LF", bare_lf, stage, nginx)
        tests.run("too large", too_large, nginx)
    nginx.stop()
    tests.run("all ends", lambda: same(stage.end(), True, "the end"))
    return tests.end()


sys.exit(main())

#!/usr/bin/python3
"""HTTP as usherd speaks it: smuggling shapes, limits, methods, overload, slow clients, the end.

test_http.py BASE_URL   asks a daemon that runs (http://127.0.0.1:8080, realm staff); what needs a daemon of its own is skipped.
test_http.py            starts $BUILD/usherd with a directory that never answers.
"""
import atexit
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

CONFIG = """
server:
  public_url: http://127.0.0.1:{port}
  listen: 127.0.0.1:{port}
  metrics: 127.0.0.1:{metrics}
  trusted_proxies: []
  event_threads: 2
  web_workers: 2
  job_workers: 1
  queue: 4
  connections: 256
store: {{driver: sqlite, path: {dir}/usher.db}}
secrets: {{key_file: {dir}/secrets.key}}
log: {{level: debug}}
mail: {{transport: mailbox, from: usher@example.org, mailbox: {dir}/mailbox}}
realms:
  staff:
    title: Example
    operators: cn=operators,dc=example,dc=org
    login: {{max_failures: 1000, window: 15m}}
    directories:
      main:
        driver: openldap
        uris: [ldap://127.0.0.1:{ldap}]
        ca_file: /etc/ssl/certs/ca-certificates.crt
        bind_dn: cn=usher,dc=example,dc=org
        bind_password_file: {dir}/password
        people_base: ou=people,dc=example,dc=org
        groups_base: ou=groups,dc=example,dc=org
        network_timeout: 3s
        operation_timeout: 3s
    clients:
      app:
        title: App
        auth: client_secret_basic
        secret_sha256: {secret}
        grants: [client_credentials]
        scopes: [api]
"""

REALM = "/realms/staff"
HOST = None, 0
failed = passed = 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Tarpit:
    """A directory that takes connections and never says a word."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]


class Daemon:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="usher-http-")
        self.tarpit = Tarpit()
        self.port, self.metrics = free_port(), free_port()
        with open(f"{self.dir}/password", "w", encoding="ascii") as f:
            f.write("secret\n")
        os.chmod(f"{self.dir}/password", 0o600)
        self.config = f"{self.dir}/usher.yaml"
        self.text = CONFIG.format(port=self.port, metrics=self.metrics, dir=self.dir, ldap=self.tarpit.port, secret="ab" * 32)
        self.write(self.text)
        self.log = open(f"{self.dir}/log", "w+", encoding="utf-8")
        program = os.path.join(os.environ.get("BUILD", "."), "usherd")
        self.process = subprocess.Popen([program, "--config", self.config], stderr=self.log)
        atexit.register(self.end)
        self.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        if not failed:
            shutil.rmtree(self.dir, ignore_errors=True)

    def write(self, text):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)

    def wait(self):
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.1)
        sys.exit("usherd does not start: " + self.lines())

    def lines(self):
        with open(f"{self.dir}/log", encoding="utf-8") as f:
            return f.read()


def check(name, good, what=""):
    global failed, passed
    if good:
        passed += 1
    else:
        failed += 1
    print(("ok - " if good else "not ok - ") + name + ("" if good else f": {what!r}"))
    sys.stdout.flush()


def raw(data, timeout=5):
    """Sends bytes, reads until the end."""
    out = b""
    with socket.create_connection(HOST, timeout) as s:
        try:
            s.sendall(data)
            while True:
                got = s.recv(65536)
                if not got:
                    break
                out += got
        except socket.timeout:
            out += b"<open>"
        except OSError:
            pass
    return out


def status(answer):
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found.group(1)) if found else 0


def ask(method, path, body=None, headers=None, timeout=15):
    connection = http.client.HTTPConnection(*HOST, timeout=timeout)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.text = answer.read()
    connection.close()
    return answer


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DISCOVERY = REALM + "/.well-known/openid-configuration"
TOKEN = REALM + "/token"


def smuggling():
    post = f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\n"
    get = f"GET {DISCOVERY} HTTP/1.1\r\nHost: x\r\n"
    inner = f"GET {DISCOVERY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    rows = [
        ("both lengths", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner),
        ("two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\na=bc" + inner),
        ("the same length twice", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b" + inner),
        ("a list of lengths", post + "Content-Length: 0, 44\r\n\r\n" + inner),
        ("a signed length", post + "Content-Length: +0\r\n\r\n" + inner),
        ("a hexadecimal length", post + "Content-Length: 0x2c\r\n\r\n" + inner),
        ("another transfer coding", post + "Transfer-Encoding: xchunked\r\n\r\n" + inner),
        ("two transfer codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n" + inner),
        ("two hosts", get + "Host: y\r\n\r\n"),
        ("no host", f"GET {DISCOVERY} HTTP/1.1\r\n\r\n"),
        ("a host with a path", f"GET {DISCOVERY} HTTP/1.1\r\nHost: x/y\r\n\r\n"),
        ("a space before the colon", f"GET {DISCOVERY} HTTP/1.1\r\nHost : x\r\n\r\n"),
        ("a body with GET", get + "Content-Length: 5\r\n\r\nhello"),
        ("two cookies", get + "Cookie: a=1\r\nCookie: a=2\r\n\r\n"),
        ("two authorizations", get + "Authorization: a\r\nAuthorization: b\r\n\r\n"),
        ("%00", f"GET {REALM}/log%00in HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("%2f", f"GET /realms%2fstaff/login HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("..", f"GET {REALM}/../staff/login HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("encoded ..", f"GET {REALM}/%2e%2e/staff/login HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("//", f"GET /{REALM}/login HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("an absolute target", f"GET http://x{DISCOVERY} HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("bad UTF-8 in the path", f"GET {REALM}/%c0%af HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("bad UTF-8 in the query", f"GET {REALM}/login?a=%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        ("a parameter twice", f"GET {REALM}/login?a=1&a=2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    ]
    for name, data in rows:
        # libmicrohttpd's own refusals come with their head twice: what counts is that nothing else is answered
        answer = raw(data.encode("latin-1"))
        check(f"400: {name}", set(re.findall(rb"HTTP/1\.1 (\d+) ", answer)) == {b"400"} and b"<open>" not in answer, answer[:200])


def limits():
    answer = raw(f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n".encode())
    check("413: a length over the limit", status(answer) == 413, answer[:200])
    answer = raw(f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                 + (b"10000\r\n" + b"a" * 65536 + b"\r\n") * 3 + b"0\r\n\r\n")
    check("413: chunks over the limit", status(answer) == 413, answer[:200])
    answer = raw(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    check("413 or 414: a long target", status(answer) in (413, 414), answer[:200])
    answer = raw(f"GET {DISCOVERY} HTTP/1.1\r\nHost: x\r\nCookie: a={'b' * 9000}\r\n\r\n".encode())
    check("413: a long cookie", status(answer) == 413, answer[:200])
    fields = "&".join(f"f{i}=1" for i in range(65))
    check("413: too many fields", ask("POST", TOKEN, fields, FORM).status == 413)


def methods():
    answer = ask("GET", DISCOVERY)
    head = ask("HEAD", DISCOVERY)
    check("GET", answer.status == 200 and len(answer.text) > 0, answer.status)
    check("HEAD is GET without a body", head.status == 200 and head.text == b"" and
          head.headers["Content-Length"] == str(len(answer.text)), dict(head.headers))
    for name in ("X-Content-Type-Options", "Referrer-Policy"):
        check(f"{name} everywhere", answer.headers[name] and ask("GET", "/nothing").headers[name])
    check("discovery for any origin", answer.headers["Access-Control-Allow-Origin"] == "*" and
          "Access-Control-Allow-Credentials" not in answer.headers)
    for method in ("PUT", "DELETE", "TRACE", "BREW", "POST"):
        got = ask(method, DISCOVERY)
        check(f"405 with Allow: {method}", got.status == 405 and "GET" in got.headers.get("Allow", ""), got.status)
    for path in ("/nothing", REALM + "/nothing", "/realms/other/login"):
        got = ask("GET", path)
        policy = got.headers.get("Content-Security-Policy", "")
        check(f"404: {path}", got.status == 404 and "default-src 'none'" in policy and "unsafe" not in policy, got.status)
    got = ask("OPTIONS", TOKEN, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
    check("preflight", got.status == 204 and got.headers["Access-Control-Allow-Origin"] == "*", got.status)
    connection = http.client.HTTPConnection(*HOST, timeout=10)
    for _ in range(3):
        connection.request("GET", DISCOVERY)
        got = connection.getresponse()
        got.read()
        check("one connection for many requests", got.status == 200 and got.headers.get("Connection") != "close")
    connection.close()


def pages():
    got = ask("GET", REALM + "/login")
    policy = got.headers.get("Content-Security-Policy", "")
    check("a page's policy", "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy, policy)
    check("a page is not kept", got.headers.get("Cache-Control") == "no-store")
    cookie = got.headers.get("Set-Cookie", "")
    check("its cookie", "HttpOnly" in cookie and "SameSite=Lax" in cookie, cookie)
    check("403 without a token", ask("POST", REALM + "/login", "username=a&password=b", FORM).status == 403)


def slow_client():
    with socket.create_connection(HOST, 1) as s:
        began = time.monotonic()
        s.sendall(f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode())
        ended = False
        while not ended and time.monotonic() - began < 40:
            try:
                s.sendall(b"a")
                ended = s.recv(1024) == b""
            except socket.timeout:
                pass
            except OSError:
                ended = True
    check("a byte a second is cut off", ended)


def login_form():
    got = ask("GET", REALM + "/login")
    token = re.search(rb'name="csrf" value="([^"]+)"', got.text) or re.search(rb'value="([^"]+)"[^>]*name="csrf"', got.text)
    cookie = got.headers["Set-Cookie"].split(";")[0]
    return token.group(1).decode() if token else "", cookie


def post_login(answers):
    token, cookie = login_form.kept
    body = urllib.parse.urlencode({"csrf": token, "username": "somebody", "password": "wrong"})
    try:
        got = ask("POST", REALM + "/login", body, {**FORM, "Cookie": cookie}, 40)
        answers.append((got.status, got.headers.get("Retry-After")))
    except OSError as e:
        answers.append((0, str(e)))


def overload():
    """Two workers and a queue of four, all on a directory that does not answer."""
    login_form.kept = login_form()
    answers = []
    threads = [threading.Thread(target=post_login, args=(answers,)) for _ in range(16)]
    for t in threads:
        t.start()
    time.sleep(1)
    inline = ask("GET", DISCOVERY, timeout=5)
    check("discovery goes on under overload", inline.status == 200, inline.status)
    for t in threads:
        t.join()
    busy = [a for a in answers if a[0] == 503]
    check("503 with Retry-After when the queue is full", len(busy) >= 9 and all(a[1] for a in busy), answers)
    check("every request has its answer", len(answers) == 16 and all(a[0] for a in answers), answers)
    check("and then it serves again", ask("GET", REALM + "/login").status == 200)


def monitoring(daemon):
    def get(path):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.metrics, timeout=10)
        connection.request("GET", path)
        got = connection.getresponse()
        return got.status, got.read().decode()

    check("healthz", get("/healthz") == (200, "ok\n"))
    for _ in range(50):
        code, text = get("/readyz")
        if code == 200:
            break
        time.sleep(0.2)
    check("readyz", code == 200 and "store: ok" in text, text)
    check("metrics", re.search(r"usher_requests_total\{class=\"2xx\"\} [1-9]", get("/metrics")[1]))
    check("nothing else there", get("/realms/staff/login")[0] == 404)
    check("and no metrics here", ask("GET", "/metrics").status == 404)


def reload(daemon):
    daemon.write(daemon.text.replace("title: Example", "titel: Example"))
    daemon.process.send_signal(signal.SIGHUP)
    for _ in range(50):
        if "config.kept" in daemon.lines():
            break
        time.sleep(0.1)
    check("a bad file keeps the old configuration", "config.kept" in daemon.lines() and ask("GET", DISCOVERY).status == 200)
    daemon.write(daemon.text.replace("title: Example", "title: Renamed"))
    daemon.process.send_signal(signal.SIGHUP)
    for _ in range(100):
        if "config.reloaded" in daemon.lines():
            break
        time.sleep(0.1)
    check("a good one is taken", "config.reloaded" in daemon.lines() and b"Renamed" in ask("GET", REALM + "/login").text)
    daemon.write("server: 1\n")
    program = os.path.join(os.environ.get("BUILD", "."), "usherd")
    got = subprocess.run([program, "--check-config", "--config", daemon.config], capture_output=True, text=True, check=False)
    check("--check-config tells and exits 2", got.returncode == 2 and daemon.config in got.stderr, got)


def drain(daemon):
    """A request that runs is answered; new ones are not taken; then all ends."""
    answers = []
    login_form.kept = login_form()
    thread = threading.Thread(target=post_login, args=(answers,))
    thread.start()
    time.sleep(0.5)
    daemon.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    try:
        got = ask("GET", DISCOVERY, timeout=5).status
    except OSError:
        got = 0
    check("no new requests", got in (0, 503), got)
    thread.join()
    check("the running one is answered", answers and answers[0][0] > 0, answers)
    try:
        code = daemon.process.wait(30)
    except subprocess.TimeoutExpired:
        code = "still there"
    check("and it ends well", code == 0, (code, daemon.lines()[-2000:]))
    check("no password in the log", "password=wrong" not in daemon.lines())


def main():
    global HOST, REALM
    daemon = None
    if len(sys.argv) > 1:
        url = urllib.parse.urlsplit(sys.argv[1])
        HOST = url.hostname, url.port or 80
    else:
        daemon = Daemon()
        HOST = "127.0.0.1", daemon.port
    for test in (smuggling, limits, methods, pages, slow_client):
        test()
    if daemon:
        for test in (overload, lambda: monitoring(daemon), lambda: reload(daemon), lambda: drain(daemon)):
            test()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())

"""A small browser: cookies, redirects followed by hand, forms read from the page, and the proof of work."""
import hashlib
import html.parser
import http.client
import socket
import threading
import time
import urllib.parse

from tap import Failed, expect

MOST_REDIRECTS = 10
VOID = {"input", "br", "hr", "img", "link", "meta", "source", "wbr"}


class Answer:
    """An HTTP answer; page() reads its HTML once."""

    def __init__(self, url, status, headers, body):
        self.url, self.status, self.headers, self.body = url, status, headers, body
        self._page = None

    @property
    def text(self):
        return self.body.decode(errors="replace")

    @property
    def location(self):
        return self.headers.get("Location")

    def page(self):
        if self._page is None:
            self._page = Page(self.text)
        return self._page

    def query(self):
        """The parameters of the redirect's target."""
        expect(self.location, f"no redirect but {self.brief()}")
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.location).query, keep_blank_values=True))

    def brief(self):
        return f"{self.status} at {self.url.split('?')[0]}: {self.page().title or self.text[:200]!r} {self.page().alert} {self.page().problems() or ''}"


class Form:
    """fields: what would be sent; lists: the same for names that end in []; buttons: name to value; choices: values that a name may have."""

    def __init__(self, attributes):
        self.method = attributes.get("method", "get").upper()
        self.action = attributes.get("action", "")
        self.fields, self.lists, self.buttons, self.choices, self.wrong = {}, {}, {}, {}, {}
        self.names = []


class Page(html.parser.HTMLParser):
    """What tests want to know of a page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.forms, self.links, self.title, self.words, self.by_id = [], [], "", [], {}
        self.form = self.select = self.textarea = None
        self.open = []  # (tag, id)
        self.described = []  # (form, name, ids)
        self.feed(text)
        self.close()
        for form, name, ids in self.described:
            form.wrong[name] = " ".join(self.by_id.get(i, "").strip() for i in ids if "problem" in i or "error" in i).strip()

    def handle_starttag(self, tag, attrs):
        a = {k: v if v is not None else "" for k, v in attrs}
        if tag not in VOID:
            self.open.append((tag, a.get("id") or ("alert" if a.get("role") == "alert" else None)))
        if tag == "form":
            self.form = Form(a)
            self.forms.append(self.form)
        elif tag == "a" and "href" in a:
            self.links.append(a["href"])
        elif self.form is not None and tag in ("input", "button", "select", "textarea"):
            self.control(tag, a)
        elif tag == "option" and self.select is not None:
            self.option(a)

    def control(self, tag, a):
        name, kind = a.get("name"), a.get("type", "submit" if tag == "button" else "text")
        if not name:
            return
        form = self.form
        if a.get("aria-invalid") == "true":
            self.described.append((form, name, a.get("aria-describedby", "").split()))
        if kind == "submit":
            form.buttons[name] = a.get("value", "")
            return
        form.names.append(name)
        if tag == "select":
            self.select, form.choices[name] = name, []
        elif tag == "textarea":
            self.textarea, form.fields[name] = name, ""
        elif kind in ("checkbox", "radio"):
            form.choices.setdefault(name, []).append(a.get("value", "on"))
            if name.endswith("[]"):
                form.lists.setdefault(name, []).extend([a.get("value", "on")] if "checked" in a else [])
            elif "checked" in a:
                form.fields.setdefault(name, a.get("value", "on"))
        else:
            form.fields[name] = a.get("value", "")

    def option(self, a):
        value = a.get("value", "")
        self.form.choices[self.select].append(value)
        if "selected" in a or self.select not in self.form.fields:
            self.form.fields[self.select] = value

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.textarea = None
        while self.open:
            closed, _ = self.open.pop()
            if closed == tag:
                break

    def handle_data(self, data):
        if self.open and self.open[-1][0] in ("script", "style"):
            return
        if self.open and self.open[-1][0] == "title":
            self.title += data
            return
        if self.textarea is not None and self.form is not None:
            self.form.fields[self.textarea] += data
        self.words.append(data)
        for _, name in self.open:
            if name:
                self.by_id[name] = self.by_id.get(name, "") + data

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    @property
    def alert(self):
        return " ".join(self.by_id.get("alert", "").split())

    def problems(self):
        """Field name to the message beside it."""
        return {name: message for form in self.forms for name, message in form.wrong.items()}

    def form_with(self, *names):
        """The form that has these fields or buttons."""
        for form in self.forms:
            if all(n in form.names or n in form.buttons for n in names):
                return form
        have = [sorted(set(f.names) | set(f.buttons)) for f in self.forms]
        raise Failed(f"no form with {', '.join(names)} on the page {self.title!r}: {have}")


def solve(challenge):
    """The answer to "v1.EXPIRES.NONCE.BITS.MAC"."""
    bits = int(challenge.split(".")[3])
    head = hashlib.sha256((challenge + ".").encode())
    n = 0
    while True:
        h = head.copy()
        h.update(b"%d" % n)
        if int.from_bytes(h.digest()[:8], "big") >> (64 - bits) == 0:
            return str(n)
        n += 1


class Browser:
    """One person's browser, at the origin of base ("http://127.0.0.1:8080")."""

    def __init__(self, base, timeout=30):
        self.origin = "http://" + urllib.parse.urlsplit(base).netloc
        self.netloc = urllib.parse.urlsplit(base).netloc
        self.timeout = timeout
        self.cookies = {}

    def copy(self):
        other = Browser(self.origin, self.timeout)
        other.cookies = dict(self.cookies)
        return other

    def cookie_header(self):
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def keep_cookies(self, headers):
        for line in headers.get_all("Set-Cookie") or []:
            pair, *attributes = [part.strip() for part in line.split(";")]
            name, _, value = pair.partition("=")
            age = [a.split("=", 1)[1] for a in attributes if a.lower().startswith("max-age=")]
            if age and int(age[0]) <= 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    def send(self, method, url, body=None, headers=None):
        """One exchange; no redirect is followed. body: bytes, or a dict or list of pairs for a form."""
        url = urllib.parse.urljoin(self.origin + "/", url)
        expect(url.startswith(self.origin + "/"), f"{url} is not at {self.origin}")
        if body is not None and not isinstance(body, bytes):
            body = urllib.parse.urlencode(body, doseq=True).encode()
        sent = {"Cookie": self.cookie_header()} if self.cookies else {}
        if body is not None:
            sent |= {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        sent |= headers or {}
        connection = http.client.HTTPConnection(self.netloc, timeout=self.timeout)
        try:
            connection.request(method, url[len(self.origin):], body, sent)
            got = connection.getresponse()
            answer = Answer(url, got.status, got.headers, got.read())
        finally:
            connection.close()
        self.keep_cookies(answer.headers)
        return answer

    def follow(self, answer):
        """Redirects of our own origin; the last answer, which may be a redirect elsewhere."""
        for _ in range(MOST_REDIRECTS):
            if not answer.location:
                return answer
            target = urllib.parse.urljoin(answer.url, answer.location)
            if not target.startswith(self.origin + "/"):
                return answer
            answer = self.send("GET", target.split("#")[0])
        raise Failed(f"more than {MOST_REDIRECTS} redirects, the last to {answer.location}")

    def get(self, url, **headers):
        return self.follow(self.send("GET", url, headers=headers))

    def post(self, url, form):
        return self.follow(self.send("POST", url, form, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}))

    def submit(self, answer, button, values=None, follow=True):
        """Presses a button of the page's form, as a browser does it: what was in the fields, and values over it."""
        values = values or {}
        form = answer.page().form_with(button, *values)
        fields = {**form.fields, **form.lists, **values, button: form.buttons[button]}
        if "pow_challenge" in fields and not fields.get("pow_answer"):
            fields["pow_answer"] = solve(fields["pow_challenge"])
        url = urllib.parse.urljoin(answer.url, form.action or answer.url)
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        if form.method == "GET":
            got = self.send("GET", url.split("?")[0] + "?" + urllib.parse.urlencode(fields, doseq=True))
        else:
            got = self.send("POST", url, fields, headers)
        return self.follow(got) if follow else got


def raw(port, data, timeout=10):
    """Sends bytes as they are; (status, everything that came back). Status 0: closed without an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout) as s:
        s.sendall(data)
        got = b""
        try:
            while b"\r\n\r\n" not in got:
                more = s.recv(65536)
                if not more:
                    break
                got += more
        except (ConnectionError, socket.timeout):
            pass
    words = got.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0, got.decode(errors="replace")


def at_once(acts):
    """The results of all, started together; an exception is a result."""
    gate, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(i, act):
        gate.wait()
        try:
            results[i] = act()
        except Exception as error:  # pylint: disable=broad-except
            results[i] = error
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def retry(act, seconds=5):
    """act() again while nobody listens yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            return act()
        except ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)

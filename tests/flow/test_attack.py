#!/usr/bin/python3
"""Attacks on registration, links, forms, login and mail. Each check names what an attacker tries."""
import re
import secrets
import socket
import sys

from usher import SECRET, App, Browser, Person, Proof, Stage, Tests, at_once, expect, raw, same, until

NONCES = re.compile(r'(name="(?:csrf|pow_challenge|t|request)" value=")[^"]*|Reference: \w+|\b[A-Z]{8}\b')


def plain(text, *typed):
    """A page without what differs by chance or was typed."""
    for word in typed:
        text = text.replace(word, "TYPED")
    return NONCES.sub(r"\1", text)


class AttackTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("attack")
        self.issuer = self.stage.daemon.issuer()
        self.password = self.stage.directory.v["OL_USER_PASSWORD"]
        self.canaries = []
        demo = self.stage.daemon.config["realms"]["demo"]
        demo["login"] = {"max_failures": 5, "window": "15m"}

    def browser(self):
        return Browser(self.issuer)

    def register(self, mail=None, profile="guest", **fields):
        browser, person = self.browser(), Person(mail=mail)
        form = {**person.typed(profile), **fields}
        return browser.submit(browser.get(f"{self.issuer}/register/{profile}"), "register", form)

    def log_in(self, name, password, browser=None):
        browser = browser or self.browser()
        return browser.submit(browser.get(f"{self.issuer}/login"), "login", {"username": name, "password": password}, follow=False)

    def waiting(self, profile="guest"):
        """A person whose verification mail came: (walk, link)."""
        walk = self.stage.walk(profile)
        walk.register()
        walk.mail_arrived()
        link = walk.letter("/verify").link("/verify")
        self.canaries.append(link.split("t=")[1])
        return walk, link

    def csrf(self, browser):
        return browser.get(f"{self.issuer}/login").page().form_with("login").fields["csrf"]

    # ---- 1.1 registration and links ----
    def same_answer(self):
        """New, pending, registered and known addresses get one answer; only the mailbox's owner learns more."""
        known = "alice@example.test"
        pending = self.waiting("partner")[0]
        pending.verify()
        done = self.stage.account().person.mail
        new = Person().mail
        answers = {}
        for what, mail in (("known", known), ("pending", pending.person.mail), ("registered", done), ("new", new)):
            answer = self.register(mail, "guest")
            same(answer.status, 200, what)
            answers[what] = plain(answer.text, mail)
        for what, text in answers.items():
            same(text, answers["new"], f"the page for an address that is {what}")
        until(lambda: self.stage.box.letters(known), 10, "a mail to the address that is known")
        expect(not any(m.has_link("/verify") for m in self.stage.box.letters(known)), "a verification link for an address that has an account")

    def get_does_not_consume(self):
        walk, link = self.waiting()
        for _ in range(5):
            same(Browser(self.issuer).get(link).status, 200, "the link")
            same(Browser(self.issuer).send("HEAD", link).status, 200, "HEAD of the link")
        same(walk.state, "submitted", "state after scanners followed the link")
        walk.verify()

    def link_once(self):
        """Ten parallel POSTs of one link, and one after: a single one acts."""
        walk, link = self.waiting("partner")
        secret, browsers = link.split("t=")[1], [self.browser() for _ in range(10)]
        forms = [{"csrf": self.csrf(b), "t": secret, "verify": "verify"} for b in browsers]
        results = at_once([lambda b=b, f=f: b.post(f"{self.issuer}/verify", f).status for b, f in zip(browsers, forms)])
        same(sorted(results), [200] + [410] * 9, "answers")
        same(walk.state, "pending", "state")
        again = self.browser()
        same(again.post(f"{self.issuer}/verify", {"csrf": self.csrf(again), "t": secret, "verify": "verify"}).status, 410, "afterwards")
        mails = until(lambda: [m for m in self.stage.box.letters(walk.person.mail) if m.has_link("/status")], 10, "the status mail")
        same(len(mails), 1, "mails with a status link")
        return walk

    def activation_once(self):
        walk = self.stage.walk("guest")
        for _, step in walk.steps_of_account()[:6]:
            step()
        secret = walk.activation_link().split("t=")[1]
        self.canaries += [secret, walk.person.password]
        browsers = [self.browser() for _ in range(10)]
        forms = [{"csrf": self.csrf(b), "t": secret, "password": walk.person.password, "activate": "activate"} for b in browsers]
        results = at_once([lambda b=b, f=f: b.post(f"{self.issuer}/activate", f).status for b, f in zip(browsers, forms)])
        same(results.count(200), 1, f"of {results}, those that set the password")
        expect(set(results) <= {200, 410}, f"answers {results}")
        same(walk.state, "active", "state")

    def purposes(self):
        """A link's secret is worth nothing at another page, in other letters, or cut."""
        walk, link = self.waiting()
        secret, browser = link.split("t=")[1], self.browser()
        for path in ("activate", "status", "reset"):
            same(browser.get(f"{self.issuer}/{path}?t={secret}").status, 410, f"the link's secret at {path}")
        form = {"csrf": self.csrf(browser), "t": secret}
        for path, more in (("activate", {"password": "Some-long-password-77"}), ("reset", {"password": "Some-long-password-77"}), ("status", {})):
            same(browser.post(f"{self.issuer}/{path}", {**form, **more}).status, 410, f"a POST of it at {path}")
        for wrong in (secret.swapcase(), secret[:-1], secret + "A", secret + "%00", "", "x" * 300, "../" + secret):
            expect(browser.send("GET", f"{self.issuer}/verify?t={wrong}").status in (400, 410), f"a link with {wrong[:50]!r}")
        expect(browser.send("GET", f"{self.issuer}/verify?t={secret}&t={secret}").status == 400, "t twice")
        same(walk.state, "submitted", "state")

    def mass_assignment(self):
        """Fields that the profile does not declare do not exist."""
        person = Person(family="Assign")
        more = {"state": "active", "status": "approved", "groups[]": f"cn=operators,{self.stage.directory.v['OL_GROUPS']}", "role": "operator", "uid": "root",
                "uidNumber": "0", "login_name": "root", "employeeNumber": "1", "base": "dc=example,dc=test", "approval": "never", "login": "root"}
        browser = self.browser()
        page = browser.get(f"{self.issuer}/register/guest")
        fields = page.page().form_with("register").fields
        answer = browser.post(f"{self.issuer}/register/guest", {**fields, **person.typed("guest"), **more})
        same(answer.status, 200, answer.brief())
        walk = self.stage.walk("guest", person)
        for _, step in walk.steps_of_account()[1:6]:
            step()
        entry = walk.entry()
        same(entry["employeenumber"], [walk.id], "the marker")
        expect(entry["uid"][0] not in ("root", "0") and "uidnumber" not in entry, f"{entry['uid']}")
        expect(walk.dn not in self.stage.directory.members("operators"), "a member of operators")

    def self_approval(self):
        """Who has no right sees no queue and decides nothing."""
        walk = self.stage.walk("partner")
        walk.register()
        walk.verify()
        browser = self.browser()
        same(self.log_in("alice", self.password, browser).status, 303, "login")
        for path in ("registrations", f"registrations/{walk.id}", "jobs", "people", "health", "audit", "audit.csv"):
            expect(browser.get(f"{self.issuer}/admin/{path}").status in (403, 404), f"alice sees admin/{path}")
        csrf = browser.get(f"{self.issuer}/account").page().form_with("csrf").fields["csrf"]
        form = {"csrf": csrf, "decision": "approve", "version": "2", "digest": "", "base": "", "decide": "decide"}
        expect(browser.post(f"{self.issuer}/admin/registrations/{walk.id}", form).status in (403, 404), "alice decides")
        expect(self.browser().get(f"{self.issuer}/admin/registrations").url.startswith(f"{self.issuer}/login"), "nobody sees the queue")
        expect(self.browser().post(f"{self.issuer}/admin/registrations/{walk.id}", form).status in (401, 403), "nobody decides")
        same(walk.state, "pending", "state")

    def two_approvers(self):
        """Eight decisions at once: one wins, one account comes of it."""
        walk = self.stage.walk("partner")
        for _, step in walk.steps_of_account()[:4]:
            step()
        page = walk.as_approver(f"{self.issuer}/admin/registrations/{walk.id}")
        browsers = [walk.approver.copy() for _ in range(8)]
        acts = [lambda b=b, i=i: b.submit(page, "decide", {"decision": "approve" if i % 2 else "reject", "reason": "no"}, follow=False).status
                for i, b in enumerate(browsers)]
        results = at_once(acts)
        same(sorted(results), [303] + [409] * 7, "answers")
        state = walk.await_state("provisioned", "rejected")
        same(len(self.stage.directory.search(f"(employeeNumber={walk.id})")), 1 if state == "provisioned" else 0, "entries")

    def limits(self):
        """Twenty registrations at once of one mailbox: no more mails than its limit."""
        self.stage.daemon.stop()
        self.stage.daemon.config["server"] |= {"registrations_per_mailbox": 3, "registrations_per_address": 25}
        self.stage.daemon.start()
        person = Person(family="Flood")
        browsers = [self.browser() for _ in range(20)]
        pages = [b.get(f"{self.issuer}/register/guest") for b in browsers]
        acts = [lambda b=b, p=p: b.submit(p, "register", person.typed("guest")).status for b, p in zip(browsers, pages)]
        same(set(at_once(acts)), {200}, "answers, which say nothing of the limit")
        same(len(self.stage.daemon.registrations(person.mail)), 3, "registrations that were taken")
        many = [self.register() for _ in range(8)]
        same([a.status for a in many].count(429), 3, "refused by the address's limit")
        expect(all(a.headers.get("Retry-After") for a in many if a.status == 429), "no Retry-After")
        browser = self.browser()
        form = {"csrf": self.csrf(browser), "reset": "reset"}
        asked = [browser.post(f"{self.issuer}/reset", {**form, "username": secrets.token_hex(6)}).status for _ in range(130)]
        same(asked, [200] * 125 + [429] * 5, "resets of as many names, five times the address's limit")
        same(browser.post(f"{self.issuer}/register/guest/resend", {**form, "mail": Person().mail}).status, 429, "and a mail asked for again")
        self.stage.daemon.stop()
        self.stage.daemon.config["server"] |= {"registrations_per_mailbox": 50, "registrations_per_address": 10000}
        self.stage.daemon.start()

    def honeypot(self):
        person = Person(family="Bot")
        same(self.register(person.mail, **{"hp-website": "http://spam.example"}).status, 200, "the answer, which says nothing")
        same(self.stage.daemon.registrations(person.mail), [], "registrations of a bot")

    # ---- forms ----
    def csrf_attacks(self):
        browser = self.browser()
        token = self.csrf(browser)
        form = {"username": "alice", "password": self.password, "login": "login"}
        url = f"{self.issuer}/login"
        same(browser.send("POST", url, form).status, 403, "no token")
        same(browser.send("POST", url, {**form, "csrf": token[:-1] + "x"}).status, 403, "a wrong token")
        same(browser.send("POST", url, {**form, "csrf": ""}).status, 403, "an empty token")
        same(self.browser().send("POST", url, {**form, "csrf": token}).status, 403, "a token without its cookie")
        other = self.browser()
        self.csrf(other)
        same(other.send("POST", url, {**form, "csrf": token}).status, 403, "a token of another browser")
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            same(browser.send("POST", url, {**form, "csrf": token}, headers).status, 403, f"from another site, {headers}")
        same(browser.send("POST", url, {**form, "csrf": token}).status, 303, "the right token")

    def every_form_has_a_token(self):
        browser = self.browser()
        self.log_in("bob", self.password, browser)
        for path in ("login", "register/guest", "register/partner", "reset", "password", "account", "logout", "admin/registrations", "admin/jobs"):
            page = browser.get(f"{self.issuer}/{path}")
            same(page.status, 200, path)
            for form in page.page().forms:
                expect(form.method == "GET" or form.fields.get("csrf"), f"a form without a token at {path}")

    def headers(self):
        for path in ("login", "register/guest", "verify?t=x", "nowhere"):
            h = self.browser().get(f"{self.issuer}/{path}").headers
            policy = h.get("Content-Security-Policy", "")
            for wanted in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
                expect(wanted in policy, f"no {wanted} in the policy of {path}: {policy}")
            expect("unsafe" not in policy, f"policy of {path}: {policy}")
            same((h.get("Referrer-Policy"), h.get("X-Content-Type-Options")), ("no-referrer", "nosniff"), f"headers of {path}")
            expect("no-store" in h.get("Cache-Control", ""), f"Cache-Control of {path}: {h.get('Cache-Control')}")

    # ---- 1.4 login ----
    def injection(self):
        """LDAP metacharacters are data."""
        for name in ("*", "a*", "alice)(uid=*", "*)(objectClass=*", "alice,ou=people,dc=example,dc=test", "uid=alice", "\\2a", "alice)", "(", "al\\69ce",
                     "alice\u200b", "alice#", "alice+sn=x", "alice;", "<alice>", "x" * 5000):
            answer = self.log_in(name, self.password)
            expect(answer.status in (401, 429), f"login as {name[:60]!r}: {answer.brief()}")
        browser = self.browser()
        form = {"csrf": self.csrf(browser), "username": "alice\0x", "password": self.password, "login": "login"}
        same(browser.post(f"{self.issuer}/login", form).status, 400, "NUL in the name")
        form["username"], form["password"] = "alice", self.password + "\0x"
        same(browser.post(f"{self.issuer}/login", form).status, 400, "NUL in the password")

    def empty_password(self):
        for password in ("",):
            same(self.log_in("alice", password).status, 422, f"login with {password!r}")
        for password in (" ", "   ", "\t"):
            same(self.log_in("alice", password).status, 401, f"login with {password!r}")

    def one_answer(self):
        """Wrong, unknown, locked and disabled look the same."""
        answers = {}
        for name in ("bob", "nobody-" + secrets.token_hex(4), "disabled", "acctexpired", "outsider"):
            answer = self.log_in(name, "A-wrong-password-1")
            answers[name] = (answer.status, plain(answer.text, name))
        right = self.log_in("disabled", self.password)
        answers["disabled, right password"] = (right.status, plain(right.text, "disabled"))
        for name, answer in answers.items():
            same(answer, answers["bob"], f"the answer for {name}")

    def guessing(self):
        """Twenty wrong passwords at once, for one person by several names and spellings: no more than the limit reach the directory."""
        wrong = "lockme"
        browsers = [self.browser() for _ in range(20)]
        pages = [b.get(f"{self.issuer}/login") for b in browsers]
        names = [wrong, wrong.upper(), "ｌｏｃｋｍｅ", f"{wrong}@example.test"]
        acts = [lambda b=b, p=p, i=i: b.submit(p, "login", {"username": names[i % 4], "password": f"guess-{i}"}, follow=False).status
                for i, (b, p) in enumerate(zip(browsers, pages))]
        before = self.binds(wrong)
        results = at_once(acts)
        expect(set(results) <= {401, 429}, f"answers {results}")
        tried = self.binds(wrong) - before
        expect(1 <= tried <= 5, f"{tried} guesses reached the directory, 5 are allowed")
        expect(results.count(401) <= 10, f"answers {results}: two names, five tries each")

    def binds(self, uid):
        """How often the directory was asked for a password of this entry."""
        with open(self.stage.directory.v["OL_LOG_1"], encoding="utf-8", errors="replace") as log:
            return sum(f'BIND dn="uid={uid},' in line and "method=" in line for line in log)

    def fixation(self):
        """A session that was planted does not become the person's; a login gives a new one; the old one is dead after logout."""
        browser = self.browser()
        planted = secrets.token_urlsafe(32)
        page = browser.get(f"{self.issuer}/login")
        name = next(n for n in browser.cookies if "csrf" in n).replace("csrf", "session")
        browser.cookies[name] = planted
        same(browser.submit(page, "login", {"username": "alice", "password": self.password}, follow=False).status, 303, "login")
        expect(browser.cookies[name] != planted, "the planted session is kept")
        first = browser.copy()
        self.canaries.append(first.cookies[name])
        same(self.log_in("alice", self.password, browser).status, 303, "a second login")
        expect(browser.cookies[name] != first.cookies[name], "the same session after a second login")
        expect("/login" in first.get(f"{self.issuer}/account").url, "the session before the second login lives on")
        alive = browser.copy()
        browser.submit(browser.get(f"{self.issuer}/logout"), "logout")
        expect("/login" in alive.get(f"{self.issuer}/account").url, "the session lives on after logout")

    def cookies(self):
        browser = self.browser()
        same(self.log_in("alice", self.password, browser).status, 303, "login")
        name = next(n for n in browser.cookies if "session" in n)
        good = browser.cookies[name]
        for bad in ("", "x", good[:-1], good + "A", good.swapcase(), good[::-1], "%00", "../../etc", '"' + good + '"', good + "; " + name + "=" + good, "A" * 3000):
            browser.cookies[name] = bad
            expect("/login" in browser.get(f"{self.issuer}/account").url, f"logged in with the cookie {bad[:60]!r}")
        for line in self.browser().send("GET", f"{self.issuer}/login").headers.get_all("Set-Cookie"):
            expect("httponly" in line.lower() and "samesite=lax" in line.lower(), f"cookie {line}")

    def return_path(self):
        """After the login nobody is sent elsewhere."""
        for to in ("//evil.example/", "https://evil.example/", "/\\evil.example", "/realms/demo/../../x", "/realms/demo//evil.example", "/realms/other/x", "javascript:alert(1)",
                   "/realms/demo/%0d%0aX: y", "/realms/demo.evil/", "/realms/demo/account\r\nX: y"):
            browser = self.browser()
            page = browser.get(f"{self.issuer}/login")
            fields = {**page.page().form_with("login").fields, "username": "alice", "password": self.password, "to": to}
            answer = browser.send("POST", f"{self.issuer}/login", fields)
            expect(answer.status == 400 or answer.location == "/realms/demo/account", f"{to!r} leads to {answer.location}")

    # ---- 1.6 HTTP ----
    def host(self):
        """The Host header goes into no link, issuer or redirect."""
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example"):
            for path in ("/.well-known/openid-configuration", "/login", "/register/guest", "/account"):
                more = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
                answer = self.browser().send("GET", f"{self.issuer}{path}", headers={"Host": host, **more})
                expect("evil.example" not in answer.text + str(answer.headers), f"{host} shows at {path}")
        browser, person = self.browser(), Person(family="Host")
        page = browser.get(f"{self.issuer}/register/guest")
        fields = {**page.page().form_with("register").fields, **person.typed("guest")}
        browser.send("POST", f"{self.issuer}/register/guest", fields, {"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        letter = until(lambda: self.stage.box.letters(person.mail), 10, "the mail")[0]
        expect("evil" not in letter.text + letter.html and letter.link("/verify").startswith(self.issuer), "the link in the mail is poisoned")

    def smuggling(self):
        path, port = "/realms/demo/login", self.stage.daemon.port
        shapes = {
            "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n",
            "a list of lengths": b"Content-Length: 3, 3\r\n",
            "a signed length": b"Content-Length: +3\r\n",
            "a hexadecimal length": b"Content-Length: 0x3\r\n",
            "length and chunked": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "another coding": b"Transfer-Encoding: gzip, chunked\r\n",
            "two hosts": b"Host: evil.example\r\nContent-Length: 3\r\n",
            "a space before the colon": b"Content-Length : 3\r\n",
        }
        for what, lines in shapes.items():
            status, _ = raw(port, b"POST " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + lines + b"\r\na=b")
            expect(status == 400 or status == 0, f"{what}: {status}")
        same(raw(port, b"GET " + path.encode() + b" HTTP/1.1\r\nConnection: close\r\n\r\n")[0], 400, "no host")
        for target in ("/realms/demo/login%00", "/realms/demo/%2e%2e/x", "/realms/demo/..%2flogin", "/realms/demo/%ff", "/realms/demo/%zz", "/realms//demo/login"):
            status, _ = raw(port, f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            same(status, 400, target)

    def shapes(self):
        """Routes, methods, sizes, and parameters."""
        browser = self.browser()
        same(browser.send("GET", f"{self.issuer}/nowhere").status, 404, "an unknown route")
        wrong = browser.send("POST", f"{self.issuer}/jwks", {})
        same((wrong.status, "GET" in wrong.headers.get("Allow", "")), (405, True), "a wrong method")
        same(browser.send("DELETE", f"{self.issuer}/login").status, 405, "DELETE")
        same(browser.send("POST", f"{self.issuer}/login", b"x=" + b"a" * 70000).status, 413, "a body of 70,000 bytes")
        expect(browser.send("GET", f"{self.issuer}/login?x=" + "a" * 9000).status in (413, 414, 431), "a target of 9,000 bytes")
        same(browser.send("GET", f"{self.issuer}/login?to=a&to=b").status, 400, "a parameter twice")
        same(browser.send("GET", f"{self.issuer}/login?to=%ff%fe").status, 400, "a parameter that is no UTF-8")
        csrf = self.csrf(browser)
        twice = [("csrf", csrf), ("username", "alice"), ("username", "bob"), ("password", self.password)]
        same(browser.send("POST", f"{self.issuer}/login", twice).status, 400, "a form's field twice")
        for path in ("/static/../usher.yaml", "/static/%2e%2e/usher.yaml", "/static/..%2fusher.yaml", "/static/usher.db"):
            status, got = raw(self.stage.daemon.port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            expect(status in (400, 404) and "public_url" not in got, f"{path}: {status}")

    def hogging(self):
        """One address that opens all connections and says nothing keeps nobody else out."""
        port, held = self.stage.daemon.port, []
        other = socket.socket()
        try:
            for _ in range(1100):
                held.append(socket.create_connection(("127.0.0.1", port), 5))
            other.settimeout(5)
            other.bind(("127.0.0.2", 0))
            other.connect(("127.0.0.1", port))
            other.sendall(b"GET /realms/demo/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            expect(other.recv(64).startswith(b"HTTP/1.1 200"), "no answer for another address")
        finally:
            for s in [*held, other]:
                s.close()

    def scripts(self):
        """What is typed is text on the approver's page, whatever it looks like."""
        evil = "<script>alert(1)</script>"
        person = Person(family='"><img src=x onerror=alert(1)>', mail=f"evil.{secrets.token_hex(4)}@example.net")
        walk = self.stage.walk("partner", person)
        browser = self.browser()
        page = browser.get(f"{self.issuer}/register/partner")
        done = browser.submit(page, "register", {**person.typed("partner"), "company": evil, "purpose": "</textarea><script>alert(2)</script>"})
        same(done.status, 200, done.brief())
        walk.verify()
        for path in ("registrations", f"registrations/{walk.id}"):
            shown = walk.as_approver(f"{self.issuer}/admin/{path}").text
            expect("<script>alert" not in shown and "<img src=x" not in shown, f"a script on the approver's page {path}")
        again = browser.get(f"{self.issuer}/register/partner")
        wrong = browser.submit(again, "register", {**person.typed("partner"), "company": evil, "mail": "no"})
        expect(wrong.status == 422 and evil not in wrong.text, "what was typed comes back as a script")

    # ---- secrets ----
    def tokens_of_app(self):
        """What an application is given, and what it keeps to itself until then."""
        app, browser, proof = App(self.issuer), self.browser(), Proof()
        answer = browser.submit(browser.get(app.authorize_url(proof)), "login", {"username": "alice", "password": self.password})
        code = app.code_of(answer, proof)
        tokens = app.redeem(code, proof)[1]
        fresh = app.refresh(tokens["refresh_token"])[1]
        app.userinfo(fresh["access_token"])
        app.introspect(fresh["refresh_token"])
        browser.get(f"{self.issuer}/logout?id_token_hint={fresh['id_token']}")
        return [code, proof.verifier, proof.state, *(t[name] for t in (tokens, fresh) for name in ("access_token", "refresh_token", "id_token"))], proof.nonce

    def no_secret_kept(self):
        """No password, link, session, code or token stands in the log or in the store."""
        canary = "Canary-" + secrets.token_hex(12)
        self.log_in("alice", canary)
        walk = self.stage.walk("guest", Person(family="Canary"))
        walk.person.password = canary + "-set"
        for _, step in walk.steps_of_account():
            step()
        link = walk.letter("/verify").link("/verify").split("t=")[1]
        given, nonce = self.tokens_of_app()
        log, stored = self.stage.daemon.log(), self.stage.daemon.stored_bytes()
        expect(nonce not in log, "a nonce stands in the log")
        for what in [canary, link, self.password, self.stage.directory.v["OL_BIND_PASSWORD"], *self.canaries, *given, SECRET]:
            expect(what not in log, f"{what[:8]}… stands in the log")
            expect(what.encode() not in stored, f"{what[:8]}… stands in the store")

    def start(self):
        """The directory's own limit is put away, so that ours is what is seen."""
        policy = f"cn=default,ou=policies,{self.stage.directory.v['OL_BASE']}"
        self.stage.directory.change(f"dn: {policy}\nchangetype: modify\nreplace: pwdMaxFailure\npwdMaxFailure: 1000\n")
        return self.stage.start()

    def main(self):
        run = self.tests.run
        if run("the daemon starts", self.start):
            for name in ("same_answer", "get_does_not_consume", "link_once", "activation_once", "purposes", "mass_assignment", "self_approval", "two_approvers",
                         "honeypot", "csrf_attacks", "every_form_has_a_token", "headers", "injection", "empty_password", "one_answer", "guessing", "fixation",
                         "cookies", "return_path", "host", "smuggling", "shapes", "hogging", "scripts", "no_secret_kept", "limits"):
                run(name.replace("_", " "), getattr(self, name))
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(AttackTests().main())

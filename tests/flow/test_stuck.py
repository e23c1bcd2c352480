#!/usr/bin/python3
"""Who is stuck, and what an operator then sees: a missed activation, a throttled login, and what log and audit say of a refusal."""
import json
import sys

from usher import App, Browser, Proof, Stage, Tests, expect, newest, same, until


class StuckTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("stuck")
        self.issuer = self.stage.daemon.issuer()
        self.password = self.stage.directory.v["OL_USER_PASSWORD"]
        demo = self.stage.daemon.config["realms"]["demo"]
        demo["login"] = {"max_failures": 5, "window": "15m"}
        demo["profiles"]["partner"]["times"] = {"resend": "1s"}

    def log_in(self, name, password, browser=None):
        browser = browser or Browser(self.issuer)
        return browser.submit(browser.get(f"{self.issuer}/login"), "login", {"username": name, "password": password})

    # ---- a missed activation ----
    def unactivated(self):
        """A partner whose account is created and was never activated."""
        walk = self.stage.walk("partner")
        for step in (walk.register, walk.mail_arrived, walk.open_link, walk.verify, walk.approve, walk.provisioned):
            step()
        walk.letter("/activate")
        return walk

    def invitations(self, walk):
        return [m for m in self.stage.box.letters(walk.person.mail) if m.has_link("/activate")]

    def missed(self):
        """The ended link's page, the form and the reset all lead to a new activation mail."""
        walk = self.unactivated()
        ended = walk.browser.get(f"{self.issuer}/activate?t=missed")
        same(ended.status, 410, "an ended link")
        expect("same mail address" in ended.page().text, ended.page().text)
        again = self.stage.walk("partner", walk.person)
        same(again.browser.submit(again.browser.get(f"{self.issuer}/register/partner"), "register", walk.person.typed("partner")).status, 200, "once more")
        until(lambda: len(self.invitations(walk)) == 2, 20, "a second activation mail")
        page = walk.browser.get(f"{self.issuer}/reset")
        same(walk.browser.submit(page, "send", {"username": walk.person.mail}).status, 200, "a reset")
        until(lambda: len(self.invitations(walk)) == 3, 20, "a third activation mail")
        self.resent(walk)
        walk.activate()
        self.log_in(walk.login or walk.directory.login_of(walk.entry()), walk.person.password)

    def resent(self, walk):
        """An approver's button, with its cool-down and its record."""
        url = f"{self.issuer}/admin/registrations/{walk.id}"
        done = walk.approver.submit(walk.as_approver(url), "resend")
        same((done.status, "resent" in done.url), (200, True), "the button")
        until(lambda: len(self.invitations(walk)) == 4, 20, "a fourth activation mail")
        expect("Activation mail sent again" in walk.as_approver(url).page().text, "it is not in the history")
        page = walk.as_approver(url)
        stolen = walk.approver.post(f"{url}/resend", {"csrf": "wrong", "resend": "resend"})
        same(stolen.status, 403, "without the form's token")
        expect(page.page().form_with("resend").fields["csrf"], "no token in the form")

    # ---- a login that is refused ----
    def forgotten(self):
        """Five wrong passwords, a new one by mail, and in."""
        for _ in range(5):
            same(self.log_in("alice", "wrong").status, 401, "a wrong password")
        slow = self.log_in("alice", "wrong")
        same((slow.status, "wait 15 minutes" in slow.page().text), (429, True), f"the sixth: {slow.page().text}")
        browser = Browser(self.issuer)
        browser.submit(browser.get(f"{self.issuer}/reset"), "send", {"username": "alice"})
        link = until(lambda: newest(self.stage.box, "alice@example.test", "/reset"), 20, "a mail").link("/reset")
        done = browser.submit(browser.get(link), "change", {"password": "Quiet-harbour-of-a-new-word"})
        expect("You can log in with it now" in done.page().text, done.brief())
        same(self.log_in("alice", "Quiet-harbour-of-a-new-word").url.split("?")[0], f"{self.issuer}/account", "where the login leads")

    def told(self):
        """The audit of a person has the refusals, with their reason."""
        account = self.stage.daemon.rows("SELECT id FROM account WHERE login = 'alice'")[0][0]
        same(self.log_in("alice", "wrong").status, 401, "a wrong password")
        code, said = self.stage.daemon.usherctl("audit", "demo", account)
        expect(code == 0 and "login.refused" in said and '"why":"credentials"' in said, said)

    def listed(self):
        """The newest registrations first, and those with a text in them."""
        usherctl = self.stage.daemon.usherctl
        walk = self.stage.walk("guest")
        walk.register()
        code, said = usherctl("registrations", "demo")
        same((code, said.splitlines()[0].split("\t")[3]), (0, walk.person.mail), "the newest")
        for words in ((walk.person.mail[5:].upper(),), ("submitted", walk.person.mail)):
            code, said = usherctl("registrations", "demo", *words)
            same((code, [line.split("\t")[3] for line in said.splitlines()]), (0, [walk.person.mail]), f"with {words}")
        same(usherctl("registrations", "demo", "active", walk.person.mail), (0, ""), "in another state")
        same(usherctl("registrations", "demo", "sumbitted", "x")[0], 2, "a word that is no state")

    # ---- an application that asks wrongly ----
    def wrong_requests(self):
        """What is wrong goes to the application in words, and into the log."""
        app = App(self.issuer)
        for changed, error, words in (({"scope": "openid nonsense"}, "invalid_scope", "scope"),
                                      ({"response_type": "token"}, "unsupported_response_type", "response_type is not code"),
                                      ({"code_challenge": ""}, "invalid_request", "code_challenge is missing"),
                                      ({"prompt": "none\"\\\u20ac"}, "invalid_request", "prompt")):
            told = Browser(self.issuer).get(app.authorize_url(Proof(), **changed)).query()
            same(told["error"], error, f"error for {changed}")
            expect(words in told["error_description"], f"{words!r} is not in {told}")
            expect(all(" " <= c <= "~" and c not in '"\\' for c in told["error_description"]), f"RFC 6749 4.1.2.1: {told}")
            line = self.logged(event="authorize.refused")[-1]
            same((line["level"], line["client"], line["error"]), ("info", app.id, error), f"the line in the log {line}")
            expect(words in line["detail"], line)
        page = Browser(self.issuer).get(app.authorize_url(Proof(), client_id="nobody"))
        same((page.status, "not known here" in page.page().text), (400, True), page.page().text)
        page = Browser(self.issuer).get(app.authorize_url(Proof(), redirect_uri="https://elsewhere.example/"))
        same((page.status, "not registered for it" in page.page().text), (400, True), page.page().text)

    def small_words(self):
        """What pages and answers say of one thing, and of whose mistake it was."""
        browser = Browser(self.issuer)
        page = browser.get(f"{self.issuer}/logout?client_id=app&post_logout_redirect_uri=https%3A%2F%2Felsewhere.example%2F")
        same((page.status, "asked wrongly to log you out" in page.page().text, "cut off" in page.page().text), (400, True, False), page.page().text)
        bare = browser.get(f"{self.issuer}/userinfo")
        same((bare.status, bare.text, bare.headers["WWW-Authenticate"]), (401, "{}", 'Bearer realm="demo"'), "userinfo without a token")
        wrong = browser.get(f"{self.issuer}/userinfo", Authorization="Bearer x")
        same((wrong.status, "invalid_token" in wrong.text), (401, True), "userinfo with a wrong token")
        walk = self.unactivated()
        queue = walk.as_approver(f"{self.issuer}/admin/registrations").page().text
        expect("1 day or more 3 days or more" in queue and "1 days" not in queue, queue)
        status = walk.letter("/status").link("/status")
        page = walk.browser.get(status + "&confirmed=1")
        expect("your account is created" in page.page().text and "being created" not in page.page().title, page.page().text)
        code, said = self.stage.daemon.usherctl("roles", "explain", "demo", self.stage.account().login)
        expect(code == 0 and "1 group, 1 role\n" in said, said)

    def lines(self):
        """The line of a request names the error that its answer was made of."""
        browser = Browser(self.issuer)
        browser.submit(browser.get(f"{self.issuer}/register/guest"), "register", {"given_name": "", "family_name": "", "mail": "", "terms": "yes"})
        for path, status, error, detail in (("/login", 401, "credentials", "refused: credentials"), ("/login", 429, "too_many", "limit"),
                                            ("/activate", 410, "expired", "link"), ("/register/guest", 422, "fields", "")):
            found = self.logged(event="request", path="/realms/demo" + path, status=status)
            expect(found, f"no line for {path} {status}")
            same((found[-1]["error"], detail in found[-1]["detail"]), (error, True), f"the line {found[-1]}")
        same([line for line in self.logged(event="request", error="ok") if line["status"] >= 400], [], "refused and yet ok")

    def logged(self, **wanted):
        """The lines of the log that have these values."""
        lines = [json.loads(line) for line in self.stage.daemon.log().splitlines() if line.startswith("{")]
        return [line for line in lines if all(line.get(k) == v for k, v in wanted.items())]

    def main(self):
        run = self.tests.run
        if run("the daemon starts", self.stage.start):
            run("who missed the activation gets another mail", self.missed)
            run("a reset forgets the wrong passwords", self.forgotten)
            run("the audit of a person tells of refusals", self.told)
            run("usherctl lists registrations", self.listed)
            run("an application that asks wrongly is told how", self.wrong_requests)
            run("what is said of one thing", self.small_words)
            run("the log names the error of an answer", self.lines)
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(StuckTests().main())

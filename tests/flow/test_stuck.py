#!/usr/bin/python3
"""Who is stuck, and what an operator then sees: a missed activation, a throttled login, and what log and audit say of a refusal."""
import json
import sys

from usher import Browser, Stage, Tests, expect, newest, same, until


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

    def main(self):
        run = self.tests.run
        if run("the daemon starts", self.stage.start):
            run("who missed the activation gets another mail", self.missed)
            run("a reset forgets the wrong passwords", self.forgotten)
            run("the audit of a person tells of refusals", self.told)
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(StuckTests().main())

#!/usr/bin/python3
"""What changes in the directory counts here: sessions and tokens of who is disabled, deleted or regrouped there; and what happens while either
side is away."""
import base64
import sys
import time

from usher import App, Browser, Proof, Stage, Tests, expect, same, until

SOON = 20  # seconds; a change is here within one, and none of this measures it
DISABLED = "000001010000Z"
PERSON = """\
dn: uid={name},{people}
changetype: add
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: Example
mail: {name}@example.test
userPassword: {password}
"""


class Someone:
    """A person who is logged in: a browser with a session, and an application with tokens."""

    def __init__(self, stage, name, password=None):
        self.stage, self.name = stage, name
        self.dn = f"uid={name},{stage.directory.v['OL_PEOPLE']}"
        self.password = password or stage.directory.v["OL_USER_PASSWORD"]
        self.browser = Browser(stage.daemon.issuer())
        self.app = App(stage.daemon.issuer())
        self.tokens = self.app.log_in(self.browser, name, self.password)

    def change(self, text):
        """LDIF without its first lines."""
        self.stage.directory.change(f"dn: {self.dn}\nchangetype: modify\n{text}\n")

    def refresh(self):
        status, answer = self.app.refresh(self.tokens["refresh_token"])
        if status == 200:
            self.tokens = answer
        return status, answer

    def userinfo(self):
        return self.app.userinfo(self.tokens["access_token"])

    def active(self):
        return self.app.active(self.tokens["access_token"])

    def sessions(self):
        return self.stage.daemon.rows("SELECT count(*) FROM session s JOIN account a ON a.realm = s.realm AND a.id = s.account_id "
                                      "WHERE a.login = ?", self.name)[0][0]

    def ended(self):
        """All that this person held is worth nothing."""
        until(lambda: self.sessions() == 0, SOON, f"the end of the sessions of {self.name}")
        status, answer = self.app.refresh(self.tokens["refresh_token"])
        same((status, answer.get("error")), (400, "invalid_grant"), "refresh")
        same(self.active(), False, "active")
        same(self.userinfo()[0], 401, "userinfo")
        page = self.browser.get(self.app.authorize_url(Proof()))
        expect(not page.location, f"the session goes on: {page.brief()}")

    def goes_on(self):
        same(self.refresh()[0], 200, "refresh")
        same(self.userinfo()[0], 200, "userinfo")
        same(self.active(), True, "active")
        expect(self.sessions() > 0, "the session ended")


class InboundTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("inbound")
        self.daemon, self.directory = self.stage.daemon, self.stage.directory

    def someone(self, name):
        return Someone(self.stage, name)

    def people(self):
        for name in ("dave", "erin"):
            self.directory.change(PERSON.format(name=name, people=self.directory.v["OL_PEOPLE"], password=self.directory.v["OL_USER_PASSWORD"]))

    def followed(self):
        until(lambda: self.daemon.feeds_fresh() == 1, SOON, "a feed that is fresh")
        expect('"feed.following"' in self.daemon.log(), "the log does not say so")
        until(lambda: self.daemon.heard(), SOON, "a line in /readyz")

    def audit(self, action, name):
        return self.daemon.rows("SELECT count(*) FROM audit u JOIN account a ON a.id = u.subject WHERE u.action = ? AND a.login = ?", action, name)[0][0]

    def quiet(self):
        """Logins and wrong passwords are changes of the entry, and bring nothing."""
        person = self.someone("alice")
        wrong = Browser(self.daemon.issuer())
        page = wrong.get(f"{self.daemon.issuer()}/login")
        wrong.submit(page, "login", {"username": "alice", "password": "not-that-one"})
        person.goes_on()

    def disabled(self):
        person = self.someone("dave")
        person.goes_on()
        person.change(f"replace: pwdAccountLockedTime\npwdAccountLockedTime: {DISABLED}\n")
        person.ended()
        same(self.audit("account.disabled", "dave"), 1, "audit")
        person.change("delete: pwdAccountLockedTime\n")
        until(lambda: self.state("dave") == "live", SOON, "dave is live again")
        person.app.refresh(person.tokens["refresh_token"])
        self.someone("dave").goes_on()

    def state(self, name):
        return self.daemon.rows("SELECT m.state FROM mirror m JOIN account a ON a.realm = m.realm AND a.id = m.account_id WHERE a.login = ?", name)[0][0]

    def stamp(self, name):
        return self.daemon.rows("SELECT m.password_stamp FROM mirror m JOIN account a ON a.realm = m.realm AND a.id = m.account_id WHERE a.login = ?", name)[0][0]

    def deleted(self):
        """One of those who came by Usher."""
        walk = self.stage.account("guest")
        name = walk.entry()["uid"][0]
        person = Someone(self.stage, name, walk.person.password)
        person.goes_on()
        same(self.audit("account.disabled", name), 0, "an end at the birth")
        self.directory.change(f"dn: {person.dn}\nchangetype: delete\n")
        person.ended()
        same(self.audit("account.gone", name), 1, "audit")

    def password_set(self):
        """By the administrator: what was obtained with the old one ends. By the person, in Usher: the new login stays."""
        person = self.someone("erin")
        person.goes_on()
        given, chosen = "An0ther-passw0rd-set-by-admin", "Quiet-marmalade-61-harbour"
        person.change(f"replace: userPassword\nuserPassword: {given}\n")
        person.ended()
        same(self.audit("account.password", "erin"), 1, "audit")
        time.sleep(1.1)  # pwdChangedTime has seconds
        browser = Browser(self.daemon.issuer())
        page = browser.submit(browser.get(f"{self.daemon.issuer()}/login"), "login", {"username": "erin", "password": given})
        browser.submit(page, "change", {"username": "erin", "password": given, "new_password": chosen})
        again = Someone(self.stage, "erin", chosen)
        until(lambda: self.directory.search("(uid=erin)", "pwdChangedTime")[0]["pwdchangedtime"][0] == self.stamp("erin"), SOON, "the feed tells it")
        again.goes_on()
        same(self.audit("account.password", "erin"), 1, "audit of the own change")

    def regrouped(self):
        person = self.someone("alice")
        same("partner" in person.userinfo()[1].get("roles", []), False, "the role before")
        group = f"cn=partners,{self.directory.v['OL_GROUPS']}"
        self.directory.change(f"dn: {group}\nchangetype: modify\nadd: member\nmember: {person.dn}\n")
        until(lambda: "partner" in person.userinfo()[1].get("roles", []), SOON, "the new role")
        self.directory.change(f"dn: {group}\nchangetype: modify\ndelete: member\nmember: {person.dn}\n")
        until(lambda: "partner" not in person.userinfo()[1].get("roles", []), SOON, "the role's end")
        person.goes_on()

    def renamed(self):
        person = self.someone("alice")
        before = person.userinfo()[1]
        self.directory.change(f"dn: {person.dn}\nchangetype: modrdn\nnewrdn: uid=alice2\ndeleteoldrdn: 1\n")
        until(lambda: person.userinfo()[1].get("preferred_username") == "alice2", SOON, "the new name")
        same(person.userinfo()[1]["sub"], before["sub"], "sub")
        until(lambda: self.daemon.rows("SELECT login FROM account WHERE sub = ?", before["sub"]) == [("alice2",)], SOON, "the account's name")
        person.name, person.dn = "alice2", person.dn.replace("uid=alice,", "uid=alice2,")
        person.goes_on()
        self.directory.change(f"dn: {person.dn}\nchangetype: modrdn\nnewrdn: uid=alice\ndeleteoldrdn: 1\n")

    def away(self):
        """Not heard any more, the directory itself is asked; it is down, and nobody is let in by what the mirror says."""
        person = self.someone("alice")
        self.directory.stop()
        until(self.daemon.unheard, SOON + 20, "a feed that is not fresh")
        expect('"feed.failing"' in self.daemon.log(), "the log does not say so")
        status, answer = person.app.refresh(person.tokens["refresh_token"])
        same((status, answer.get("error")), (503, "temporarily_unavailable"), "refresh")
        same(person.userinfo()[0], 503, "userinfo")
        self.directory.start()
        until(lambda: self.daemon.feeds_fresh() == 1, 60, "the feed afterwards")
        until(lambda: self.daemon.heard(), SOON, "its line in /readyz")
        person.goes_on()

    def missed(self):
        """What changed while the daemon was killed counts at its start."""
        people = [self.someone("alice"), self.someone("dave")]
        self.daemon.kill()
        people[1].change(f"replace: pwdAccountLockedTime\npwdAccountLockedTime: {DISABLED}\n")
        self.daemon.start()
        people[1].ended()
        people[0].goes_on()
        people[1].change("delete: pwdAccountLockedTime\n")
        until(lambda: self.state("dave") == "live", SOON, "dave is live again")

    def terminal(self):
        """What stands in the directory does not act on the terminal of who looks."""
        people, name = self.directory.v["OL_PEOPLE"], "x\x1b[2Jy"
        dn = base64.b64encode(f"cn={name},{people}".encode()).decode()
        self.directory.change(f"dn:: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\ncn:: {base64.b64encode(name.encode()).decode()}\n"
                              "sn: Example\nuid: escape\nmail: escape@example.test\n")
        code, text = self.daemon.usherctl("roles", "explain", "demo", "escape")
        same((code, text.splitlines()[0]), (0, f"cn=x?[2Jy,{people}"), "the name")

    def tools(self):
        code, text = self.daemon.usherctl("feed", "demo")
        same(code, 0, text)
        words = text.split("\t")
        same(words[:3], ["main", "syncrepl", "following"], text)
        expect("accounts" in text and "ldap" in words[3], text)
        code, text = self.daemon.usherctl("reconcile", "demo")
        same(code, 0, text)
        expect("\t0 changed\t0 gone\t0 failed" in text, text)
        code, text = self.daemon.usherctl("feed", "accept", "demo", "main")
        same(code, 1, text)
        expect("nothing to accept" in text, text)

    def main(self):
        run = self.tests.run
        if run("the daemon starts", self.stage.start):
            run("its directory is followed", self.followed)
            run("more people", self.people)
            run("a login and a wrong password bring nothing", self.quiet)
            run("disabled: sessions and tokens end", self.disabled)
            run("deleted: the like", self.deleted)
            run("another password by the administrator: the like", self.password_set)
            run("another group: other roles", self.regrouped)
            run("another name: the same sub", self.renamed)
            run("usherctl tells", self.tools)
            run("a name that would clear the screen", self.terminal)
            run("the directory is away: nobody is let in by the mirror", self.away)
            run("the daemon is killed: what was missed counts", self.missed)
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(InboundTests().main())

#!/usr/bin/python3
"""The whole way on a real Active Directory: Samba's. What differs from the walk on OpenLDAP is looked at closely."""
import os
import sys

from usher import ActiveDirectory, App, Browser, Proof, Stage, Tests, expect, same, until

# zxcvbn finds it strong; the domain wants three kinds of letters
ONE_KIND = "quietharbourlanternmeadow"
NEW, NEWER = "Meadow-lantern-7-orbit", "Orbit-8-lantern-thicket"
RULES = ("at least 8 characters", "at least three kinds", "none of your last 24 passwords")
# Samba takes the password before the last one for an hour more, unless it is told not to.
OPTIONS = ("--option", "old password allowed period = 0")


class AdTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("walk_ad", ActiveDirectory, OPTIONS)
        self.directory, self.issuer = self.stage.directory, self.stage.daemon.issuer()
        self.password = self.directory.v["USER_PASSWORD"]
        self.walk = self.stage.walk("guest")
        self.browser = Browser(self.issuer)

    # ---- the account ----
    def steps(self):
        """Of the guest's walk, with looks of our own between them."""
        looks = {"provisioned": [("the new entry", self.new_entry)],
                 "invited": [("rules of the domain", self.rules), ("refusal of the domain", self.refused)],
                 "activated": [("the enabled entry", self.enabled_entry)]}
        return [step for name, act in self.walk.steps() for step in [(name, act), *looks.get(name, [])]]

    def new_entry(self):
        entry, v = self.walk.entry(), self.directory.v
        same(entry["dn"], [f"CN=Vera Walker,{v['PEOPLE']}"], "DN, by the person's name")
        same((entry["samaccountname"], entry["userprincipalname"]), (["vwalker"], [f"vwalker@{v['UPN_SUFFIX']}"]), "names")
        same((entry["useraccountcontrol"], entry["pwdlastset"]), (["514"], ["0"]), "userAccountControl and pwdLastSet")
        same(entry["displayname"], ["Vera Walker"], "displayName")
        return True

    def rules(self):
        text = self.walk.activation_page().page().text
        for rule in RULES:
            expect(rule in text, f"{rule!r} is not on the page: {text}")
        return True

    def refused(self):
        answer = self.walk.browser.submit(self.walk.activation_page(), "activate", {"password": ONE_KIND})
        same(answer.status, 422, "status")
        expect("other kinds of letters" in answer.page().problems().get("password", ""), f"said: {answer.page().problems()}")
        for rule in RULES:
            expect(rule in answer.page().text, f"{rule!r} is not on the page with the refusal")
        same(self.walk.entry()["useraccountcontrol"], ["514"], "userAccountControl after a refused password")
        return True

    def enabled_entry(self):
        entry = self.walk.entry()
        same(entry["useraccountcontrol"], ["512"], "userAccountControl")
        expect(int(entry["pwdlastset"][0]) > 0, "the password must be changed at the next login")
        return True

    def namesake(self):
        """Another person of the same name: the login name stands behind the name in the CN."""
        other = self.stage.walk("partner")
        if not other.run(self.tests, "namesake"):
            return False
        self.tests.run("the namesake's CN and names", lambda: same(
            [other.entry()[name] for name in ("cn", "samaccountname", "userprincipalname")],
            [["Vera Walker (vera.walker)"], ["vera.walker"], [f"vera.walker@{self.directory.v['UPN_SUFFIX']}"]], "names"))
        return True

    # ---- logins ----
    def claims(self, name, password):
        """Of the ID token of a new browser's login."""
        app, proof = App(self.issuer), Proof()
        tokens = app.log_in(Browser(self.issuer), name, password, proof)
        return app.id_claims(tokens["id_token"], tokens["access_token"], proof)

    def three_names(self):
        person = self.walk.person
        names = ("vwalker", "VWalker", f"vwalker@{self.directory.v['UPN_SUFFIX']}", person.mail)
        subs = {self.claims(name, person.password)["sub"] for name in names}
        same(len(subs), 1, f"persons behind {names}")

    def nested_roles(self):
        same(self.claims("alice", self.password)["roles"], ["employee"], "roles of alice, of team-red in staff")
        same(sorted(self.claims("carol", self.password)["roles"]), ["approver", "employee"], "roles of carol, in staff by the cycle")
        same(sorted(self.claims("bob", self.password)["roles"]), ["employee", "operator"], "roles of bob")

    def refusal(self, name, password):
        browser = Browser(self.issuer)
        answer = browser.submit(browser.get(f"{self.issuer}/login"), "login", {"username": name, "password": password})
        return answer.status, answer.page().problems(), answer.page().title, answer.page().text.replace(name, "NAME")

    def one_answer(self):
        """A locked, a disabled, an ended account, one out of its hours and an unknown name are told from a wrong password by nobody."""
        locked = self.directory.dn_of("lockme")
        for _ in range(3):
            expect(not self.directory.may_log_in(locked, "Wrong-passw0rd"), "a wrong password is taken")
        wanted = self.refusal("bob", "Wrong-passw0rd")
        same((wanted[0], list(wanted[1])), (401, ["username"]), "the answer to a wrong password")
        for name in ("lockme", "disabled", "acctexpired", "nohours", "nobody-here"):
            same(self.refusal(name, self.password), wanted, f"answer to {name}")
        subject = until(lambda: [m.subject for m in self.stage.box.letters("lockme@example.test")], 10, "a mail to the locked one")
        expect("locked" in subject[0], f"the mail: {subject}")
        same(self.stage.box.letters("disabled@example.test"), [], "mails to the disabled one")

    # ---- passwords ----
    def led_to_change(self, name, note):
        """The right password, that must be changed first: the page to change it, and on to the application that waits."""
        app, proof, browser = App(self.issuer), Proof(), Browser(self.issuer)
        page = browser.submit(browser.get(app.authorize_url(proof)), "login", {"username": name, "password": self.password})
        same(page.status, 200, page.brief())
        expect(note in page.page().text, f"{note!r} is not on the page: {page.page().text}")
        for rule in RULES:
            expect(rule in page.page().text, f"{rule!r} is not on the page: {page.page().text}")
        again = browser.submit(page, "change", {"password": self.password, "new_password": ONE_KIND})
        same((again.status, list(again.page().problems())), (422, ["new_password"]), f"a password that the domain refuses: {again.brief()}")
        done = browser.submit(again, "change", {"password": self.password, "new_password": NEW})
        same(done.status, 200, f"the change: {done.brief()}")
        link = [found for found in done.page().links if found.endswith("/authorize/resume")]
        expect(link, f"no way on to the application: {done.brief()} {done.page().links}")
        app.code_of(browser.get(self.issuer.split("/realms")[0] + link[0]), proof)
        dn = self.directory.dn_of(name)
        expect(self.directory.may_log_in(dn, NEW), "the directory does not take the new password")
        expect(not self.directory.may_log_in(dn, self.password), "the directory takes the old password still")

    def forgotten(self):
        person = self.walk.person
        browser, old = Browser(self.issuer), person.password
        sent = browser.submit(browser.get(f"{self.issuer}/reset"), "send", {"username": f"vwalker@{self.directory.v['UPN_SUFFIX']}"})
        same(sent.status, 200, sent.brief())
        page = browser.get(self.walk.letter("/reset").link("/reset"))
        for rule in RULES:
            expect(rule in page.page().text, f"{rule!r} is not on the page: {page.page().text}")
        done = browser.submit(page, "change", {"password": NEW, "password_again": NEW})
        same(done.status, 200, done.brief())
        person.password = NEW
        self.claims("vwalker", NEW)
        same(self.refusal("vwalker", old)[0], 401, "the old password")
        expect(int(self.walk.entry()["pwdlastset"][0]) > 0, "the password must be changed at the next login")

    def changed(self):
        browser = Browser(self.issuer)
        browser.submit(browser.get(f"{self.issuer}/login"), "login", {"username": "vwalker", "password": NEW})
        for old, new, field, said in (("Wrong-passw0rd", NEWER, "password", "not right"), (NEW, ONE_KIND, "new_password", "kinds of letters"),
                                      (NEW, NEW, "new_password", "now")):
            page = browser.submit(browser.get(f"{self.issuer}/password"), "change", {"password": old, "new_password": new})
            same(page.status, 422, f"status: {page.brief()}")
            expect(said in page.page().problems().get(field, ""), f"{said!r} of {field}: {page.brief()}")
        done = browser.submit(browser.get(f"{self.issuer}/password"), "change", {"password": NEW, "new_password": NEWER})
        same(done.status, 200, done.brief())
        same(self.refusal("vwalker", NEW)[0], 401, "the old password")
        self.claims("vwalker", NEWER)
        page = browser.submit(browser.get(f"{self.issuer}/password"), "change", {"password": NEWER, "new_password": NEW})
        expect("before" in page.page().problems().get("new_password", ""), f"a password of the history: {page.brief()}")

    def no_error(self):
        bad = [line for line in self.stage.daemon.log().splitlines() if '"level":"error"' in line or "runtime error" in line or "AddressSanitizer" in line]
        expect(not bad, "errors in the log:\n" + "\n".join(bad[:5]))

    def run(self):
        run = self.tests.run
        if not run("the daemon starts", self.stage.start):
            return
        if not all(run(f"guest: {name}", step) for name, step in self.steps()) or not self.namesake():
            return
        run("login by sAMAccountName, UPN and mail", self.three_names)
        run("roles from nested groups", self.nested_roles)
        run("locked, disabled, ended, out of hours, unknown: one answer", self.one_answer)
        run("forgotten password", self.forgotten)
        run("change of the password", self.changed)
        run("a password that must be changed", self.led_to_change, "mustchange", "a password of your own")
        run("a password that has expired", self.led_to_change, "pwexpired", "has expired")
        run("the log holds no error", self.no_error)
        run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))


def main():
    if os.geteuid() != 0:
        print("Samba must be started as root")
        return 77
    tests = AdTests()
    tests.run()
    return tests.tests.end()


sys.exit(main())

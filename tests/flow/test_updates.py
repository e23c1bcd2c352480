#!/usr/bin/python3
"""Changes of people who are there: attributes, groups, place, disabled, deleted; each as a plan that is shown before it is carried out once."""
import sqlite3
import sys

from changes import SOON, Changes
from usher import App, Browser, Failed, Stage, Tests, expect, same, until


class UpdateTests(Changes):
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("updates")
        self.daemon, self.directory = self.stage.daemon, self.stage.directory
        self.v = self.directory.v
        self.password = self.v["OL_USER_PASSWORD"]
        guest = self.daemon.config["realms"]["demo"]["profiles"]["guest"]
        guest["bases_allowed"] = [f"ou=former,{self.v['PEOPLE']}"]

    def start(self):
        self.directory.change(f"dn: ou=former,{self.v['PEOPLE']}\nchangetype: add\nobjectClass: organizationalUnit\nou: former\n")
        self.stage.start()
        until(lambda: self.daemon.feeds_fresh() == 1, SOON, "a feed that is fresh")

    # ---- by usherctl ----
    def attributes(self):
        text, plan = self.change("alice", "--set", "title=Head of Jørgen", "--set", "phone=+49 30 1", "--set", "phone=+49 30 2")
        expect("changetype: modify" in text and "replace: telephoneNumber" in text, text)
        same(self.entry("alice").get("title"), None, "a draft changes nothing")
        same(self.plan(plan)[0], "draft", "its state")
        self.usherctl("plan", "apply", "demo", plan)
        self.done(plan)
        entry = self.entry("alice")
        same(entry["title"], ["Head of Jørgen"], "title")
        same(sorted(entry["telephonenumber"]), ["+49 30 1", "+49 30 2"], "phone")
        same(self.steps(plan), ["replace title", "replace telephoneNumber"], "its steps")
        expect("done" in self.usherctl("plan", "show", "demo", plan), "plan show")
        expect(plan in self.usherctl("plan", "list", "demo", "done"), "plan list")
        self.usherctl("plan", "cancel", "demo", plan, code=1)

    def nothing(self):
        for words, says in ((["--set", "title=Head of Jørgen"], "so already"), (["--set", "login=x"], "may be changed"), (["--set", "employee_number=1"], "may be"),
                            (["--join", f"cn=operators,{self.v['GROUPS']}"], "no profile allows"), (["--move", self.v["BASE"]], "no profile allows"),
                            (["--set", "mail=bob@example.test"], "somebody else"), (["--set", "mail=no"], "not a mail"), (["--unset", "family_name"], "must have"),
                            (["--delete", "--apply"], "--confirm"), (["--delete", "--disable"], "alone"), (["--what"], "no change")):
            text, _ = self.change("alice", *words, code=2)
            expect(says in text, f"{words}: {text}")
        same(self.daemon.rows("SELECT count(*) FROM plan WHERE account_id = ?", self.account("alice"))[0][0], 1, "plans")

    def groups(self):
        vpn, guests = (f"cn={name},{self.v['GROUPS']}" for name in ("vpn", "guests"))
        dn = self.directory.dn_of("alice")
        _, plan = self.change("alice", "--join", vpn, "--join", guests, "--apply")
        self.done(plan)
        expect(dn in self.directory.members("vpn") and dn in self.directory.members("guests"), "joined")
        _, plan = self.change("alice", "--leave", vpn, "--apply")
        self.done(plan)
        expect(dn not in self.directory.members("vpn") and dn in self.directory.members("guests"), "left")

    def moved(self):
        there = f"ou=former,{self.v['PEOPLE']}"
        text, plan = self.change("alice", "--move", there, "--apply")
        expect("changetype: modrdn" in text and f"newsuperior: {there}" in text, text)
        self.done(plan)
        same(self.entry("alice")["dn"], [f"uid=alice,{there}"], "the place")
        same(self.directory.members("guests").count(f"uid=alice,{there}"), 1, "guests have the new name")
        expect(self.directory.dn_of("alice") not in self.directory.members("guests"), "and not the old one")
        same(self.daemon.rows("SELECT dn FROM account WHERE login = 'alice'"), [(f"uid=alice,{there}",)], "the account follows")
        _, plan = self.change("alice", "--move", self.v["PEOPLE"], "--apply")
        self.done(plan)

    def disabled(self):
        browser, app = Browser(self.daemon.issuer()), App(self.daemon.issuer())
        tokens = app.log_in(browser, "alice", self.password)
        _, plan = self.change("alice", "--disable", "--set", "title=Gone", "--apply")
        self.done(plan)
        same(self.sessions("alice"), 0, "sessions right after the plan")
        same(app.refresh(tokens["refresh_token"])[0], 400, "refresh")
        expect(not self.directory.may_log_in(self.directory.dn_of("alice"), self.password), "the directory lets in")
        _, plan = self.change("alice", "--enable", "--apply")
        self.done(plan)
        expect(self.directory.may_log_in(self.directory.dn_of("alice"), self.password), "enabled again")

    def changed_meanwhile(self):
        """A draft for a title that somebody else changes before its order is parked; cancelled, the next one goes."""
        _, plan = self.change("alice", "--set", "title=Ours")
        self.directory.change(f"dn: {self.directory.dn_of('alice')}\nchangetype: modify\nreplace: title\ntitle: Theirs\n")
        self.usherctl("plan", "apply", "demo", plan)
        until(lambda: self.plan(plan)[0] == "parked", SOON, "a parked plan")
        same(self.plan(plan)[1], "attribute title was changed by others meanwhile", "why")
        same(self.entry("alice")["title"], ["Theirs"], "title")
        text, _ = self.change("alice", "--set", "title=Next", "--apply", code=1)
        expect("parked" in text, text)
        self.usherctl("plan", "apply", "demo", plan)  # once more: it is parked again
        until(lambda: self.plan(plan)[0] == "parked", SOON, "a plan that is parked again")
        self.usherctl("plan", "cancel", "demo", plan)
        same(self.plan(plan)[0], "cancelled", "state")
        same(self.daemon.rows("SELECT count(*) FROM job WHERE subject = ?", plan), [(0,)], "its job")
        _, plan = self.change("alice", "--set", "title=Next", "--apply")
        self.done(plan)

    def away(self):
        """The directory is down when the plan is ordered, and back later."""
        _, plan = self.change("alice", "--set", "title=Late", "--set", "city=Oslo")
        self.directory.stop()
        self.usherctl("plan", "apply", "demo", plan)
        until(lambda: self.daemon.rows("SELECT attempts FROM job WHERE subject = ?", plan)[0][0] > 0, SOON, "a try")
        same(self.plan(plan)[0], "queued", "state while it is away")
        self.directory.start()
        self.done(plan, 60)
        same((self.entry("alice")["title"], self.entry("alice")["l"]), (["Late"], ["Oslo"]), "what was written")
        until(lambda: self.daemon.feeds_fresh() == 1, 60, "the feed afterwards")

    def killed(self):
        """kill -9 when a change was sent, when it was answered, and at commits around it: the rest is done after the start, nothing twice."""
        changes = ("ldap.change.sent:1", "ldap.change.sent:2", "ldap.change.answered:1", "ldap.change.answered:2", "job.claimed:1", "job.run:1")
        visited = 0
        for number, point in enumerate(changes + tuple(f"{name}:{n}" for name in ("commit", "settled") for n in range(4, 7))):
            self.daemon.stop()
            vpn = f"cn=vpn,{self.v['GROUPS']}"
            try:
                self.daemon.start(USHER_FAILPOINT=point)
            except Failed:
                expect(self.daemon.dead(), point)  # in the middle of its start
                self.daemon.start()
            how = "--leave" if number % 2 else "--join"
            _, plan = self.change("alice", "--set", f"title=Number {number}", how, vpn, "--apply")
            until(lambda p=plan: not self.daemon.running() or self.plan(p)[0] == "done", SOON, f"{point}: an end of some kind")
            if self.daemon.dead():
                visited += 1
                self.daemon.start()
            expect(number >= len(changes) or visited == number + 1, f"{point}: the daemon lives")
            self.done(plan)
            same(self.entry("alice")["title"], [f"Number {number}"], f"{point}: title")
            same(self.directory.members("vpn").count(self.directory.dn_of("alice")), 1 - number % 2, f"{point}: memberships")
            same(self.daemon.rows("SELECT count(*) FROM audit WHERE action = 'change.done' AND detail LIKE ?", f"%{plan}%"), [(1,)], f"{point}: audit")
        expect(visited > len(changes), f"{visited} points")
        self.daemon.stop()  # the last point may still be waited for
        self.daemon.start()
        until(lambda: self.daemon.feeds_fresh() == 1, 60, "the feed afterwards")

    def ended(self):
        """A last day that is over by now: the sweeper disables the entry, once."""
        app = App(self.daemon.issuer())
        app.log_in(Browser(self.daemon.issuer()), "alice", self.password)
        text, plan = self.change("alice", "--ends", "2031-02-28", "--apply")
        expect("20310301000000Z" in text, text)
        self.done(plan)
        same(self.daemon.rows("SELECT expires_at FROM account WHERE login = 'alice'"), [(1930089600000,)], "when it ends")
        store = sqlite3.connect(self.daemon.database, timeout=10)
        with store:
            store.execute("UPDATE account SET expires_at = 1 WHERE login = 'alice'")  # the days go by
        store.close()
        until(lambda: self.directory.pending(self.entry("alice")), SOON + 10, "a disabled entry")
        until(lambda: self.sessions("alice") == 0, SOON, "the end of the sessions")
        rows = self.daemon.rows("SELECT count(*) FROM audit WHERE action = 'account.due' AND subject = ?", self.account("alice"))
        same((rows, self.daemon.rows("SELECT expires_at FROM account WHERE login = 'alice'")), ([(1,)], [(0,)]), "audits, and the date")
        self.done(self.plans("alice")[0][0])
        _, plan = self.change("alice", "--enable", "--apply")
        self.done(plan)

    def deleted(self):
        walk = self.stage.account("guest")
        login = walk.entry()["uid"][0]
        dn = walk.entry()["dn"][0]
        App(self.daemon.issuer()).log_in(Browser(self.daemon.issuer()), login, walk.person.password)
        expect(self.sessions(login) > 0, "no session")
        text, plan = self.change(login, "--delete")
        expect("changetype: delete" in text and "LOGIN" in text, text)
        self.usherctl("plan", "apply", "demo", plan, code=2)
        self.usherctl("plan", "apply", "demo", plan, "alice", code=2)
        same(self.plan(plan)[0], "draft", "what is not confirmed")
        self.usherctl("plan", "apply", "demo", plan, login)
        self.done(plan)
        same(self.entry(login), None, "the entry")
        expect(dn not in self.directory.members("guests"), "still a member")
        same(self.sessions(login), 0, "sessions")
        self.usherctl("plan", "apply", "demo", plan, login, code=1)

    def cancelled_creation(self):
        """The plan of a registration that waits for the directory, cancelled: somebody decides again."""
        walk = self.stage.walk("guest")
        walk.register()
        walk.mail_arrived()
        self.directory.stop()
        walk.verify()
        same(walk.state, "approved", "state while the directory is away")
        until(lambda: self.daemon.rows("SELECT attempts FROM job WHERE subject = ?", walk.id)[0][0] > 0, SOON, "a try")
        until(lambda: self.daemon.rows("SELECT state FROM job WHERE subject = ?", walk.id)[0][0] == "queued", SOON, "its end")
        self.usherctl("plan", "cancel", "demo", walk.id)
        same(self.daemon.rows("SELECT state FROM registration WHERE id = ?", walk.id), [("pending",)], "state")
        self.directory.start()
        until(lambda: self.daemon.feeds_fresh() == 1, 60, "the feed afterwards")

    # ---- on the pages ----
    def operator(self):
        browser = Browser(self.daemon.issuer())
        page = browser.get(f"{self.daemon.issuer()}/admin/people?q=alice")
        page = browser.submit(page, "login", {"username": "bob", "password": self.password})
        link = next(url for url in page.page().links if "/admin/people/" in url)
        return browser, browser.get(link if link.startswith("http") else f"http://127.0.0.1:{self.daemon.port}{link}")

    def form_changes(self):
        """Typed, wrong, seen, carried out; and what is not the operators' is closed."""
        browser, page = self.operator()
        same(page.status, 200, "the person's page")
        wrong = browser.submit(page, "preview", {"set_mail": "bob@example.test", "set_title": "Typed"})
        same(wrong.status, 422, "status of what is wrong")
        expect("somebody else" in wrong.page().problems()["set_mail"], wrong.page().problems())
        same(wrong.page().form_with("set_mail").fields["set_title"], "Typed", "what was typed is kept")
        shown = browser.submit(page, "preview", {"set_title": "Director", "groups[]": [f"cn=vpn,{self.v['GROUPS']}"], "base": f"ou=former,{self.v['PEOPLE']}"})
        same(shown.status, 200, "status of the preview")
        for part in ("replace: title", "title: Director", "changetype: modrdn", "add: member"):
            expect(part in shown.page().text, f"{part} is not shown: {shown.page().text}")
        expect(self.entry("alice").get("title") != ["Director"], "a preview changes nothing")
        done = browser.submit(shown, "apply")
        same((done.status, done.url.split("?")[1].split("#")[0]), (200, "done=order"), f"the order: {done.brief()}")
        until(lambda: self.entry("alice").get("title") == ["Director"], SOON, "the title")
        until(lambda: self.entry("alice")["dn"] == [f"uid=alice,ou=former,{self.v['PEOPLE']}"], SOON, "the place")
        until(lambda: self.directory.members("vpn").count(self.entry("alice")["dn"][0]) == 1, SOON, "the group")
        same(self.plans("alice")[0][1], "done", "the plan")

    def form_left_open(self):
        """What somebody else changed while the form lay open is no wish of the operator's."""
        browser, page = self.operator()
        dn, vpn = self.entry("alice")["dn"][0], f"cn=vpn,{self.v['GROUPS']}"
        self.directory.change(f"dn: {dn}\nchangetype: modify\nreplace: title\ntitle: Of others\n\n"
                              f"dn: {vpn}\nchangetype: modify\ndelete: member\nmember: {dn}\n")
        shown = browser.submit(page, "preview", {"set_given_name": "Alicia"})
        same(shown.status, 200, "status")
        ldif = shown.page().by_id["plan"]
        expect("givenName: Alicia" in ldif and "title" not in ldif and "member" not in ldif, ldif)
        same(browser.submit(shown, "apply").status, 200, "the order")
        until(lambda: self.entry("alice").get("givenname") == ["Alicia"], SOON, "the name")
        same((self.entry("alice")["title"], self.directory.members("vpn").count(dn)), (["Of others"], 0), "what others changed")

    def form_stale(self):
        """What was seen is what is done: else the page shows what would be by now."""
        browser, page = self.operator()
        shown = browser.submit(page, "preview", {"set_title": "Seen"})
        self.directory.change(f"dn: {self.entry('alice')['dn'][0]}\nchangetype: modify\nreplace: title\ntitle: Theirs\n")
        stale = browser.submit(shown, "apply")
        same(stale.status, 409, "status")
        expect("before: Theirs" in stale.page().text, stale.page().text)
        same(self.entry("alice")["title"], ["Theirs"], "title")
        same(browser.submit(stale, "apply").status, 200, "the second order")
        until(lambda: self.entry("alice")["title"] == ["Seen"], SOON, "the title")

    def form_parked(self):
        """One click to retry."""
        browser, page = self.operator()
        _, plan = self.change("alice", "--set", "title=Mine")
        self.directory.change(f"dn: {self.entry('alice')['dn'][0]}\nchangetype: modify\nreplace: title\ntitle: Theirs\n")
        self.usherctl("plan", "apply", "demo", plan)
        until(lambda: self.plan(plan)[0] == "parked", SOON, "a parked plan")
        page = browser.get(page.url)
        expect("attribute title was changed by others meanwhile" in page.page().text, page.page().text)
        self.directory.change(f"dn: {self.entry('alice')['dn'][0]}\nchangetype: modify\nreplace: title\ntitle: Seen\n")
        browser.submit(page, "retry")
        self.done(plan)
        same(self.entry("alice")["title"], ["Mine"], "title")

    def form_deletes(self):
        browser, page = self.operator()
        shown = browser.submit(page, "preview", {"remove": "yes"})
        expect("changetype: delete" in shown.page().text, shown.page().text)
        wrong = browser.submit(shown, "apply", {"confirm": "bob"})
        same(wrong.status, 422, "status without confirmation")
        expect(self.entry("alice"), "the entry is gone")
        done = browser.submit(wrong, "apply", {"confirm": "alice"})
        same(done.status, 200, f"the order: {done.brief()}")
        until(lambda: self.entry("alice") is None, SOON, "the end of the entry")
        until(lambda: self.plans("alice")[0][1] == "done", SOON, "the plan")
        expect("No longer in the directory" in browser.get(page.url).page().text, "the page afterwards")

    def form_closed(self):
        person = Browser(self.daemon.issuer())
        page = person.get(f"{self.daemon.issuer()}/admin/people/{self.account('alice')}")
        page = person.submit(page, "login", {"username": "carol", "password": self.password})
        same(page.status, 403, "an approver who is no operator")

    def main(self):
        run = self.tests.run
        run("the daemon starts", self.start)
        run("attributes: a draft, shown, ordered, done", self.attributes)
        run("what may not be, or is so already, makes no plan", self.nothing)
        run("groups are joined and left", self.groups)
        run("moved, and groups follow", self.moved)
        run("disabled: the session ends; enabled again", self.disabled)
        run("changed by others meanwhile: parked, tried again, cancelled", self.changed_meanwhile)
        run("the directory is away: done when it is back", self.away)
        run("killed between steps: done once", self.killed)
        run("ended by date", self.ended)
        run("on the page: typed, seen, carried out", self.form_changes)
        run("on the page: what others change meanwhile is left alone", self.form_left_open)
        run("on the page: another plan by now is shown first", self.form_stale)
        run("on the page: parked, and tried again", self.form_parked)
        run("on the page: operators only", self.form_closed)
        run("on the page: deleted, once the name is typed", self.form_deletes)
        run("deleted by usherctl, once confirmed", self.deleted)
        run("a creation's plan is cancelled", self.cancelled_creation)
        run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(UpdateTests().main())

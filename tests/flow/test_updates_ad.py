#!/usr/bin/python3
"""Changes of people in Active Directory (Samba), and accounts that the domain ends by date. Must be started as root."""
import sys

from changes import SOON, Changes
from usher import ActiveDirectory, App, Browser, Stage, Tests, expect, same, until

MIDNIGHT = 864000000000  # a day in the ticks of a FILETIME
ENDS = 135745632000000000  # 2031-03-01


class UpdateTests(Changes):
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("updates-ad", ActiveDirectory)
        self.daemon, self.directory = self.stage.daemon, self.stage.directory
        self.former = f"OU=Former,{self.directory.v['PEOPLE']}"
        guest = self.daemon.config["realms"]["demo"]["profiles"]["guest"]
        guest.update(expires_after="90d", bases_allowed=[self.former])

    def start(self):
        self.directory.change(f"dn: {self.former}\nchangetype: add\nobjectClass: organizationalUnit\nou: Former\n")
        self.stage.start()
        until(lambda: self.daemon.feeds_fresh() == 1, SOON, "a feed that is fresh")

    def made(self):
        """With a date, which activation leaves."""
        self.walk = self.stage.account("guest")
        self.login = self.directory.login_of(self.walk.entry())
        ends = int(self.walk.entry()["accountexpires"][0])
        expect(ends > 0 and ends % MIDNIGHT == 0, ends)
        same(self.walk.entry()["useraccountcontrol"], ["512"], "userAccountControl")
        same(self.daemon.rows("SELECT expires_at FROM account WHERE login = ?", self.login), [(0,)], "the date that Usher keeps")

    def changed(self):
        vpn, guests = (f"CN={name},{self.directory.v['GROUPS']}" for name in ("vpn", "guests"))
        text, plan = self.change(self.login, "--set", "title=Head of Jørgen", "--set", "city=Oslo", "--leave", guests, "--join", vpn, "--move", self.former,
                                 "--ends", "2031-02-28", "--apply")
        for part in ("replace: accountExpires", "changetype: modrdn", "replace: l\n"):
            expect(part in text, f"{part} is not in {text}")
        self.done(plan)
        entry = self.entry(self.login)
        same((entry["title"], entry["l"], entry["accountexpires"]), (["Head of Jørgen"], ["Oslo"], [str(ENDS)]), "what was written")
        expect(entry["dn"][0].endswith("," + self.former), entry["dn"])
        same((self.directory.members("vpn").count(entry["dn"][0]), self.directory.members("guests").count(entry["dn"][0])), (1, 0), "memberships")

    def disabled(self):
        app = App(self.daemon.issuer())
        tokens = app.log_in(Browser(self.daemon.issuer()), self.login, self.walk.person.password)
        _, plan = self.change(self.login, "--disable", "--apply")
        self.done(plan)
        same(self.sessions(self.login), 0, "sessions right after the plan")
        same(app.refresh(tokens["refresh_token"])[0], 400, "refresh")
        same(self.entry(self.login)["useraccountcontrol"], ["514"], "userAccountControl")
        _, plan = self.change(self.login, "--enable", "--ends", "never", "--apply")
        self.done(plan)
        entry = self.entry(self.login)
        same((entry["useraccountcontrol"], entry["accountexpires"]), (["512"], ["0"]), "enabled, without an end")

    def killed(self):
        """kill -9 in the middle: the rest is done, nothing twice."""
        for number, point in enumerate(("ldap.change.sent:1", "ldap.change.answered:2", "job.run:1")):
            self.daemon.stop()
            self.daemon.start(USHER_FAILPOINT=point)
            _, plan = self.change(self.login, "--set", f"title=Number {number}", "--set", f"city=City {number}", "--apply")
            expect(self.daemon.dead(SOON), f"{point}: the daemon lives")
            self.daemon.start()
            self.done(plan)
            entry = self.entry(self.login)
            same((entry["title"], entry["l"]), ([f"Number {number}"], [f"City {number}"]), point)
            same(self.daemon.rows("SELECT count(*) FROM audit WHERE action = 'change.done' AND detail LIKE ?", f"%{plan}%"), [(1,)], f"{point}: audit")

    def deleted(self):
        dn = self.entry(self.login)["dn"][0]
        _, plan = self.change(self.login, "--delete", "--apply", "--confirm", self.login)
        self.done(plan)
        same(self.entry(self.login), None, "the entry")
        expect(dn not in self.directory.members("vpn"), "still a member")

    def main(self):
        run = self.tests.run
        run("the daemon starts", self.start)
        run("made with a date, which activation leaves", self.made)
        run("attributes, groups, place and last day", self.changed)
        run("disabled: the session ends; enabled again", self.disabled)
        run("killed between steps: done once", self.killed)
        run("deleted, once confirmed", self.deleted)
        run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(UpdateTests().main())

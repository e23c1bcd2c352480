#!/usr/bin/python3
"""Two controllers of one directory, one of which has not heard yet what the other has written: one account, whatever is lost.

Wants a daemon built with --enable-failpoints. On OpenLDAP and, as root, on Samba's Active Directory; an argument names one of them."""
import os
import sys
import time
import uuid

from kill import BROKEN, KillTests
from usher import ActiveDirectory, Directory, Mailbox, Person, Walk, expect, same, until

HEAL_S = 60
SECOND = 1.1  # Active Directory's times count seconds, and of two entries of one second chance says which is the older


class Two:
    """Of a directory with two controllers. Looks go to the one that was named last."""

    def look_at(self, node):
        self.uris = getattr(self, "uris", None) or self.v["URI"].split()
        self.v["URI"] = " ".join([self.uris[node - 1], *(u for u in self.uris if u != self.uris[node - 1])])

    def freeze_node(self, node):
        self.script("freeze", str(node))

    def thaw_node(self, node):
        self.script("thaw", str(node))

    def deafen(self):
        """The second hears nothing of what is written now, also when it is back."""
        self.freeze_node(2)

    def hear(self):
        self.thaw_node(2)


class TwoNodes(Two, Directory):
    def __init__(self, folder):
        super().__init__(folder, "--nodes", "2")

    def deafen(self):  # what is sent to a frozen slapd is read when it thaws
        self.script("stop", "2")

    def hear(self):
        self.script("start")

    def replicate(self):
        """It does so by itself."""

    @staticmethod
    def with_id(text):
        return f"(entryUUID={text})"


class TwoControllers(Two, ActiveDirectory):
    def __init__(self, folder):
        super().__init__(folder, "--dcs", "2")

    def replicate(self):
        self.script("replicate")

    @staticmethod
    def with_id(text):
        return "(objectGUID=" + "".join(f"\\{byte:02x}" for byte in uuid.UUID(text).bytes_le) + ")"


class ControllerTests(KillTests):
    def begun(self, name, point, lag):
        """A daemon that died at that point of the making of an account on the first controller, of which the second heard nothing."""
        directory, daemon = self.stage.directory, self.daemon(name)
        directory.look_at(1)
        daemon.config["realms"]["demo"]["directories"]["main"]["replication_lag"] = lag
        daemon.start(USHER_FAILPOINT=f"ldap.change.{point}:1")
        walk = Walk(daemon, directory, Mailbox(daemon.mailbox), "guest", Person(f"Vera{self.visited}"))
        walk.mail_wait = HEAL_S
        directory.deafen()
        try:
            for title, step in walk.steps_of_account():
                step()
                expect(title != "verified", "the daemon lives")
        except BROKEN:
            expect(daemon.dead(), "a broken connection, and the daemon lives")
        self.visited += 1
        self.ids.add(walk.id)
        until(lambda: self.found(1, walk) == 1, 10, "the entry on the first controller")
        directory.freeze_node(1)
        directory.hear()
        return daemon, walk

    def found(self, node, walk):
        self.stage.directory.look_at(node)
        return len(self.stage.directory.search(f"(mail={walk.person.mail})", "mail"))

    def rest(self, walk):
        for _, step in walk.steps_of_account():
            step()

    def everywhere(self, daemon, walk):
        """One entry, and the same, on both."""
        directory = self.stage.directory
        directory.replicate()
        seen = []
        for node in (1, 2):
            until(lambda: self.found(node, walk) == 1, HEAL_S, f"one entry on controller {node}")
            seen.append(directory.search(f"(employeeNumber={walk.id})", "entryUUID", "objectGUID")[0])
            self.finished(daemon, walk)
        same(seen[0], seen[1], "the entry on both")
        directory.look_at(1)

    def comes_back(self, point):
        """While the first controller is away and its time is not over, nothing is made on the second."""
        daemon, walk = self.begun(f"back-{point}", point, "1h")
        directory = self.stage.directory
        try:
            daemon.start()
            until(lambda: "replication_lag" in str(daemon.rows("SELECT failure FROM job WHERE kind = 'plan_apply'")), HEAL_S, "a job that waits")
            same(self.found(2, walk), 0, "entries on the second controller")
        finally:
            directory.thaw_node(1)
        directory.look_at(1)
        self.tried_again(daemon, lambda: walk.state != "approved", "the rest of the plan")
        self.rest(walk)
        self.everywhere(daemon, walk)
        same(daemon.stop(), 0, "the end")
        self.survived += 1

    @staticmethod
    def tried_again(daemon, look, what):
        """until(), while jobs that wait ever longer for a controller that was away are ordered by hand."""
        def seen():
            found = look()
            if not found:
                daemon.usherctl("job", "retry", "demo", "all")
                time.sleep(1)
            return found
        return until(seen, HEAL_S, what)

    def settled(self, daemon):
        self.tried_again(daemon, lambda: not daemon.rows("SELECT id FROM job WHERE kind = 'plan_settle'"), "the last look of a plan")

    def comes_too_late(self, point):
        """The first controller stays away beyond its time, and comes back with an entry that is one too many."""
        daemon, walk = self.begun(f"late-{point}", point, "3s")
        directory = self.stage.directory
        try:
            daemon.start()
            until(lambda: self.found(2, walk) == 1, HEAL_S, "an entry on the second controller")
            self.rest(walk)
        finally:
            directory.thaw_node(1)
        made = self.account(daemon, walk)
        directory.replicate()
        self.settled(daemon)
        self.everywhere(daemon, walk)
        same(self.account(daemon, walk), made, "the account's entry")
        same([e["dn"] for e in directory.search(directory.with_id(made[0]))], [walk.entry()["dn"]], "the entry of the account")
        expect("0ACNF" not in walk.entry()["dn"][0], f"a name of a conflict: {walk.entry()['dn']}")
        told = str(daemon.rows("SELECT title, diagnostic FROM plan_step"))
        same(daemon.stop(), 0, "the end")
        self.survived += 1
        return told

    @staticmethod
    def account(daemon, walk):
        return daemon.rows("SELECT stable_id, sub FROM account WHERE mail = ?", walk.person.mail)[0]

    def takes_the_name(self):
        """The first controller, which hung for long, carries the add out when it is back: the newer entry gets the name, and the person's loses it."""
        directory, daemon = self.stage.directory, self.daemon("name")
        daemon.config["realms"]["demo"]["directories"]["main"]["replication_lag"] = "5s"
        directory.freeze_node(1)
        directory.look_at(2)
        daemon.start()
        walk = Walk(daemon, directory, Mailbox(daemon.mailbox), "guest", Person("Nora"))
        walk.mail_wait = HEAL_S
        self.rest(walk)
        self.ids.add(walk.id)
        made, named = self.account(daemon, walk), walk.entry()
        time.sleep(SECOND)
        directory.freeze_node(2)
        directory.look_at(1)
        directory.thaw_node(1)
        directory.change(f"dn: {named['dn'][0]}\nchangetype: add\nobjectClass: user\nsAMAccountName: {directory.login_of(named)}\n"
                         f"employeeNumber: {walk.id}\nmail: {walk.person.mail}\nuserAccountControl: 514\n\n")
        directory.thaw_node(2)
        directory.replicate()
        self.settled(daemon)
        self.everywhere(daemon, walk)
        same([e["dn"] for e in directory.search(directory.with_id(made[0]))], [named["dn"]], "the entry of the account")
        told = str(daemon.rows("SELECT diagnostic FROM plan_step"))
        expect("has its name again" in told, f"the name was not lost: {told}")
        same(daemon.stop(), 0, "the end")
        return f"{named['dn'][0]} has its name again"

    def gives_way(self):
        """Somebody takes the login name on the second controller, before the first, which takes it for ours, hears of that."""
        directory, daemon = self.stage.directory, self.daemon("race")
        daemon.config["realms"]["demo"]["directories"]["main"]["replication_lag"] = "5s"
        daemon.start()
        walk = Walk(daemon, directory, Mailbox(daemon.mailbox), "guest", Person("Rachel"))
        steps = dict(walk.steps_of_account())
        for title in ("registered", "mail arrived", "link opened"):
            steps[title]()
        directory.freeze_node(1)
        directory.look_at(2)
        directory.change(f"dn: CN=Another Walker,{directory.v['PEOPLE']}\nchangetype: add\nobjectClass: user\nsAMAccountName: rwalker\n\n")
        time.sleep(SECOND)
        directory.freeze_node(2)
        directory.look_at(1)
        directory.thaw_node(1)
        steps["verified"]()
        walk.await_state("provisioned")
        first, before = walk.entry(), self.account(daemon, walk)
        self.ids.add(walk.id)
        same(first["samaccountname"], ["rwalker"], "the name that both controllers took")
        directory.thaw_node(2)
        directory.replicate()
        self.tried_again(daemon, lambda: self.account(daemon, walk)[0] != before[0], "another entry of the account")
        walk.await_state("provisioned")
        walk.straight = None
        for _, step in walk.steps():  # to the login at an application, and its end
            step()
        same(self.account(daemon, walk)[1], before[1], "sub")
        expect(walk.entry()["samaccountname"] != ["rwalker"], "both have the name")
        same(len(directory.search("(sAMAccountName=rwalker)")), 1, "entries with the name")
        self.settled(daemon)
        self.everywhere(daemon, walk)
        same(daemon.stop(), 0, "the end")
        return f"{first['dn'][0]} gave way, and is {walk.entry()['dn'][0]}"

    def both_thawed(self, check):
        """The next check finds both controllers awake, whatever this one came to."""
        try:
            return check()
        finally:
            for node in (1, 2):
                self.stage.directory.thaw_node(node)

    def main(self):
        directory = self.stage.directory
        directory.replicate()  # the seed, which the second may not have heard of
        for point in ("sent", "answered"):
            self.tests.run(f"{directory.title}: the add was {point}, the controller goes and comes back", self.comes_back, point)
            self.tests.run(f"{directory.title}: the add was {point}, the controller comes back too late", self.comes_too_late, point)
        if isinstance(directory, TwoControllers):
            self.tests.run(f"{directory.title}: the add is carried out late, and takes the name", self.both_thawed, self.takes_the_name)
            self.tests.run(f"{directory.title}: two controllers take one login name", self.both_thawed, self.gives_way)
        directory.stop()
        print(f"kill points: {self.visited} visited, {self.survived} survived")
        return self.tests.end()


def main():
    stages = {"two_ol": TwoNodes, "two_ad": TwoControllers}
    if os.geteuid() != 0:
        print("# Samba is left out: it must be started as root")
        del stages["two_ad"]
    return any([ControllerTests(name, stages[name]).main() for name in sys.argv[1:] or stages])


sys.exit(main())

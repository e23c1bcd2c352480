#!/usr/bin/python3
"""kill -9 while an account is made, and trouble before the daemon is back: one entry, whole, and a walk that ends once the trouble has.

Wants a daemon built with --enable-failpoints. FAULTS=all kills at every LDAP operation of the making, else at a few."""
import os
import subprocess
import sys
import time

from kill import BROKEN, KillTests
from usher import Directory, Failed, Mailbox, Walk, at_end, expect, same, until

SHORT = 2      # points of each trouble
TROUBLE_S = 3  # how long the daemon runs in it
HEAL_S = 40    # and may need afterwards
DISK_KB = 2048
LEASE_S = 120   # a job whose end could not be written is run again when its lease is over


class TwoNodes(Directory):
    """Looks go to the node that runs."""

    def __init__(self, folder):
        super().__init__(folder, "--nodes", "2")
        self.uris = []

    def look_at(self, node):
        self.uris = self.uris or self.v["URI"].split()
        self.v["URI"] = " ".join([self.uris[node - 1], *(u for u in self.uris if u != self.uris[node - 1])])


class FaultTests(KillTests):
    def step_until(self, daemon, step, seconds):
        """The step; what the trouble left behind may refuse it for a while."""
        end = time.monotonic() + seconds
        while True:
            try:
                return step()
            except Failed:
                if time.monotonic() > end or not daemon.running():
                    raise
                time.sleep(1)

    def window(self):
        """Numbers of the LDAP operations' points from the decision until the entry is there."""
        daemon = self.daemon("count")
        path, begin, end = os.path.join(daemon.folder, "hits"), 0, 0
        daemon.start(USHER_FAILPOINT_LOG=path)
        walk = Walk(daemon, self.stage.directory, Mailbox(daemon.mailbox), "partner")
        for name, step in walk.steps_of_account():
            step()
            with open(path, encoding="utf-8") as f:
                lines = f.read().splitlines()
            begin, end = (len(lines) if name == "verified" else begin), (len(lines) if name == "provisioned" else end)
        self.finished(daemon, walk)
        same(daemon.stop(), 0, "the end")
        found = [i + 1 for i in range(begin, end) if lines[i].split()[1].startswith("ldap.")]
        if os.environ.get("FAULTS") == "all":
            return found
        return [found[(i + 1) * len(found) // (SHORT + 1)] for i in range(SHORT)]

    def troubled(self, title, number, begin, end):
        daemon, deaths = self.daemon(f"{title}-{number}"), 0
        daemon.config["realms"]["demo"]["directories"]["main"]["replication_lag"] = f"{TROUBLE_S}s"
        daemon.start(USHER_FAILPOINT=str(number))
        walk = Walk(daemon, self.stage.directory, Mailbox(daemon.mailbox), "partner")
        walk.mail_wait = HEAL_S
        try:
            for _, step in walk.steps_of_account():
                try:
                    self.step_until(daemon, step, HEAL_S if deaths else 0)
                except BROKEN:
                    if deaths or not daemon.dead():
                        raise
                    deaths = 1
                    self.in_trouble(daemon, begin, end)
                    self.step_until(daemon, step, HEAL_S)
        finally:
            self.ids |= {walk.id} - {None}
        self.visited += deaths
        same(deaths, 1, "deaths")
        self.finished(daemon, walk)
        daemon.stop()
        self.survived += deaths

    @staticmethod
    def in_trouble(daemon, begin, end):
        begin()
        try:
            daemon.start()
            time.sleep(TROUBLE_S)
        finally:
            end()

    def failed_over(self, number):
        """The first node goes when the daemon dies, and comes back when the walk is over; both nodes then hold the same."""
        directory = self.stage.directory

        def first_goes():
            directory.script("stop", "1")
            directory.look_at(2)
        try:
            self.troubled("over", number, first_goes, lambda: None)
        finally:
            directory.start()
        wanted = self.ids
        for node in (1, 2):
            directory.look_at(node)
            until(lambda: {e["employeenumber"][0] for e in directory.search("(employeeNumber=*)", "employeeNumber")} == wanted, 20, f"replication to {node}")
            self.no_orphans()
        directory.look_at(1)

    def disk_full(self):
        """The store's file system has no room when a step comes, and has it again; the short form fills it once."""
        whole = os.environ.get("FAULTS") == "all"
        daemon = self.daemon("full")
        disk = os.path.join(daemon.folder, "disk")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_KB}k", "tmpfs", disk], check=True)
        at_end(lambda: subprocess.run(["umount", "-l", disk], check=False, capture_output=True))
        daemon.config["store"]["path"], daemon.database = "disk/usher.db", os.path.join(disk, "usher.db")
        daemon.start()
        walk = Walk(daemon, self.stage.directory, Mailbox(daemon.mailbox), "partner")
        walk.mail_wait = LEASE_S
        filler = os.path.join(disk, "filler")
        for name, step in walk.steps_of_account():
            if name in ("registered", "verified", "approved", "activated") if whole else name == "activated":
                walk.mail_wait = TROUBLE_S
                self.fill(filler)
                print(f"# without room, {name}: {self.refused(step)}")
                os.unlink(filler)
                walk.mail_wait = LEASE_S
            self.step_until(daemon, step, LEASE_S)
        self.ids.add(walk.id)
        self.finished(daemon, walk)
        same(daemon.stop(), 0, "the end")

    @staticmethod
    def refused(step):
        try:
            return step()
        except Failed as error:
            return str(error).split("\n", maxsplit=1)[0]

    @staticmethod
    def fill(path):
        with open(path, "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 512):
                    pass
            except OSError:
                pass

    def main(self):
        run, directory = self.tests.run, self.stage.directory
        over = isinstance(directory, TwoNodes)
        for number in run("the points are counted", self.window) or []:
            if over:
                run(f"killed at point {number}, fail-over", self.failed_over, number)
                continue
            run(f"killed at point {number}, frozen", self.troubled, "frozen", number, directory.freeze, directory.thaw)
            run(f"killed at point {number}, stopped", self.troubled, "stopped", number, directory.stop, directory.start)
        if not over and os.geteuid() == 0:
            run("the disk is full", self.disk_full)
        elif not over:
            print("# the full disk is left out: whoever mounts it must be root")
        directory.stop()
        expect(self.visited == self.survived or self.tests.bad, "a point was not survived, and no test failed")
        print(f"kill points: {self.visited} visited, {self.survived} survived")
        return self.tests.bad


def main():
    """An argument names one of the two stages."""
    stages = {"faults": Directory, "faults2": TwoNodes}
    bad = 0
    for name in sys.argv[1:] or stages:
        one = FaultTests(name, stages[name])
        bad += one.main()
        one.tests.end()
    return 1 if bad else 0


sys.exit(main())

#!/usr/bin/python3
"""kill -9 at job and commit boundaries of a whole registration, approval and activation; then a restart, and the walk goes on from what stands.

Wants a daemon built with --enable-failpoints. FAULTS=all visits every point, else a few that are spread."""
import http.client
import os
import sys

from usher import BUILD, Daemon, Gone, Mailbox, Stage, Tests, Walk, expect, same

SHORT = 12
BROKEN = (ConnectionError, http.client.HTTPException, Gone)


class KillTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("kill")
        self.visited = self.survived = 0
        self.ids = set()

    def daemon(self, name):
        return Daemon(os.path.join(self.stage.folder, name), self.stage.directory)

    def walk_on(self, daemon, walk):
        """All steps; where the daemon died under one, it is started again and the step is done again. Returns how often it died."""
        deaths = 0
        for _, step in walk.steps_of_account():
            while True:
                try:
                    step()
                    break
                except BROKEN as error:
                    if not daemon.dead():
                        raise
                    deaths += 1
                    expect(deaths == 1, f"the daemon died again: {error!r}\n{daemon.tail()}")
                    daemon.start()
        return deaths

    def hits(self):
        """The names of the points of one whole walk, in order."""
        daemon = self.daemon("count")
        path = os.path.join(daemon.folder, "hits")
        daemon.start(USHER_FAILPOINT_LOG=path)
        walk = Walk(daemon, self.stage.directory, Mailbox(daemon.mailbox), "partner")
        same(self.walk_on(daemon, walk), 0, "deaths without a failpoint")
        self.finished(daemon, walk)
        same(daemon.stop(), 0, "the end")
        expect(os.path.exists(path), f"{BUILD}/usherd has no failpoints: configure --enable-failpoints")
        with open(path, encoding="utf-8") as f:
            return [line.split()[1] for line in f]

    def killed(self, number):
        daemon = self.daemon(f"point-{number}")
        deaths = 0
        try:
            daemon.start(USHER_FAILPOINT=str(number))
        except Exception:  # pylint: disable=broad-except
            if not daemon.dead():
                raise
            deaths = 1  # in the middle of its start
            daemon.start()
        walk = Walk(daemon, self.stage.directory, Mailbox(daemon.mailbox), "partner")
        try:
            deaths += self.walk_on(daemon, walk)
        finally:
            self.ids |= {walk.id} - {None}
        self.visited += deaths
        self.finished(daemon, walk)
        daemon.stop()
        self.survived += deaths

    def finished(self, daemon, walk):
        """One account, one entry that is whole, one mail of each kind, and nothing left over."""
        mail, entry = walk.person.mail, walk.entry()
        rows = daemon.registrations(mail)
        same(walk.state, "active", "state")
        self.ids.add(walk.id)
        same(len(self.stage.directory.search(f"(mail={mail})")), 1, f"entries with the mail {mail}")
        same(len(daemon.rows("SELECT id FROM account WHERE mail = ?", mail)), 1, "accounts")
        same(self.stage.directory.members("partners").count(entry["dn"][0]), 1, "memberships in partners")
        self.no_orphans()
        letters = walk.box.letters()
        for to, path, wanted in ((mail, "/verify", len(rows)), (mail, "/status", 1), (mail, "/activate", 1), (mail, "/login", 1),
                                 (f"{walk.approver_name}@example.test", f"/admin/registrations/{walk.id}", 1)):
            found = {m.id for m in letters if m.to == to and m.has_link(path)}
            same(len(found), wanted, f"mails to {to} with a link to {path}")
        same(daemon.rows("SELECT kind, failure FROM job WHERE state = 'parked'"), [], "parked jobs")

    def no_orphans(self):
        """Every entry with a marker is of a registration that finished; every member of the group exists."""
        marked = self.stage.directory.search("(employeeNumber=*)", "employeeNumber")
        same({e["employeenumber"][0] for e in marked}, self.ids, "markers in the directory")
        same(len(marked), len(self.ids), "entries with a marker")
        people = {e["dn"][0] for e in marked}
        members = [m for m in self.stage.directory.members("partners") if not m.startswith("cn=nobody,")]
        same(sorted(members), sorted(people), "members of partners")

    def points(self, names):
        if os.environ.get("FAULTS") == "all":
            return range(1, len(names) + 1)
        return sorted({1 + i * (len(names) - 1) // (SHORT - 1) for i in range(SHORT)})

    def main(self):
        names = self.tests.run("the points are counted", self.hits)
        for number in self.points(names) if names else []:
            self.tests.run(f"killed at point {number} of {len(names)}, {names[number - 1]}", self.killed, number)
        self.stage.directory.stop()
        code = self.tests.end()
        print(f"kill points: {self.visited} visited, {self.survived} survived")
        return code or self.visited == 0


sys.exit(KillTests().main())

"""kill -9 at job and commit boundaries of a whole registration, approval and activation; then a restart, and the walk goes on from what stands.

Wants a daemon built with --enable-failpoints. FAULTS=all visits every point, FAULTS=N as many of each walk, spread; else a few. Each
change of the directory is visited always, when it was sent and when it was answered."""
import http.client
import os
import shutil

from usher import BUILD, Daemon, Directory, Gone, Mailbox, Stage, Tests, Walk, expect, same

SHORT = 6  # points of each walk, besides every change of the directory
CHANGE = "ldap.change."
GROUPS = {"guest": "guests", "partner": "partners"}
BROKEN = (ConnectionError, http.client.HTTPException, Gone)


class KillTests:
    """name: of the folder; make: the class of the directory."""

    def __init__(self, name="kill", make=Directory):
        self.tests, self.stage = Tests(), Stage(name, make)
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

    def hits(self, profile):
        """The names of the points of one whole walk, in order."""
        daemon = self.daemon(f"count-{profile}")
        path = os.path.join(daemon.folder, "hits")
        daemon.start(USHER_FAILPOINT_LOG=path)
        walk = Walk(daemon, self.stage.directory, Mailbox(daemon.mailbox), profile)
        same(self.walk_on(daemon, walk), 0, "deaths without a failpoint")
        self.finished(daemon, walk)
        same(daemon.stop(), 0, "the end")
        expect(os.path.exists(path), f"{BUILD}/usherd has no failpoints: configure --enable-failpoints")
        with open(path, encoding="utf-8") as f:
            return [line.split()[1] for line in f]

    def killed(self, profile, names, number):
        name = names[number - 1]
        daemon = self.daemon(f"{profile}-{number}")
        deaths = 0
        try:
            daemon.start(USHER_FAILPOINT=f"{name}:{names[:number].count(name)}")
        except Exception:  # pylint: disable=broad-except
            if not daemon.dead():
                raise
            deaths = 1  # in the middle of its start
            daemon.start()
        walk = Walk(daemon, self.stage.directory, Mailbox(daemon.mailbox), profile)
        try:
            deaths += self.walk_on(daemon, walk)
        finally:
            self.ids |= {walk.id} - {None}
        if name.startswith(CHANGE):  # these are the same in each walk; others come more or less often
            same(deaths, 1, "deaths")
        self.visited += deaths
        self.finished(daemon, walk)
        daemon.stop()
        shutil.rmtree(daemon.folder)
        self.survived += deaths

    def finished(self, daemon, walk):
        """One account, one entry that is whole, one mail of each kind, and nothing left over."""
        mail, entry = walk.person.mail, walk.entry()
        rows = daemon.registrations(mail)
        same(walk.state, "active", "state")
        self.ids.add(walk.id)
        same(len(self.stage.directory.search(f"(mail={mail})")), 1, f"entries with the mail {mail}")
        same(len(daemon.rows("SELECT id FROM account WHERE mail = ?", mail)), 1, "accounts")
        same(self.stage.directory.members(GROUPS[walk.profile]).count(entry["dn"][0]), 1, f"memberships in {GROUPS[walk.profile]}")
        self.no_orphans()
        wanted = [(mail, "/login", 1)]
        if walk.profile == "partner":  # a guest asks for mails again, where the answer was lost that leads on without one
            wanted += [(mail, "/verify", len(rows)), (mail, "/status", 1), (mail, "/activate", 1),
                       (f"{walk.approver_name}@example.test", f"/admin/registrations/{walk.id}", 1)]
        letters = walk.box.letters()
        for to, path, count in wanted:
            found = {m.id for m in letters if m.to == to and m.has_link(path)}
            same(len(found), count, f"mails to {to} with a link to {path}")
        same(daemon.rows("SELECT kind, failure FROM job WHERE state = 'parked'"), [], "parked jobs")

    def no_orphans(self):
        """Every entry with a marker is of a registration that finished; every member of the groups exists."""
        marked = self.stage.directory.search("(employeeNumber=*)", "employeeNumber")
        same({e["employeenumber"][0] for e in marked}, self.ids, "markers in the directory")
        same(len(marked), len(self.ids), "entries with a marker")
        people = {e["dn"][0] for e in marked}
        members = [m for group in GROUPS.values() for m in self.stage.directory.members(group) if not m.startswith("cn=nobody,")]
        same(sorted(members), sorted(people), "members of the groups")

    def points(self, names):
        wanted = os.environ.get("FAULTS", SHORT)
        if wanted == "all":
            return range(1, len(names) + 1)
        changes = {i + 1 for i, name in enumerate(names) if name.startswith(CHANGE)}
        return sorted(changes | {1 + i * (len(names) - 1) // (int(wanted) - 1) for i in range(int(wanted))})

    def main(self):
        for profile in GROUPS:
            names = self.tests.run(f"{profile}: the points are counted", self.hits, profile)
            for number in self.points(names) if names else []:
                self.tests.run(f"{profile}: killed at point {number} of {len(names)}, {names[number - 1]}", self.killed, profile, names, number)
        self.stage.directory.stop()
        code = self.tests.end()
        print(f"kill points: {self.visited} visited, {self.survived} survived")
        return code or self.visited == 0

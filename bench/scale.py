#!/usr/bin/python3
"""A directory of 100,000 people in OpenLDAP whose accounts are all linked: how long the feed's first pass takes, what memory usherd needs, what CPU
following costs, and what logins take beside the first pass and without it. usage: scale.py [--entries N] [--linked N] [--seconds N] [--steady N]

The entries are made by slapadd while slapd is down, and the accounts are written into the store while usherd is down: as if everybody had logged in once.
An account that nobody has linked is not mirrored."""
import argparse
import math
import os
import random
import sqlite3
import subprocess
import sys
import time

import stand
from stand import directories

GROUP_OF = 500  # members of each group
USERS, PAUSE_MS = 4, 80  # some 45 logins a second: a machine that is full of logins alone would tell nothing
CHANGES_S = 10
CHANGES_EACH_S = 20
PASS_S = 600    # the first pass, at most
PERSON = """dn: {dn}
objectClass: inetOrgPerson
uid: {login}
cn: Person {login}
givenName: Person
sn: Number {n}
displayName: Person {login}
mail: {login}@bench.test
telephoneNumber: +49 30 {n:08d}
o: Example Corporation
employeeType: staff
userPassword: {password}
entryUUID: {uuid}

"""


class Scale:
    def __init__(self, options):
        self.o = options
        self.stand = stand.Stand("openldap")
        self.daemon, self.directory = self.stand.daemon, self.stand.directory
        self.v = self.directory.v
        main = self.stand.realm["directories"]["main"]
        main.update(feed_bind_dn=self.v["FEED_DN"], feed_bind_password_file="feed.password")
        with open(os.open(os.path.join(self.daemon.folder, "feed.password"), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(self.v["FEED_PASSWORD"])

    # ---- what is there before ----
    def dn(self, i):
        return f"uid=s{i:05d},{self.v['PEOPLE']}"

    @staticmethod
    def uuid(i):
        return f"5ca1ab1e-0000-4000-8000-{i:012x}"

    def write_ldif(self, path):
        password = stand.ssha(stand.PASSWORD)
        with open(path, "w", encoding="ascii") as f:
            for i in range(self.o.entries):
                f.write(PERSON.format(dn=self.dn(i), login=f"s{i:05d}", n=i, password=password, uuid=self.uuid(i)))
            for g in range(math.ceil(self.o.entries / GROUP_OF)):
                f.write(f"dn: cn=load-{g},{self.v['GROUPS']}\nobjectClass: groupOfNames\ncn: load-{g}\n")
                f.writelines(f"member: {self.dn(i)}\n" for i in range(g * GROUP_OF, min((g + 1) * GROUP_OF, self.o.entries)))
                f.write("\n")

    def fill_directory(self):
        ldif, conf = os.path.join(self.stand.folder, "people.ldif"), os.path.join(self.directory.folder, "data", "node1", "slapd.conf")
        self.write_ldif(ldif)
        self.directory.stop()
        began = time.monotonic()
        done = subprocess.run(["slapadd", "-q", "-f", conf, "-b", self.v["BASE"], "-l", ldif], capture_output=True, text=True, check=False,
                              env={**os.environ, "PATH": directories.PATH})
        if done.returncode:
            raise stand.Failed(f"slapadd: {done.stderr[-500:]}")
        os.unlink(ldif)
        self.directory.start()
        return time.monotonic() - began

    def link_accounts(self):
        self.daemon.start().stop()
        self.forget()  # it may have been fast enough to follow a directory in which nobody was linked
        now = int(time.time() * 1000)
        with sqlite3.connect(self.daemon.database) as db:
            db.executemany("INSERT INTO account (realm, id, directory, stable_id, sub, dn, login, mail, created_at, last_login_at, login_key, search) "
                           "VALUES ('demo', ?, 'main', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                           ((f"LOAD{i:022d}", self.uuid(i), f"bench-{i}", self.dn(i), f"s{i:05d}", f"s{i:05d}@bench.test", now, now, f"s{i:05d}",
                             f"s{i:05d}\ns{i:05d}@bench.test\n") for i in range(self.o.linked)))

    def forget(self):
        """The next start has everything told anew."""
        with sqlite3.connect(self.daemon.database) as db:
            db.execute("DELETE FROM mirror")
            db.execute("DELETE FROM feed")

    # ---- measuring ----
    def cpu(self):
        return stand.group_cpu_s(self.daemon.process.pid), stand.group_cpu_s(self.directory.pid)

    def mirrored(self):
        return self.daemon.rows("SELECT count(*) FROM mirror WHERE attributes <> ''")[0][0]

    def store_mib(self):
        paths = (self.daemon.database + end for end in ("", "-wal"))
        return sum(os.path.getsize(path) for path in paths if os.path.exists(path)) / 2**20

    def first_pass(self):
        """Seconds from the start of usherd until the feed is followed."""
        before = stand.group_cpu_s(self.directory.pid)
        began = time.monotonic()
        self.daemon.start()
        ready = time.monotonic() - began
        idle = stand.memory_mib(self.daemon.process.pid)
        self.stand.await_feed(PASS_S)
        took, (cpu, directory) = time.monotonic() - began, self.cpu()
        if self.mirrored() < self.o.linked:
            raise stand.Failed(f"{self.mirrored()} of {self.o.linked} accounts are mirrored")
        print(f"first pass of the feed, {self.o.entries} entries, {self.o.linked} accounts linked: {took:.1f} s ({self.o.entries / took:.0f} entries/s), "
              f"ready after {ready * 1000:.0f} ms; CPU of usherd {cpu:.1f} s, of slapd {directory - before:.1f} s", flush=True)
        print(f"memory of usherd: {idle:.1f} MiB when ready, peak {stand.memory_mib(self.daemon.process.pid):.1f} MiB in the first pass, "
              f"{stand.memory_mib(self.daemon.process.pid, 'VmRSS'):.1f} MiB after it; of slapd {stand.memory_mib(self.directory.pid, 'VmRSS'):.0f} MiB; "
              f"the store {self.store_mib():.0f} MiB", flush=True)
        return took

    def steady(self):
        before = self.cpu()
        time.sleep(self.o.steady)
        usherd, slapd = (100 * (b - a) / self.o.steady for a, b in zip(before, self.cpu()))
        print(f"following, nothing changes, {self.o.steady} s: CPU of usherd {usherd:.2f} %, of slapd {slapd:.2f} % of a core", flush=True)

    def changing(self):
        changes, before, began = stand.Changes(self.directory), self.cpu(), time.monotonic()
        n = CHANGES_S * CHANGES_EACH_S
        for i in range(n):
            time.sleep(max(0, began + i / CHANGES_EACH_S - time.monotonic()))
            changes.send(f"dn: {self.dn(random.randrange(self.o.linked))}\nchangetype: modify\nreplace: telephoneNumber\ntelephoneNumber: +49 30 9{i:07d}\n")
        time.sleep(1)
        took = time.monotonic() - began
        usherd, slapd = (100 * (b - a) / took for a, b in zip(before, self.cpu()))
        changes.end()
        print(f"following, {CHANGES_EACH_S} changes of people a second: CPU of usherd {usherd:.1f} %, of slapd {slapd:.1f} % of a core", flush=True)

    def logins(self, seconds):
        return self.stand.load("login", USERS, seconds, warm_up=0, pause=PAUSE_MS, logins="s", n_logins=self.o.entries)

    def logins_beside(self, seconds):
        self.daemon.stop()
        self.forget()
        self.daemon.start()
        got = self.logins(seconds)
        if self.daemon.feeds_fresh() > 0:
            print("  (the first pass ended before the logins)", flush=True)
        self.stand.await_feed(PASS_S)
        return got

    def main(self):
        took = self.fill_directory()
        print(f"slapadd of {self.o.entries} entries: {took:.1f} s", flush=True)
        self.link_accounts()
        took = self.first_pass()
        self.steady()
        self.changing()
        seconds = self.o.seconds or max(1, min(60, int(took)))
        without, beside = self.logins(seconds), self.logins_beside(seconds)
        stand.row("login, many entries", without)
        beside = {name: beside[name] for name in ("per_s", "p50_us", "p99_us", "peak_kib")}  # what it costs is the feed's too
        stand.row("login, in the first pass", beside, f"p99 without it {without['p99_us'] / 1000:.1f} ms", beside["p99_us"] / without["p99_us"],
                  "p99 not slower")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100000)
    parser.add_argument("--linked", type=int, default=0, help="accounts linked (default: all)")
    parser.add_argument("--seconds", type=int, default=0, help="of logins (default: as long as the first pass takes)")
    parser.add_argument("--steady", type=int, default=30)
    options = parser.parse_args()
    options.linked = options.linked or options.entries
    if not 1 <= options.linked <= options.entries <= 100000:
        parser.error("1 to 100000 entries, of which as many at most are linked")
    Scale(options).main()


sys.exit(stand.run(main))

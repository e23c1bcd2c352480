#!/usr/bin/python3
"""How many plans a second are carried out when a backlog waits: name found, entry made, group joined, all read back, recorded; beside the rate at which
the directory adds entries, and adds them with a group, durably. usage: provision.py openldap|active_directory [PLANS [SECONDS]]

The backlog is written into the store while the daemon is down: registrations that a rule has approved, each with its job."""
import json
import sqlite3
import sys
import time

import stand

ADDRESS = "127.0.0.1"
WAIT_S = 300
WORKERS = 4  # server.job_workers, its default
DURABLE = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcDbNoSync\nolcDbNoSync: FALSE\n"
INDEX = "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcDbIndex\nolcDbIndex: employeeNumber eq\n"


class Run:
    def __init__(self, make, plans, seconds):
        self.plans, self.seconds = plans, seconds
        self.stand = stand.Stand(make)
        self.daemon, self.v = self.stand.daemon, self.stand.directory.v
        if make == "openldap":  # the script of the tests does not sync; an administrator indexes what look-ups go by
            self.stand.cn_config(DURABLE)
            self.stand.cn_config(INDEX)

    def backlog(self):
        """A store that the daemon has made, with the registrations in it."""
        self.daemon.start().stop()
        now = int(time.time() * 1000)
        with sqlite3.connect(self.daemon.database) as db:
            for i in range(self.plans):
                made_id, mail = f"LOAD{i:022d}", f"u{i}.load@bench.test"
                fields = json.dumps({"given_name": "Ann", "family_name": f"Load{i:06d}", "mail": mail})
                db.execute("INSERT INTO registration (realm, id, profile, state, mail, mail_key, fields, decided_by, decided_at, address, created_at, "
                           "updated_at, verified_at, version) VALUES ('demo', ?, 'guest', 'approved', ?, ?, ?, 'bench', ?, ?, ?, ?, ?, 1)",
                           (made_id, mail, mail, fields, now, ADDRESS, now, now, now))
                db.execute("INSERT INTO job (id, realm, kind, subject, body, due_at, created_at, next_at) VALUES (?, 'demo', 'plan_apply', ?, '{}', ?, ?, ?)",
                           (f"JOB{made_id}", made_id, now, now, now))

    def await_plans(self):
        end = time.monotonic() + WAIT_S
        while True:
            left, = self.daemon.rows("SELECT count(*) FROM registration WHERE state = 'approved'")[0]
            if not left:
                return
            if time.monotonic() > end:
                raise stand.Failed(f"{left} plans are not carried out after {WAIT_S} s:\n{self.daemon.tail()}")
            time.sleep(0.1)

    def carried_out(self):
        """The figures of a row. The times are those that the rows tell, the costs those of the daemon's whole life."""
        before = stand.group_cpu_s(self.stand.directory.pid)
        self.daemon.start()
        self.await_plans()
        cpu, directory = stand.group_cpu_s(self.daemon.process.pid), stand.group_cpu_s(self.stand.directory.pid) - before
        times = sorted(at for at, in self.daemon.rows("SELECT updated_at FROM registration WHERE state = 'provisioned'"))
        if len(times) != self.plans:
            raise stand.Failed(f"{len(times)} of {self.plans} plans were carried out:\n{self.daemon.tail()}")
        return {"per_s": (len(times) - 1) / max(times[-1] - times[0], 1) * 1000, "cpu_us": cpu / self.plans * 1e6,
                "directory_cpu_us": directory / self.plans * 1e6, "peak_kib": stand.memory_mib(self.daemon.process.pid) * 1024}

    def limits(self):
        """Adds a second on one connection and on as many as there are workers, and with a group."""
        one = self.stand.limit("add", self.seconds, threads=1, logins="x")["per_s"]
        many = self.stand.limit("add", self.seconds, threads=WORKERS, logins="y")["per_s"]
        group = self.stand.limit("addmember", self.seconds, threads=WORKERS, logins="z", group=f"cn=partners,{self.v['GROUPS']}")["per_s"]
        return one, many, group

    def main(self):
        self.backlog()
        got = self.carried_out()
        self.daemon.stop()
        one, many, group = self.limits()
        stand.row(f"provision {self.stand.make}", got, f"adds/s: {one:.0f} on 1, {many:.0f} on {WORKERS}; with group {group:.0f}",
                  got["per_s"] / max(one, many), f">= 0.50; of adds with group: {got['per_s'] / group:.2f}")


def main():
    make = sys.argv[1] if len(sys.argv) > 1 else "openldap"
    plans = int(sys.argv[2]) if len(sys.argv) > 2 else 500
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 2
    if stand.available(make):
        Run(make, plans, seconds).main()


sys.exit(stand.run(main))

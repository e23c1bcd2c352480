#!/usr/bin/python3
"""How long a person who is disabled in the directory can still refresh: from the end of ldapmodify, shortly after the
directory's answer to the change, until the first refused refresh. usage: latency.py openldap|active_directory [PEOPLE]; BUILD names the folder of the programs."""
import os
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))

from usher import App, Browser, Daemon  # noqa: E402  pylint: disable=wrong-import-position
import directory as directories  # noqa: E402  pylint: disable=wrong-import-position

DISABLE = {
    "openldap": "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n",
    "active_directory": "replace: userAccountControl\nuserAccountControl: 514\n",
}
PERSON = """dn: uid={name},{base}
changetype: add
objectClass: inetOrgPerson
uid: {name}
cn: {name}
sn: Latency
mail: {name}@example.test
userPassword: {password}

"""
PAUSE_S = 0.002


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


class Run:
    def __init__(self, make, people, folder):
        self.make = make
        self.directory = directories.Directory(os.path.join(folder, "ldap"))
        self.directory.start()
        self.daemon = Daemon(os.path.join(folder, "usher"), self.directory, registrations_per_address=100000)
        self.names = [f"late{i:04d}" for i in range(people)]
        self.add_people()
        self.daemon.start()

    def add_people(self):
        base, password = self.directory.v["OL_PEOPLE"], self.directory.v["OL_USER_PASSWORD"]
        self.directory.change("".join(PERSON.format(name=n, base=base, password=password) for n in self.names))

    def one(self, name):
        issuer = self.daemon.issuer()
        app = App(issuer)
        tokens = app.log_in(Browser(issuer), name, self.directory.v["OL_USER_PASSWORD"])
        dn = f"uid={name},{self.directory.v['OL_PEOPLE']}"
        self.directory.change(f"dn: {dn}\nchangetype: modify\n{DISABLE[self.make]}\n")
        began = time.monotonic()
        while time.monotonic() - began < 30:
            status, answer = app.refresh(tokens["refresh_token"])
            if status != 200:
                return time.monotonic() - began
            tokens = answer
            time.sleep(PAUSE_S)
        raise SystemExit(f"{name} can refresh for 30 s")

    def measure(self):
        while self.daemon.feeds_fresh() < 1:
            time.sleep(0.05)
        return [self.one(name) for name in self.names]


def main():
    make = sys.argv[1] if len(sys.argv) > 1 else "openldap"
    people = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    with tempfile.TemporaryDirectory(prefix="ul") as folder:
        run = Run(make, people, folder)
        try:
            times = run.measure()
        finally:
            run.daemon.stop()
            run.directory.stop()
    print(f"disabled to refused refresh, {make}: p50 {quantile(times, 0.5) * 1000:.0f} ms, p99 {quantile(times, 0.99) * 1000:.0f} ms, "
          f"{len(times)} people")


main()

#!/usr/bin/python3
"""How long a person who is disabled in the directory can still refresh: from the moment before the change is sent, and from the directory's answer
to it, until the first refused refresh. usage: latency.py openldap|active_directory [PEOPLE]; BUILD names the folder of the programs."""
import random
import sys
import time

import stand
from stand import quantile
from usher import App, Browser

DISABLE = {
    "openldap": "replace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n",
    "active_directory": "replace: userAccountControl\nuserAccountControl: 514\n",
}
AIM = {"openldap": "p99 < 500 ms", "active_directory": "p50 < 700 ms, p99 < 1500 ms"}
PAUSE_S = 0.002
POLLED_S = 0.5  # where the feed asks, the change comes at any moment between two questions
LIMIT_S = 30


class Run:
    def __init__(self, make, people):
        self.make, self.people = make, people
        self.stand = stand.Stand(make)
        self.stand.add_people("s", people)
        self.changes = stand.Changes(self.stand.directory)
        self.stand.daemon.start()

    def refused(self, app, token):
        """The time when a refresh is refused."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            status, answer = app.refresh(token)
            if status != 200:
                return time.monotonic()
            token = answer["refresh_token"]
            time.sleep(PAUSE_S)
        raise stand.Failed(f"a refresh is granted for {LIMIT_S} s after the end of the account")

    def one(self, name):
        app = App(self.stand.daemon.issuer())
        tokens = app.log_in(Browser(app.issuer), name, stand.PASSWORD)
        time.sleep(random.uniform(0, POLLED_S if self.make == "active_directory" else 0.02))
        before, answered = self.changes.send(f"dn: {self.stand.person_dn(name)}\nchangetype: modify\n{DISABLE[self.make]}")
        refused = self.refused(app, tokens["refresh_token"])
        return refused - before, refused - answered

    def measure(self):
        self.stand.await_feed()
        return list(zip(*(self.one(f"s{i:05d}") for i in range(self.people))))


def main():
    make = sys.argv[1] if len(sys.argv) > 1 else "openldap"
    people = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    if not stand.available(make):
        return
    sent, answered = Run(make, people).measure()

    def ms(times, share):
        return f"{quantile(times, share) * 1000:.0f} ms"
    print(f"disabled to refused refresh, {make}: p50 {ms(sent, 0.5)}, p99 {ms(sent, 0.99)} from before the change is sent, "
          f"p50 {ms(answered, 0.5)}, p99 {ms(answered, 0.99)} from the directory's answer; {people} people; aim: {AIM[make]}", flush=True)


sys.exit(stand.run(main))

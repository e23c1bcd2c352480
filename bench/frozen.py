#!/usr/bin/python3
"""What a directory that hangs does to those who do not need it: 64 logins at once in a realm whose slapd is stopped, and beside them discovery, and
logins in another realm with a slapd of its own; and both without that. usage: frozen.py [SECONDS]"""
import copy
import sys
import time

import stand

FROZEN_USERS, OTHER_USERS, PEOPLE = 64, 2, 100
PAUSE_MS = 20         # of those in the other realm: the machine is not full of their logins
REFUSED_MS = 1000     # who is refused tries again after that
HANGING_S = 0.5       # then all of them wait for the directory; its first seconds are the worst
SHOWN = ("per_s", "p50_us", "p99_us")


class Run:
    def __init__(self, seconds):
        self.seconds = seconds
        self.stand = stand.Stand("openldap")
        self.daemon = self.stand.daemon
        self.stand.add_people("s", PEOPLE)
        self.other = self.stand.directory_start("other")
        frozen, self.stand.directory = self.stand.directory, self.other
        self.stand.add_people("s", PEOPLE)
        self.frozen = frozen
        realm = copy.deepcopy(self.stand.realm)
        realm["directories"]["main"].update(uris=self.other.v["URI"].split(), ca_file=self.other.v["CA_FILE"])
        self.daemon.config["realms"]["other"] = realm

    def pair(self):
        """Discovery and the other realm's logins at the same time."""
        discovery = self.stand.load_begin("discovery", 1, self.seconds, realm="demo", warm_up=0, pause=1)
        logins = self.stand.load_begin("login", OTHER_USERS, self.seconds, realm="other", logins="s", n_logins=PEOPLE, warm_up=0,
                                       pause=PAUSE_MS)
        return [{name: got[name] for name in SHOWN} for got in (self.stand.load_end(discovery), self.stand.load_end(logins))]

    def main(self):
        self.daemon.start()
        self.stand.await_feed(count=2)
        self.stand.load("login", OTHER_USERS, 1, realm="other", logins="s", n_logins=PEOPLE)  # everybody once
        discovery, logins = self.pair()
        self.frozen.freeze()
        try:
            hanging = self.stand.load_begin("login", FROZEN_USERS, self.seconds, quiet=True, realm="demo", logins="s", n_logins=PEOPLE,
                                            pause=REFUSED_MS)
            time.sleep(HANGING_S)
            beside, others = self.pair()
            hanging.communicate()
        finally:
            self.frozen.thaw()
        self.told("discovery", discovery, beside, "p99 < 5 ms")
        self.told("login, other realm", logins, others, "p99 not slower")

    @staticmethod
    def told(name, without, beside, aim):
        stand.row(name, without)
        stand.row(f"{name}, frozen", beside, f"p99 without it {without['p99_us'] / 1000:.2f} ms", beside["p99_us"] / without["p99_us"], aim)


def main():
    Run(int(sys.argv[1]) if len(sys.argv) > 1 else 5).main()


sys.exit(stand.run(main))

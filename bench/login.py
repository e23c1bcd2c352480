#!/usr/bin/python3
"""Logins on Samba AD beside the searches and binds that it answers to the same number of connections, and to the logins' own rate.
usage: login.py active_directory [SECONDS]"""
import sys

import stand

USERS, PEOPLE, GROUPS = 8, 100, 4


def main():
    make = sys.argv[1] if len(sys.argv) > 1 else "active_directory"
    seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    if not stand.available(make):
        return
    here = stand.Stand(make)
    here.add_people("s", PEOPLE)
    members = [[here.person_dn(f"s{i:05d}") for i in range(PEOPLE) if i % GROUPS == g] for g in range(GROUPS)]
    here.directory.change("".join(here.directory.group_ldif(f"load-{g}", *dns) for g, dns in enumerate(members)))
    here.daemon.start()
    here.await_feed()
    people = {"logins": "s", "n_logins": PEOPLE}
    raw = here.limit("searchbind", seconds, threads=USERS, **people)
    got = here.load("login", USERS, seconds, warm_up=3, **people)
    paced = here.limit("searchbind", seconds, threads=USERS, rate=got["per_s"], **people)
    stand.row(f"login {make}", got, f"{raw['per_s']:.0f} searchbind/s, {paced['cpu_us']:.0f} us", got["per_s"] / raw["per_s"],
              f"of the directory's CPU: {got['directory_cpu_us'] / paced['cpu_us']:.2f}")


sys.exit(stand.run(main))

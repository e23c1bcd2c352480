#!/usr/bin/python3
"""Two directories in one realm: who is whose, who is nobody's, and one that hangs while the other's people go on logging in."""
import sys
import threading
import time

import settings
from tap import at_end
from usher import App, Browser, Directory, Stage, Tests, expect, same, until

LOGINS = 20
WAIT_S = 3  # network_timeout: what a login waits for a directory that hangs, and none of the other's may

DORA = """\
dn: {dn}
changetype: add
objectClass: inetOrgPerson
uid: dora
cn: Dora Example
givenName: Dora
sn: Example
mail: dora@second.test
userPassword: {password}

dn: {alice}
changetype: delete
"""


class DirectoryTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("dirs")
        self.second = Directory(self.stage.folder + "/ldap2")
        at_end(self.second.stop)
        self.second.start()
        v = self.second.v
        self.password = v["OL_USER_PASSWORD"]
        self.second.change(DORA.format(dn=f"uid=dora,{v['PEOPLE']}", password=self.password, alice=f"uid=alice,{v['PEOPLE']}"))
        self.realm = self.stage.daemon.config["realms"]["demo"]
        self.realm["directories"]["second"] = {**settings.directory(v), "login_suffix": "second"}
        self.issuer = self.stage.daemon.issuer()

    def log_in(self, name):
        browser = Browser(self.issuer, timeout=60)
        page = browser.get(f"{self.issuer}/login")
        return browser.submit(page, "login", {"username": name, "password": self.password}, follow=False).status

    def whose(self):
        """303: logged in; 401: the form again. bob is in both."""
        wanted = {"alice": 303, "dora": 303, "dora@second.test": 303, "bob": 401, "bob@second": 303, "SECOND\\bob": 303, "alice@second": 401,
                  "bob@nowhere": 401, "nobody": 401}
        for name, status in wanted.items():
            same(self.log_in(name), status, name)

    def two_people(self):
        """bob of the second is not bob of the first: another subject."""
        subjects = set()
        for name in ("bob@second", "dora", "alice"):
            app = App(self.issuer)
            tokens = app.log_in(Browser(self.issuer), name, self.password)
            subjects.add(app.userinfo(tokens["access_token"])[1]["sub"])
        same(len(subjects), 3, "subjects")

    def at_once(self, times):
        slow = []
        for _ in range(times):
            begun = time.monotonic()
            same(self.log_in("dora"), 303, "dora")
            slow.append(time.monotonic() - begun)
        expect(max(slow) < WAIT_S, f"a login took {max(slow):.1f} s")

    def first_hangs(self):
        """The first login may find out that it hangs; from then on nobody of the second waits for it."""
        same(self.log_in("dora"), 303, "dora, who may wait once")
        self.at_once(4)

    def first_is_asked(self):
        """Nor while people of the first try on."""
        ended = threading.Event()
        others = [threading.Thread(target=self.try_on, args=(ended,), daemon=True) for _ in range(6)]
        for other in others:
            other.start()
        until(lambda: self.log_in("alice") == 503, 60, "alice is told that her directory does not answer")
        self.at_once(LOGINS)
        ended.set()
        for other in others:
            other.join()

    def try_on(self, ended):
        while not ended.is_set():
            self.log_in("alice")

    def first_is_back(self):
        until(lambda: self.log_in("alice") == 303, 30, "alice logs in again")
        until(lambda: self.log_in("bob") == 401, 30, "bob is nobody's again")

    def second_gone(self):
        self.second.stop()
        same(self.log_in("alice"), 303, "alice, while the second is stopped")
        same(self.log_in("dora"), 503, "dora, while hers is stopped")

    def main(self):
        run, first = self.tests.run, self.stage.directory
        if run("the daemon starts", self.stage.start):
            run("each person is found in the directory that has them, and who is in both in none", self.whose)
            run("people of two directories are different ones", self.two_people)
            run("the first freezes", first.freeze)
            run("people of the second log in at once", self.first_hangs)
            run("and while people of the first try", self.first_is_asked)
            run("the first thaws", first.thaw)
            run("all is as before", self.first_is_back)
            run("the second is stopped, and the first's people log in", self.second_gone)
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(DirectoryTests().main())

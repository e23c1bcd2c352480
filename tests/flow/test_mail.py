#!/usr/bin/python3
"""Mail over a real SMTP server with STARTTLS and AUTH: the whole way, an outage, greylisting, a refusal. Nothing is lost, nothing comes twice."""
import sys

from post_office import PostOffice
from usher import App, Browser, Person, Stage, Tests, expect, free_port, same, until

BACK_IN_S = 60  # the queue's back-off: 2 s, 4 s, 8 s, 16 s …


class MailTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("mail")
        self.office = PostOffice(self.stage.folder, free_port())
        self.stage.box = self.office
        self.stage.daemon.config["mail"] = self.office.settings()

    def registered(self, n, family):
        """n people who asked while the office is as it is."""
        walks = [self.stage.walk("guest", Person(family=family)) for _ in range(n)]
        for walk in walks:
            walk.register()
        return walks

    def arrived(self, walks):
        for walk in walks:
            walk.mail_wait = BACK_IN_S
            walk.mail_arrived()
        mails = [m.id for walk in walks for m in self.office.letters(walk.person.mail)]
        same(len(mails), len(walks), "mails that were taken")
        same(len(set(mails)), len(walks), "different Message-IDs")

    def headers(self):
        walk = self.registered(1, "Header")[0]
        walk.mail_arrived()
        message = self.office.letters(walk.person.mail)[0].message
        same(str(message["Auto-Submitted"]), "auto-generated", "Auto-Submitted")
        same(message["From"].addresses[0].addr_spec, "accounts@example.test", "From")
        same(message["From"].addresses[0].display_name, "Example Corporation", "name of From")
        expect(str(message["Message-ID"]).endswith("@example.test>"), f"Message-ID {message['Message-ID']}")
        expect(message.get_content_type() == "multipart/alternative", message.get_content_type())

    def outage(self):
        self.office.close()
        walks = self.registered(3, "Outage")
        tokens = App(self.stage.daemon.issuer()).log_in(Browser(self.stage.daemon.issuer()), "alice", self.stage.directory.v["OL_USER_PASSWORD"])
        expect(tokens["access_token"], "no login while the mail server is down")
        until(lambda: '"job.retried"' in self.stage.daemon.log(), 10, "a try that failed")
        self.office.open()
        self.arrived(walks)

    def outage_and_crash(self):
        self.office.close()
        walks = self.registered(2, "Crash")
        self.stage.daemon.kill()
        self.stage.daemon.start()
        self.office.open()
        self.arrived(walks)

    def greylisting(self):
        self.office.refuse = lambda address, nth: "451 4.7.1 Greylisted, please try again" if nth == 1 else None
        walks = self.registered(2, "Grey")
        self.arrived(walks)
        same([self.office.tries[w.person.mail] for w in walks], [2, 2], "tries")
        self.office.refuse = lambda address, nth: None

    def refused(self):
        """A mailbox that does not exist is given up, visibly, and holds up nobody."""
        self.office.refuse = lambda address, nth: "550 5.1.1 No such user here" if ".nowhere." in address else None
        lost = self.registered(1, "Nowhere")[0]
        found = self.registered(1, "Somewhere")
        self.arrived(found)
        until(lambda: self.stage.daemon.rows("SELECT 1 FROM job WHERE state = 'parked' AND subject = ?", lost.id), 10, "the parked job")
        same(self.office.letters(lost.person.mail), [], "mails to nowhere")
        self.office.refuse = lambda address, nth: None

    def injection(self):
        """No header and no second recipient comes out of what is typed."""
        browser, issuer = Browser(self.stage.daemon.issuer()), self.stage.daemon.issuer()
        before = len(self.office.taken)
        for field, value in (("given_name", "Eve\r\nBcc: victim@example.net"), ("family_name", "Eve\nSubject: x"), ("given_name", "Win at https://evil.example"),
                             ("mail", "eve@example.net\r\nRCPT TO:<victim@example.net>"), ("mail", "eve@example.net,victim@example.net"),
                             ("mail", "<eve@example.net>"), ("mail", "-oQ@example.net"), ("mail", "\"eve\"@example.net"), ("mail", "eve@[127.0.0.1]")):
            form = {**Person().typed("guest"), field: value}
            page = browser.get(f"{issuer}/register/guest")
            answer = browser.submit(page, "register", form)
            same(answer.status, 422, f"{field}={value!r}")
            expect(answer.page().problems().get(field), f"nothing is said at {field} for {value!r}")
        self.registered(1, "=?utf-8?Q?=0D=0ABcc=3A=20victim=40example.net?=")[0].mail_arrived()
        for _, letter in self.office.taken[before:]:
            same(letter.message["Bcc"], None, "Bcc")
        expect(not self.office.letters("victim@example.net"), "a mail to the victim")

    def main(self):
        run = self.tests.run
        self.office.open()
        if run("the daemon starts", self.stage.start):
            self.stage.walk("partner").run(self.tests)
            run("headers", self.headers)
            run("an outage loses nothing and holds up nobody", self.outage)
            run("an outage and kill -9 lose nothing", self.outage_and_crash)
            run("greylisting", self.greylisting)
            run("a refused recipient is parked", self.refused)
            run("nothing typed becomes a header or a recipient", self.injection)
            run("nothing went in clear", lambda: same(self.office.clear, 0, "commands before TLS"))
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(MailTests().main())

#!/usr/bin/python3
"""A directory that is stopped or frozen: a clear page in time, registrations are kept, and all goes on by itself."""
import sys
import time

from usher import App, Browser, Stage, Tests, expect, same, until

PAGE_S = 15  # the deadline of a page is 10 s


class DownTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("down")
        self.issuer = self.stage.daemon.issuer()
        self.password = self.stage.directory.v["OL_USER_PASSWORD"]

    def log_in(self, name="alice"):
        browser = Browser(self.issuer, timeout=60)
        page = browser.get(f"{self.issuer}/login")
        return browser.submit(page, "login", {"username": name, "password": self.password}, follow=False)

    def unavailable(self):
        """503 with a page that tells, within the deadline; and what needs no directory goes on."""
        begun = time.monotonic()
        answer = self.log_in()
        took = time.monotonic() - begun
        same(answer.status, 503, f"login: {answer.brief()}")
        expect(took < PAGE_S, f"the answer took {took:.1f} s")
        expect(answer.headers.get("Retry-After"), "no Retry-After")
        expect(answer.page().title and len(answer.page().text) > 40, f"no page but {answer.text[:200]}")
        same(Browser(self.issuer).get(f"{self.issuer}/.well-known/openid-configuration").status, 200, "discovery")
        same(self.stage.daemon.monitor("/healthz")[0], 200, "/healthz")
        same(self.stage.daemon.monitor("/readyz")[0], 200, "/readyz")

    def recovered(self):
        until(lambda: self.log_in().status == 303, 20, "a login after the directory is back")

    def kept(self):
        """Registrations are taken without the directory, and their mails come when it is back."""
        self.walks = [self.stage.walk("guest"), self.stage.walk("partner")]
        for walk in self.walks:
            walk.register()
        until(lambda: '"job.retried"' in self.stage.daemon.log(), 20, "a job that is tried again")

    def goes_on(self):
        for walk in self.walks:
            walk.mail_wait = 60
            for _, step in walk.steps_of_account():
                step()

    def provisioning(self, stop, back):
        """The directory goes away before the plan runs."""
        walk = self.stage.walk("guest")
        walk.register()
        walk.mail_arrived()
        stop()
        walk.verify()
        same(walk.state, "approved", "state while the directory is away")
        back()
        walk.await_state("provisioned", seconds=90)
        for step in (walk.provisioned, walk.invited, walk.activate):
            step()

    def refresh_kept(self):
        """A refresh token is not used up by a refresh that the directory held up."""
        app = App(self.issuer)
        tokens = app.log_in(Browser(self.issuer), "alice", self.password)
        app.browser.timeout = 60
        self.stage.directory.freeze()
        until(self.stage.daemon.unheard, 20, "a mirror that is not fresh")
        status, answer = app.refresh(tokens["refresh_token"])
        expect(status == 503 and answer.get("error") == "temporarily_unavailable", f"{status} {answer}")
        self.stage.directory.thaw()
        until(lambda: self.log_in().status == 303, 20, "a login after the directory is back")
        same(app.refresh(tokens["refresh_token"])[0], 200, "the same refresh token afterwards")

    def main(self):
        run, directory = self.tests.run, self.stage.directory
        if run("the daemon starts", self.stage.start):
            run("stopped: it stops", directory.stop)
            run("stopped: a login gets a clear page in time", self.unavailable)
            run("stopped: registrations are kept", self.kept)
            run("stopped: the daemon starts without its directory", self.restart)
            run("stopped: it starts again", directory.start)
            run("stopped: logins work again", self.recovered)
            run("stopped: the registrations go on", self.goes_on)
            run("frozen: it freezes", directory.freeze)
            run("frozen: a login gets a clear page in time", self.unavailable)
            run("frozen: it thaws", directory.thaw)
            run("frozen: logins work again", self.recovered)
            run("provisioning waits for a stopped directory", self.provisioning, directory.stop, directory.start)
            run("provisioning waits for a frozen directory", self.provisioning, directory.freeze, directory.thaw)
            run("a refresh token outlives a frozen directory", self.refresh_kept)
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()

    def restart(self):
        same(self.stage.daemon.stop(), 0, "the end")
        self.stage.daemon.start()


sys.exit(DownTests().main())

#!/usr/bin/python3
"""Two realms in one daemon, on one directory, with clients of the same name: nothing crosses."""
import sys
import urllib.parse

import settings
from usher import App, Browser, Proof, Stage, Tests, expect, jws_parts, raw, same


class RealmTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("realms")
        self.stage.daemon.config["realms"]["other"] = settings.realm(self.stage.directory.v, "Other Corporation")
        self.ours, self.theirs = self.stage.daemon.issuer("demo"), self.stage.daemon.issuer("other")
        self.password = self.stage.directory.v["OL_USER_PASSWORD"]

    def apps(self):
        return App(self.ours), App(self.theirs)

    def log_in(self, browser, issuer, name="alice"):
        done = browser.submit(browser.get(f"{issuer}/login"), "login", {"username": name, "password": self.password})
        same((done.status, done.url), (200, f"{issuer}/account"), "login")

    def session(self):
        browser = Browser(self.ours)
        self.log_in(browser, self.ours)
        session = {n: v for n, v in browser.cookies.items() if "session" in n}
        same(len(session), 1, f"session cookies of {sorted(browser.cookies)}")
        (name, value), = session.items()
        expect("demo" in name, f"the cookie's name does not carry the realm: {name}")
        expect(browser.get(f"{self.theirs}/account").url.startswith(f"{self.theirs}/login"), "logged in at the other realm too")
        browser.cookies[name.replace("demo", "other")] = value
        expect(browser.get(f"{self.theirs}/account").url.startswith(f"{self.theirs}/login"), "the other realm takes the session's value")

    def code(self):
        ours, theirs = self.apps()
        proof, browser = Proof(), Browser(self.ours)
        self.log_in(browser, self.ours)
        code = ours.code_of(browser.get(ours.authorize_url(proof)), proof)
        status, answer = theirs.redeem(code, proof)
        same((status, answer.get("error")), (400, "invalid_grant"), "the other realm's token endpoint")
        same(ours.redeem(code, proof)[0], 200, "our own, afterwards")

    def tokens(self):
        ours, theirs = self.apps()
        tokens = ours.log_in(Browser(self.ours), "alice", self.password)
        same(theirs.userinfo(tokens["access_token"])[0], 401, "userinfo of the other realm")
        same(theirs.active(tokens["access_token"]), False, "introspection of the access token at the other realm")
        same(theirs.active(tokens["refresh_token"]), False, "introspection of the refresh token at the other realm")
        status, answer = theirs.refresh(tokens["refresh_token"])
        same((status, answer.get("error")), (400, "invalid_grant"), "refresh at the other realm")
        same(theirs.revoke(tokens["refresh_token"])[0], 200, "revocation at the other realm says nothing")
        same(ours.active(tokens["refresh_token"]), True, "active after a revocation at the other realm")
        hint = urllib.parse.urlencode({"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": settings.GOODBYE})
        expect(not Browser(self.theirs).get(f"{self.theirs}/logout?{hint}").location, "the other realm takes our ID token as a hint")
        same(ours.refresh(tokens["refresh_token"])[0], 200, "our own refresh")

    def keys(self):
        ours, theirs = self.apps()
        expect(not {k["kid"] for k in ours.jwks()["keys"]} & {k["kid"] for k in theirs.jwks()["keys"]}, "a key of both realms")
        subs = [jws_parts(app.log_in(Browser(app.issuer), "alice", self.password)["id_token"])[1]["sub"] for app in (ours, theirs)]
        expect(subs[0] != subs[1], "one sub in both realms")

    def links(self):
        walk = self.stage.walk("guest")
        walk.register()
        walk.mail_arrived()
        link = walk.letter("/verify").link("/verify")
        expect(link.startswith(self.ours + "/"), f"the link is {link}")
        there = link.replace("/realms/demo/", "/realms/other/")
        same(Browser(self.theirs).get(there).status, 410, "our link at the other realm")
        secret = link.split("t=")[1]
        browser = Browser(self.theirs)
        csrf = browser.get(f"{self.theirs}/login").page().form_with("login").fields["csrf"]
        same(browser.post(f"{self.theirs}/verify", {"csrf": csrf, "t": secret, "verify": "verify"}).status, 410, "its POST at the other realm")
        same(walk.state, "submitted", "state")

    def forms(self):
        """A form's token and cookie of one realm are nothing in the other."""
        browser = Browser(self.ours)
        csrf = browser.get(f"{self.ours}/login").page().form_with("login").fields["csrf"]
        form = {"csrf": csrf, "username": "alice", "password": self.password, "login": "login"}
        same(browser.send("POST", f"{self.theirs}/login", form).status, 403, "our form's token at the other realm")
        browser.cookies = {name.replace("demo", "other"): value for name, value in browser.cookies.items()}
        same(browser.send("POST", f"{self.theirs}/login", form).status, 403, "with our cookie under the other realm's name")

    def requests(self):
        """Approvers see their own realm's requests and no other's."""
        walk = self.stage.walk("partner")
        walk.register()
        walk.mail_arrived()
        walk.verify()
        browser = Browser(self.theirs)
        self.log_in(browser, self.theirs, "carol")
        queue = browser.get(f"{self.theirs}/admin/registrations?state=any")
        same(queue.status, 200, "the other realm's queue")
        expect(walk.person.mail not in queue.text, "our request in the other realm's queue")
        same(browser.get(f"{self.theirs}/admin/registrations/{walk.id}").status, 404, "our request at the other realm")
        csrf = queue.page().forms and next((f.fields["csrf"] for f in queue.page().forms if "csrf" in f.fields), None)
        csrf = csrf or browser.get(f"{self.theirs}/account").page().form_with("csrf").fields["csrf"]
        form = {"csrf": csrf, "decision": "approve", "version": "2", "digest": "", "base": "", "decide": "decide"}
        expect(browser.post(f"{self.theirs}/admin/registrations/{walk.id}", form).status in (404, 409), "a decision at the other realm")
        same(walk.state, "pending", "state")

    def names(self):
        for path, status in (("/realms/none/login", 404), ("/realms/DEMO/login", 404), ("/realms/demo%2e/login", 404), ("/realms//login", 400),
                             ("/realms/demo/../other/login", 400), ("/realms/demo%2Flogin", 400)):
            same(raw(self.stage.daemon.port, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())[0], status, path)

    def rows(self):
        """Every row that these tests made names a realm, and a registration of one is in no other."""
        tables = [name for name, in self.stage.daemon.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%realm TEXT%'")]
        expect(len(tables) >= 8, f"tables with a realm: {tables}")
        for table in tables:
            strange = self.stage.daemon.rows(f"SELECT count(*) FROM {table} WHERE realm NOT IN ('demo', 'other')")[0][0]
            same(strange, 0, f"rows of {table} without a realm")

    def main(self):
        run = self.tests.run
        if run("the daemon starts", self.stage.start):
            for name in ("session", "code", "tokens", "keys", "links", "forms", "requests", "names", "rows"):
                run(f"nothing crosses: {name}", getattr(self, name))
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(RealmTests().main())

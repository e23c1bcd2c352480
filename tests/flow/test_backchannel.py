#!/usr/bin/python3
"""Back-channel logout: a small real application is told once, and again until it has heard, whoever ends the session."""
import http.server
import json
import sys
import threading
import time
import urllib.parse

from usher import GOODBYE, App, Browser, Proof, Stage, Tests, client, expect, jws_claims, jws_parts, same, until, without_secret

EVENT = "http://schemas.openid.net/event/backchannel-logout"
QUIET_S = 1.5  # nothing more came within this time


class Receiver:
    """Listens for logout tokens. script: a status for each of the next requests of a path, then 200; a callable is called with the handler instead."""

    def __init__(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                receiver.take(self)

            do_GET = do_POST

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.got, self.script, self.lock = [], {}, threading.Lock()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        with self.lock:
            planned = self.script.get(handler.path, [])
            answer = planned.pop(0) if planned else 200
            self.got.append((handler.path, handler.command, handler.headers.get("Content-Type"), body))
        if callable(answer):
            answer(handler)
            return
        status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, "")
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(text)), "Cache-Control": "no-store", **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(text.encode())

    def tokens(self, path):
        with self.lock:
            return [urllib.parse.parse_qs(body, strict_parsing=True)["logout_token"][0] for p, _, _, body in self.got if p == path]

    def clear(self):
        with self.lock:
            self.got, self.script = [], {}


class Story:
    """The whole, one daemon: app and strict are told, asker is not."""

    ALGS = {"/app": "RS256", "/strict": "ES256"}

    def __init__(self, stage, receiver):
        self.stage, self.receiver, self.daemon = stage, receiver, stage.daemon
        self.issuer = stage.daemon.issuer()
        self.password = stage.directory.v["OL_USER_PASSWORD"]
        self.app = App(self.issuer)
        self.strict = App(self.issuer, "strict", None)
        self.asker = App(self.issuer, "asker", scope="openid profile")
        self.asker.post_secret = True

    # ---- what others do ----
    def browser(self):
        return Browser(self.issuer)

    def login(self, app, browser, name="alice", **more):
        """Tokens and the ID token's claims."""
        tokens = app.log_in(browser, name, self.password, **more)
        return tokens, jws_parts(tokens["id_token"])[1]

    def leave(self, browser, id_token):
        answer = browser.get(f"{self.issuer}/logout?" + urllib.parse.urlencode({"id_token_hint": id_token, "post_logout_redirect_uri": GOODBYE}))
        same(answer.location, GOODBYE, f"the logout ({answer.brief()})")

    def usherctl(self, *words):
        ended, text = self.daemon.usherctl(*words)
        same(ended, 0, f"usherctl {' '.join(words)}: {text}")
        return text

    def jobs(self):
        return self.daemon.rows("SELECT id, state, attempts, failure FROM job WHERE kind = 'logout' ORDER BY id")

    # ---- what is looked for ----
    def settled(self):
        """No job waits, and nothing comes after."""
        until(lambda: not self.jobs(), 30, "all jobs are done")
        time.sleep(QUIET_S)

    def claims(self, path, token):
        """Verified as Back-Channel Logout 1.0, 2.6 asks."""
        same(jws_parts(token)[0].get("typ"), "logout+jwt", "typ of the logout token")
        claims = jws_claims(token, self.app.jwks(), self.ALGS[path])
        same((claims["iss"], claims["aud"]), (self.issuer, path[1:]), "iss and aud")
        same(claims["events"], {EVENT: {}}, "events")
        expect("nonce" not in claims, "the logout token has a nonce")
        expect(claims.get("sub") or claims.get("sid"), "neither sub nor sid")
        expect(abs(claims["iat"] - time.time()) < 60 and claims["exp"] == claims["iat"] + 120, f"iat {claims['iat']}, exp {claims['exp']}")
        return claims

    def told(self, path):
        """(sub, sid) of each token that came, sorted; each request had the right form, and each token is another one."""
        for _, method, kind, _ in self.receiver.got:
            same((method, kind), ("POST", "application/x-www-form-urlencoded"), "the request")
        every = [self.claims(path, token) for token in self.receiver.tokens(path)]
        same(len({c["jti"] for c in every}), len(every), "different jti")
        return sorted((c.get("sub", ""), c.get("sid", "")) for c in every)

    @staticmethod
    def who(claims, sid=True):
        return claims["sub"], claims["sid"] if sid else ""

    # ---- tests ----
    def discovery(self):
        metadata = self.app.discover()
        same((metadata["backchannel_logout_supported"], metadata["backchannel_logout_session_supported"]), (True, True), "discovery")

    def by_application(self):
        """Two clients of the session, one of them twice, hear of it once each; another session is left alone."""
        browser, other = self.browser(), self.browser()
        tokens, who = self.login(self.app, browser)
        same(self.login(self.app, browser, prompt="none")[1]["sid"], who["sid"], "sid of the second login")
        self.login(self.strict, browser)
        proof = Proof()
        page = browser.get(self.asker.authorize_url(proof))
        status, _ = self.asker.redeem(self.asker.code_of(browser.submit(page, "allow"), proof), proof)
        same(status, 200, "the token of asker, which has no address to be told at")
        self.login(self.app, other)
        self.receiver.clear()
        self.leave(browser, tokens["id_token"])
        self.settled()
        same(self.told("/app"), [self.who(who)], "told to app")
        same(self.told("/strict"), [self.who(who)], "told to strict")
        same(len(self.receiver.got), 2, "requests in all")
        self.leave(browser, tokens["id_token"])  # has ended already
        self.settled()
        same(len(self.receiver.got), 2, "requests after a second logout")

    def typed_again(self):
        """prompt=login gives a new session cookie; who knew the session before still hears of its end."""
        browser = self.browser()
        tokens, who = self.login(self.app, browser)
        proof = Proof()
        page = browser.get(self.strict.authorize_url(proof, prompt="login"))
        answer = browser.submit(page, "login", {"username": "alice", "password": self.password})
        self.strict.code_of(answer, proof)
        self.receiver.clear()
        self.leave(browser, tokens["id_token"])
        self.settled()
        same(self.told("/app"), [self.who(who)], "told to app")
        same(self.told("/strict"), [], "told to strict, which never redeemed its code")

    def by_person(self):
        """The account page ends the others."""
        here, there = self.browser(), self.browser()
        _, kept = self.login(self.app, here, "carol")
        _, ended = self.login(self.app, there, "carol")
        self.receiver.clear()
        here.submit(here.get(f"{self.issuer}/account"), "end_others")
        self.settled()
        same(self.told("/app"), [self.who(ended)], f"told to app (kept is {kept['sid']})")

    def by_operator(self):
        """usherctl logout: sessions, and clients that only hold tokens of sessions that are gone."""
        old, new = self.browser(), self.browser()
        tokens, gone = self.login(self.app, old, "bob")
        self.login(self.strict, old, "bob")
        self.leave(old, tokens["id_token"])
        self.settled()
        _, live = self.login(self.strict, new, "bob")
        self.receiver.clear()
        account = self.usherctl("people", "demo", "bob").split("\t")[0]
        self.usherctl("logout", "demo", account)
        self.settled()
        same(self.told("/app"), [self.who(gone, sid=False)], "told to app, which holds an offline token only")
        same(self.told("/strict"), sorted([self.who(gone), self.who(live)]), "told to strict, which wants sessions named")
        same(self.app.refresh(tokens["refresh_token"])[0], 400, "refresh after the logout of all")

    def retried(self):
        """503, a redirect, then 200: the same logout each time, and the redirect is not followed."""
        browser = self.browser()
        tokens, who = self.login(self.app, browser)
        self.receiver.clear()
        self.receiver.script["/app"] = [503, (302, {"Location": self.receiver.origin + "/elsewhere"}, "")]
        self.leave(browser, tokens["id_token"])
        self.settled()
        every = [self.claims("/app", token) for token in self.receiver.tokens("/app")]
        same([self.who(c) for c in every], [self.who(who)] * 3, "told to app")
        same(len({c["jti"] for c in every}), 1, "jti of all tries")
        same({path for path, *_ in self.receiver.got}, {"/app"}, "paths")

    def parked(self):
        """400 is not tried again; the operators see whom and why, and can send it."""
        browser = self.browser()
        tokens, who = self.login(self.app, browser)
        self.receiver.clear()
        refusal = json.dumps({"error": "invalid_request", "error_description": "no such key"})
        self.receiver.script["/app"] = [(400, {"Content-Type": "application/json"}, refusal)]
        self.leave(browser, tokens["id_token"])
        until(lambda: [j for j in self.jobs() if j[1] == "parked"], 20, "the job is parked")
        line = self.usherctl("jobs", "demo", "parked").strip()
        for part in ("parked\tlogout\t", "1 try", f"client app at {self.receiver.origin}/app", "invalid_request, no such key"):
            expect(part in line, f"{part!r} is not in {line!r}")
        admin = self.browser()
        page = admin.submit(admin.get(f"{self.issuer}/login"), "login", {"username": "bob", "password": self.password})
        page = admin.get(f"{self.issuer}/admin/jobs")
        for part in ("The application", f"client app at {self.receiver.origin}/app", "no such key"):
            expect(part in page.page().text, f"{part!r} is not on the page of jobs: {page.page().text}")
        admin.submit(page, "retry")
        self.settled()
        same([self.who(self.claims("/app", token)) for token in self.receiver.tokens("/app")], [self.who(who)] * 2, "told to app")

    def killed(self):
        """usherd dies while the application is being told: after the start it is told again, by the same jti."""
        browser = self.browser()
        tokens, who = self.login(self.app, browser)
        self.receiver.clear()
        held = threading.Event()
        self.receiver.script["/app"] = [lambda handler: held.wait(30)]
        self.leave(browser, tokens["id_token"])
        until(lambda: self.receiver.tokens("/app"), 10, "the application is told")
        self.daemon.kill()
        held.set()
        self.daemon.start()
        until(lambda: len(self.receiver.tokens("/app")) > 1, 20, "the application is told again")
        self.settled()
        every = [self.claims("/app", token) for token in self.receiver.tokens("/app")]
        same([self.who(c) for c in every], [self.who(who)] * 2, "told to app")
        same(len({c["jti"] for c in every}), 1, "jti of both")

    def slow(self):
        """An application that never answers is left after ten seconds, and others are told meanwhile."""
        browser, other = self.browser(), self.browser()
        tokens, _ = self.login(self.app, browser)
        self.receiver.clear()
        held = threading.Event()
        self.receiver.script["/app"] = [lambda handler: held.wait(60)]
        self.leave(browser, tokens["id_token"])
        until(lambda: self.receiver.tokens("/app"), 10, "the application is told")
        more, who = self.login(self.strict, other, "carol")
        self.leave(other, more["id_token"])
        until(lambda: self.receiver.tokens("/strict"), 8, "another one is told")
        until(lambda: [j for j in self.jobs() if j[2] == 1 and j[3]], 20, "the try is given up")
        held.set()
        self.settled()
        same(self.told("/strict"), [self.who(who)], "told to strict")

    def changed(self):
        """A new password ends all."""
        walk = self.stage.account()
        browser = self.browser()
        name, password = walk.login, walk.person.password
        who = jws_parts(self.app.log_in(browser, name, password)["id_token"])[1]
        self.receiver.clear()
        page = browser.get(f"{self.issuer}/password")
        browser.submit(page, "change", {"username": name, "password": password, "new_password": "violet-harbour-77-lantern"})
        self.settled()
        same(self.told("/app"), [self.who(who)], "told to app")


def main():
    tests, stage, receiver = Tests(), Stage("backchannel"), Receiver()
    clients = stage.daemon.config["realms"]["demo"]["clients"]
    clients["app"]["backchannel_logout_uri"] = receiver.origin + "/app"
    clients["strict"] = without_secret(client("The strict one", auth="none", signing_alg="ES256", backchannel_logout_uri=receiver.origin + "/strict",
                                              backchannel_logout_session_required=True))
    story = Story(stage, receiver)
    if tests.run("usherd starts", stage.start):
        tests.run("discovery tells of it", story.discovery)
        tests.run("logout by an application: each client of the session once", story.by_application)
        tests.run("a password typed again does not cut off who knew the session", story.typed_again)
        tests.run("the account page ends other sessions", story.by_person)
        tests.run("usherctl logout ends all", story.by_operator)
        tests.run("a new password ends all", story.changed)
        tests.run("an application that is down is told later, by the same token id", story.retried)
        tests.run("an application that refuses parks the job", story.parked)
        tests.run("an application that does not answer holds nobody up", story.slow)
        tests.run("kill -9 while telling", story.killed)
    tests.run("all ends", lambda: same(stage.end(), True, "the end"))
    return tests.end()


sys.exit(main())

#!/usr/bin/python3
"""Attacks on the protocol: redirects, PKCE, codes, refresh tokens, clients, logout, signatures."""
import base64
import json
import sys
import urllib.parse

from oidc import b64, unb64
from usher import CALLBACK, GOODBYE, SECRET, App, Browser, Proof, Stage, Tests, at_once, expect, jws_claims, raw, same, until

REDIRECTS = [
    CALLBACK + "/", CALLBACK + "/../evil", CALLBACK + "?x=1", CALLBACK + "#x", CALLBACK + "%00", CALLBACK + "%0d%0aX: y", CALLBACK + "\0.evil.example",
    CALLBACK[:-1], CALLBACK.upper(), CALLBACK.replace("http:", "https:"), CALLBACK.replace("127.0.0.1", "127.0.0.1.evil.example"),
    CALLBACK.replace("127.0.0.1", "evil.example"), CALLBACK.replace("127.0.0.1", "user@127.0.0.1"), CALLBACK.replace("127.0.0.1:9", "127.0.0.1:9@evil.example"),
    CALLBACK.replace(":9", ":10"), CALLBACK.replace("127.0.0.1", "127x0x0x1"), CALLBACK.replace("127.0.0.1", "localhost"), "//127.0.0.1:9/callback", "/callback",
    "javascript:alert(1)", "data:text/html,x", "https://evil.example/", "https://evil.example/?" + CALLBACK, "http://evil.example\\@127.0.0.1:9/callback", " " + CALLBACK,
    CALLBACK + " ", "", "http://[::1]:9/callback", "x" * 3000,
]


class ProtocolTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("attack-oidc")
        self.issuer = self.stage.daemon.issuer()
        self.password = self.stage.directory.v["OL_USER_PASSWORD"]

    def person(self, name="alice"):
        """A browser that is logged in."""
        browser = Browser(self.issuer)
        done = browser.submit(browser.get(f"{self.issuer}/login"), "login", {"username": name, "password": self.password})
        same(done.url, f"{self.issuer}/account", "login")
        return browser

    def code(self, app, browser=None, **more):
        proof = Proof()
        return app.code_of((browser or self.person()).get(app.authorize_url(proof, **more)), proof), proof

    def refused(self, got, error="invalid_grant", status=400, what=""):
        """error: a word of the RFC, or several that will do."""
        said = (got[1] or {}).get("error")
        expect(got[0] == status and said in error.split(), f"{what}: {got[0]} {said}, not {status} {error}")

    # ---- authorization ----
    def redirects(self):
        """An URI that is not registered letter by letter gets a page, never a redirect."""
        for client in ("app", "spa"):
            app, browser = App(self.issuer, client, None if client == "spa" else SECRET), self.person()
            for uri in REDIRECTS:
                if client == "spa" and uri == CALLBACK.replace(":9", ":10"):
                    continue  # RFC 8252 7.3: a public client's loopback port is free
                for more in ({}, {"prompt": "none"}, {"response_type": "token"}):
                    answer = browser.send("GET", app.authorize_url(Proof(), redirect_uri=uri, **more))
                    expect(answer.status == 400 and not answer.location, f"{client}, {uri[:80]!r}: {answer.status} {answer.location}")

    def parameters(self):
        """What is wrong goes to the client as the RFC's word, with state and iss; duplicates and unknown clients get a page."""
        app, browser = App(self.issuer), self.person()
        for more, error in (({"response_type": "token"}, "unsupported_response_type"), ({"response_type": None}, "invalid_request"),
                            ({"response_type": "code id_token"}, "unsupported_response_type"), ({"code_challenge": None}, "invalid_request"),
                            ({"code_challenge_method": "plain"}, "invalid_request"), ({"code_challenge_method": None}, "invalid_request"),
                            ({"code_challenge": "short"}, "invalid_request"), ({"scope": "openid everything"}, "invalid_scope"),
                            ({"request": "x.y.z"}, "request_not_supported"), ({"request_uri": "http://127.0.0.1/"}, "request_uri_not_supported"),
                            ({"prompt": "none login"}, "invalid_request"), ({"max_age": "-1"}, "invalid_request"), ({"response_mode": "fragment"}, "invalid_request")):
            proof = Proof()
            answer = browser.send("GET", app.authorize_url(proof, **more))
            expect(answer.location and answer.location.startswith(CALLBACK + "?"), f"{more}: {answer.brief()}")
            got = answer.query()
            same((got.get("error"), got.get("state"), got.get("iss"), "code" in got), (error, proof.state, self.issuer, False), f"{more}")
        for url in (app.authorize_url(Proof(), client_id="nobody"), app.authorize_url(Proof()) + "&client_id=spa", app.authorize_url(Proof()) + "&scope=openid",
                    app.authorize_url(Proof()) + "&redirect_uri=https://evil.example/", app.authorize_url(Proof(), client_id="app\0")):
            answer = browser.send("GET", url)
            expect(answer.status == 400 and not answer.location, f"{url[-60:]}: {answer.status} {answer.location}")
        silent = Browser(self.issuer).send("GET", app.authorize_url(Proof(), prompt="none"))
        same(silent.query().get("error"), "login_required", "prompt=none without a session")
        again = browser.get(app.authorize_url(Proof(), prompt="login"))
        expect(again.url.startswith(f"{self.issuer}/login"), "prompt=login is passed by")
        splitting = browser.send("GET", app.authorize_url(Proof(), state="x\r\nX-Evil: 1"))
        expect("X-Evil" not in splitting.headers and splitting.status in (303, 400), "state splits the answer")

    def status_after_login(self):
        """303 after a password, never 307: RFC 9700 4.12."""
        browser, app = Browser(self.issuer), App(self.issuer)
        page = browser.get(app.authorize_url(Proof()))
        same(browser.submit(page, "login", {"username": "alice", "password": self.password}, follow=False).status, 303, "after the password")

    # ---- codes ----
    def pkce(self):
        app, spa, browser = App(self.issuer), App(self.issuer, "spa", None), self.person()
        for client in (app, spa):
            for verifier in (None, "", "x", "x" * 43, Proof().verifier):
                code, proof = self.code(client, browser)
                error = "invalid_grant" if verifier else "invalid_grant invalid_request"
                self.refused(client.redeem(code, proof, code_verifier=verifier), error, what=f"{client.id} with the verifier {verifier!r}")
            code, proof = self.code(client, browser)
            self.refused(client.redeem(code, proof, code_verifier=proof.challenge), what=f"{client.id} with the challenge as verifier")

    def code_binding(self):
        """A code of another client, for another redirect_uri, in other letters, of nobody."""
        app, spa, asker, browser = App(self.issuer), App(self.issuer, "spa", None), App(self.issuer, "asker"), self.person()
        asker.post_secret = True
        for other in (spa, asker):
            code, proof = self.code(app, browser)
            self.refused(other.redeem(code, proof), what=f"a code of app at {other.id}")
        for uri in (None, "", CALLBACK + "/", "https://evil.example/"):
            code, proof = self.code(app, browser)
            self.refused(app.redeem(code, proof, redirect_uri=uri), "invalid_grant" if uri else "invalid_grant invalid_request", what=f"redirect_uri {uri!r}")
        code, proof = self.code(app, browser)
        for wrong in (code.swapcase(), code[:-1], code + "x", "", "x", code.split(".")[0], code.split(".")[0] + "."):
            status, answer = app.redeem(wrong, proof)
            expect(status == 400 and answer["error"] in ("invalid_grant", "invalid_request"), f"the code {wrong!r}: {status} {answer}")

    def code_replay(self):
        """A code used again ends what came of it."""
        app = App(self.issuer)
        code, proof = self.code(app)
        status, tokens = app.redeem(code, proof)
        same(status, 200, "the first")
        self.refused(app.redeem(code, proof), what="the second")
        same(app.active(tokens["access_token"]), False, "active after a replay")
        self.refused(app.refresh(tokens["refresh_token"]), what="refresh after a replay")

    def code_race(self):
        app = App(self.issuer)
        for _ in range(5):
            code, proof = self.code(app)
            clients = [App(self.issuer) for _ in range(8)]
            for client in clients:
                client.discover()
            results = at_once([lambda c=c: c.redeem(code, proof)[0] for c in clients])
            same(results.count(200), 1, f"winners of {results}")
            same(set(results), {200, 400}, "answers")

    # ---- refresh ----
    def refresh_race(self):
        app = App(self.issuer)
        for _ in range(5):
            token = app.log_in(self.person(), "", "")["refresh_token"]
            clients = [App(self.issuer) for _ in range(8)]
            for client in clients:
                client.discover()
            results = at_once([lambda c=c: c.refresh(token) for c in clients])
            winners = [answer for status, answer in results if status == 200]
            same(len(winners), 1, f"winners of {[status for status, _ in results]}")
            self.refused(app.refresh(winners[0]["refresh_token"]), what="the winner's token, after the others showed that it was copied")

    def refresh_binding(self):
        app, spa = App(self.issuer), App(self.issuer, "spa", None)
        tokens = app.log_in(self.person(), "", "")
        self.refused(spa.refresh(tokens["refresh_token"]), what="a refresh token of app at spa")
        status, answer = app.post("token_endpoint", grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope="openid reports")
        same((status, answer["error"]), (400, "invalid_scope"), "a wider scope")
        self.refused(app.refresh(tokens["access_token"]), what="an access token as refresh token")
        same(app.userinfo(tokens["refresh_token"])[0], 401, "a refresh token as access token")
        same(app.userinfo(tokens["id_token"])[0], 401, "an ID token as access token")

    # ---- clients ----
    def clients(self):
        app = App(self.issuer)
        url = app.discover()["token_endpoint"]
        form = {"grant_type": "client_credentials"}

        def basic(pair):
            return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        answers = []
        for pair in ("robot:wrong", f"nobody:{SECRET}", f"robot:{SECRET[:-1]}", f"robot:{SECRET}x", "robot:", ":", "robot", f"robot:{SECRET}%00", f"ROBOT:{SECRET}"):
            status, answer = app.json("POST", url, form, basic(pair))
            self.refused((status, answer), "invalid_client", 401, f"client {pair!r}")
            answers.append(json.dumps(answer))
        same(len(set(answers)), 1, "different answers to wrong clients")
        self.refused(app.json("POST", url, {**form, "client_id": "robot", "client_secret": SECRET}), "invalid_client", 401, "client_secret_post of a basic client")
        self.refused(app.json("POST", url, {**form, "client_id": "robot"}), "invalid_client", 401, "no secret")
        for more in ({"client_secret": SECRET}, {"client_id": "spa"}):
            status, answer = app.json("POST", url, {**form, **more}, basic(f"robot:{SECRET}"))
            expect(status in (400, 401), f"two methods at once: {status} {answer}")
        twice = app.json("POST", url, [("grant_type", "client_credentials"), ("grant_type", "authorization_code")], basic(f"robot:{SECRET}"))
        self.refused(twice, "invalid_request", 400, "grant_type twice")

    def grants(self):
        robot = App(self.issuer, "robot")
        status, tokens = robot.post("token_endpoint", grant_type="client_credentials")
        same(status, 200, f"{tokens}")
        claims = jws_claims(tokens["access_token"], robot.jwks(), "ES256")
        expect("https://reports.example.org" in claims["aud"] and "refresh_token" not in tokens, f"{claims}")
        expect(claims["sub"] != "app", "the robot passes for another")
        for more, error in (({"grant_type": "client_credentials", "scope": "openid"}, "invalid_scope"), ({"grant_type": "password", "username": "alice", "password": self.password},
                            "unsupported_grant_type"), ({"grant_type": "authorization_code", "code": "x.y", "redirect_uri": CALLBACK}, "unauthorized_client"),
                            ({"grant_type": ""}, "invalid_request"), ({}, "invalid_request")):
            self.refused(robot.post("token_endpoint", **more), error, 400, f"{more}")
        self.refused(App(self.issuer).post("token_endpoint", grant_type="client_credentials"), "unauthorized_client", 400, "client_credentials of app")
        same(robot.userinfo(tokens["access_token"])[0] in (401, 403), True, "userinfo of a robot")

    def introspection(self):
        """Nobody learns of another client's tokens but who is configured to."""
        app, robot, spa = App(self.issuer), App(self.issuer, "robot"), App(self.issuer, "spa", None)
        tokens = app.log_in(self.person(), "", "")
        same(robot.introspect(tokens["access_token"]), (200, {"active": False}), "robot on a token of app")
        self.refused(spa.introspect(tokens["access_token"]), "invalid_client", 401, "a public client")
        same(app.json("POST", app.discover()["introspection_endpoint"], {"token": tokens["access_token"]})[0], 401, "nobody")
        status, answer = robot.revoke(tokens["refresh_token"])
        expect(status in (200, 400), f"revocation by another: {status} {answer}")
        same(app.active(tokens["refresh_token"]), True, "active after another client's revocation")

    # ---- signatures ----
    def forged(self):
        app = App(self.issuer)
        tokens = app.log_in(self.person(), "", "")
        head, body, signature = tokens["access_token"].split(".")
        header, claims = json.loads(unb64(head)), json.loads(unb64(body))

        def token(h, c=claims, s=signature):
            return b64(json.dumps(h).encode()) + "." + b64(json.dumps(c).encode()) + "." + s
        wrong = [token({**header, "alg": alg}, s=s) for alg in ("none", "None", "HS256", "ES256", "RS512") for s in ("", signature)]
        wrong += [token(header, {**claims, "sub": "somebody"}), token({**header, "kid": "../../etc/passwd"}), token({k: v for k, v in header.items() if k != "alg"}),
                  token({**header, "jwk": app.jwks()["keys"][0]}), token({**header, "crit": ["exp"]}), f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.{signature}.x",
                  f"{head}.{body}.{signature[:-4]}", "..", "a.b.c", tokens["access_token"] + "=", tokens["access_token"].replace(".", ". ", 1)]
        for forged in wrong:
            same(app.userinfo(forged)[0], 401, f"userinfo with {forged[:60]}…")
            same(app.active(forged), False, f"active of {forged[:60]}…")
        same(app.userinfo(tokens["access_token"])[0], 200, "the true one")

    def bearer(self):
        app = App(self.issuer)
        access = app.log_in(self.person(), "", "")["access_token"]
        url = app.discover()["userinfo_endpoint"]
        same(app.json("GET", f"{url}?access_token={access}")[0], 401, "a token in the query")
        same(app.json("POST", url, {"access_token": access}, {"Authorization": "Bearer " + access})[0], 400, "a token twice")
        same(app.json("GET", url, headers={"Authorization": "Basic " + access})[0], 401, "another scheme")
        same(app.json("GET", url)[0], 401, "no token")
        app.browser.cookies = {}
        missing = app.browser.send("GET", url)
        expect("Bearer" in missing.headers.get("WWW-Authenticate", ""), "no WWW-Authenticate")
        open_to = app.browser.send("GET", url, headers={"Origin": "https://evil.example", "Authorization": "Bearer " + access})
        expect("Access-Control-Allow-Credentials" not in open_to.headers, "CORS with credentials")

    # ---- logout ----
    def logout(self):
        """No redirect but to a registered URI, no logout by a link of somebody else's page."""
        app, browser = App(self.issuer), self.person()
        hint = app.log_in(browser, "", "")["id_token"]
        for uri in ("https://evil.example/", GOODBYE + "/x", GOODBYE + "?x", "//evil.example", "javascript:alert(1)", GOODBYE.replace("127.0.0.1", "127.0.0.1.evil.example")):
            for more in ({"id_token_hint": hint}, {"client_id": "app"}, {}):
                answer = browser.send("GET", f"{self.issuer}/logout?" + urllib.parse.urlencode({"post_logout_redirect_uri": uri, **more}))
                expect(not answer.location, f"{uri} with {list(more)} leads to {answer.location}")
        asked = browser.get(f"{self.issuer}/logout")
        expect("logout" in asked.page().form_with("logout").buttons, "no question before the logout")
        same(browser.send("POST", f"{self.issuer}/logout", {"logout": "logout", "csrf": "x"}).location, None, "logout by a form of another site")
        same(browser.get(f"{self.issuer}/account").url, f"{self.issuer}/account", "still logged in")
        other = App(self.issuer).log_in(self.person("bob"), "", "")["id_token"]
        answer = browser.get(f"{self.issuer}/logout?" + urllib.parse.urlencode({"id_token_hint": other, "post_logout_redirect_uri": GOODBYE}))
        expect(not answer.location, "logged out by the hint of somebody else")
        forged = hint.rsplit(".", 1)[0] + ".AAAA"
        answer = browser.get(f"{self.issuer}/logout?" + urllib.parse.urlencode({"id_token_hint": forged, "post_logout_redirect_uri": GOODBYE}))
        expect(not answer.location, "logged out by a forged hint")
        same(browser.get(f"{self.issuer}/account").url, f"{self.issuer}/account", "still logged in")

    def logout_ends(self):
        """What the session gave ends with it, offline grants excepted."""
        app = App(self.issuer, scope="openid profile")
        browser = self.person()
        tokens = app.log_in(browser, "", "")
        browser.submit(browser.get(f"{self.issuer}/logout"), "logout")
        same(app.active(tokens["refresh_token"]), False, "active of the refresh token after logout")

    # ---- consent ----
    def consent(self):
        app, browser, proof = App(self.issuer, "asker"), self.person(), Proof()
        app.post_secret = True
        page = browser.get(app.authorize_url(proof))
        page.page().form_with("allow", "deny")
        same(browser.send("GET", app.authorize_url(Proof(), prompt="none")).query().get("error"), "consent_required", "prompt=none before consent")
        fields = {k: v for k, v in page.page().form_with("allow").fields.items() if k != "csrf"}
        same(browser.send("POST", f"{self.issuer}/consent", {**fields, "allow": "allow"}).status, 403, "consent without the form's token")
        denied = browser.submit(page, "deny")
        same((denied.query().get("error"), denied.query().get("state")), ("access_denied", proof.state), "denied")
        proof = Proof()
        allowed = browser.submit(browser.get(app.authorize_url(proof)), "allow")
        status, tokens = app.redeem(app.code_of(allowed, proof), proof)
        same(status, 200, f"{tokens}")
        app.id_claims(tokens["id_token"], tokens["access_token"], proof, "EdDSA")
        expect(browser.send("GET", app.authorize_url(Proof(), prompt="none")).query().get("code"), "asked again after consent once")

    def account_gone(self):
        """A person who is disabled in the directory gets no new token, and old ones are inactive."""
        walk = self.stage.account("partner")
        app, browser = App(self.issuer), Browser(self.issuer)
        tokens = app.log_in(browser, walk.login, walk.person.password)
        self.stage.directory.change(f"dn: {walk.dn}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n")
        until(lambda: not app.active(tokens["access_token"]), 20, "a disabled person's token is inactive")
        self.refused(app.refresh(tokens["refresh_token"]), what="refresh of a disabled person")
        same(app.userinfo(tokens["access_token"])[0], 401, "userinfo of a disabled person")

    def garbage(self):
        """Endpoints that get anything but what they expect still answer."""
        port = self.stage.daemon.port
        for path in ("token", "introspect", "revoke", "userinfo"):
            for kind, body in (("application/json", "{\"grant_type\": [1]}"), ("application/x-www-form-urlencoded", "%"), ("application/x-www-form-urlencoded", "=&=&=&="),
                               ("application/x-www-form-urlencoded", "grant_type=\xff"), ("multipart/form-data; boundary=", "--"), ("", "a=b")):
                data = body.encode("latin-1")
                head = f"POST /realms/demo/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
                status, got = raw(port, head.encode() + data)
                expect(400 <= status < 500, f"{path} with {kind} {body!r}: {status} {got[:100]}")

    def main(self):
        run = self.tests.run
        if run("the daemon starts", self.stage.start):
            for name in ("redirects", "parameters", "status_after_login", "pkce", "code_binding", "code_replay", "code_race", "refresh_race", "refresh_binding", "clients", "grants",
                         "introspection", "forged", "bearer", "logout", "logout_ends", "consent", "account_gone", "garbage"):
                run(name.replace("_", " "), getattr(self, name))
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(ProtocolTests().main())

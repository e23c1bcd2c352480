#!/usr/bin/python3
"""Somebody in 1,990 groups, each of which gives a role: tokens stay short and say where to ask, and there all is told."""
import json
import sys

from usher import App, Browser, Proof, Stage, Tests, expect, jws_claims, same

GROUPS = 1990  # with those that the directory gives her, as many as Usher reads of one person
LONGEST = 2500  # bytes of a token that fits into a header, a cookie, a database field


class ManyTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("many")
        self.directory = self.stage.directory
        self.issuer = self.stage.daemon.issuer()
        realm = self.stage.daemon.config["realms"]["demo"]
        realm["clients"]["app"]["roles"] = {"visible": ["*"], "groups": True}
        realm["clients"]["app"]["scopes"].append("groups")
        realm["clients"]["spa"]["roles"] = {"visible": ["employee"]}
        self.password = self.directory.v["OL_USER_PASSWORD"]

    def join(self):
        alice = self.directory.dn_of("alice")
        self.directory.change("".join(self.directory.group_ldif(f"app-many{i:04}", alice) for i in range(GROUPS)))

    def tokens(self):
        self.app, self.proof = App(self.issuer, scope="openid email roles groups offline_access"), Proof()
        self.got = self.app.log_in(Browser(self.issuer, timeout=60), "alice", self.password, self.proof)
        for name in ("access_token", "id_token"):
            expect(len(self.got[name]) < LONGEST, f"{name} has {len(self.got[name])} bytes")
        claims = self.app.id_claims(self.got["id_token"], self.got["access_token"], self.proof)
        access = jws_claims(self.got["access_token"], self.app.jwks(), "RS256")
        for told in (claims, access):
            expect("roles" not in told and "groups" not in told, f"{sorted(told)}")
            same(sorted(told["_claim_names"]), ["groups", "roles"], "_claim_names")
        self.source = claims["_claim_sources"][claims["_claim_names"]["roles"]]
        same(claims["email"], "alice@example.test", "what else the token says")

    def userinfo(self):
        status, info = self.app.userinfo(self.got["access_token"])
        same(status, 200, "userinfo")
        expect(f"many{GROUPS - 1:04}" in info["roles"] and "employee" in info["roles"] and len(info["roles"]) > GROUPS,
               f"{len(info['roles'])} roles")
        expect(len(info["groups"]) > GROUPS, f"{len(info['groups'])} groups")
        self.info = info

    def endpoint(self):
        """As OpenID Connect Core 5.6.2 wants it: a JWT, from where the token says, with the access token."""
        answer = Browser(self.issuer).send("GET", self.source["endpoint"], None, {"Authorization": "Bearer " + self.got["access_token"]})
        same((answer.status, answer.headers.get("Content-Type")), (200, "application/jwt"), "the endpoint")
        claims = jws_claims(answer.text, self.app.jwks(), "RS256")
        same((claims["iss"], claims["sub"], claims["aud"]), (self.issuer, self.info["sub"], "app"), "whose they are")
        same((sorted(claims["roles"]), sorted(claims["groups"])), (sorted(self.info["roles"]), sorted(self.info["groups"])), "what they are")
        same(Browser(self.issuer).send("GET", self.source["endpoint"], None, {}).status, 401, "without a token")

    def refreshed(self):
        status, again = self.app.refresh(self.got["refresh_token"])
        same(status, 200, json.dumps(again)[:200])
        expect(len(again["access_token"]) < LONGEST, "the access token of a refresh")

    def few(self):
        """A client that sees one of the roles has it in the token, as ever."""
        app = App(self.issuer, "spa", None, scope="openid roles")
        tokens = app.log_in(Browser(self.issuer, timeout=60), "alice", self.password)
        claims = jws_claims(tokens["access_token"], app.jwks(), "ES256")
        same(claims.get("roles"), ["employee"], "roles")
        expect("_claim_names" not in claims, "_claim_names")

    def discovery(self):
        same(App(self.issuer).discover()["claim_types_supported"], ["normal", "distributed"], "claim types")

    def main(self):
        run = self.tests.run
        run("alice joins many groups", self.join)
        if run("the daemon starts", self.stage.start):
            run("tokens stay short and say where to ask", self.tokens)
            run("userinfo tells all", self.userinfo)
            run("the endpoint tells all in a JWT", self.endpoint)
            run("tokens of a refresh too", self.refreshed)
            run("few roles stand in the token", self.few)
            run("discovery says so", self.discovery)
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(ManyTests().main())

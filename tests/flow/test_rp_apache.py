#!/usr/bin/python3
"""Apache with mod_auth_openidc, as people run it: logs in against usherd, lets in by roles, asks what a token is worth, logs out."""
import getpass
import os
import shutil
import subprocess
import sys
import tempfile

from usher import SECRET, App, Browser, Failed, Stage, Tests, at_end, client, expect, free_port, same, until

MODULES = "/usr/lib/apache2/modules"
PROGRAM = "/usr/sbin/apache2"
CONFIG = """\
ServerName 127.0.0.1
Listen 127.0.0.1:{port}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex file:{folder} default
ErrorLog {folder}/apache.log
LogLevel warn auth_openidc:warn
{user}
{modules}
DocumentRoot {documents}
<Directory {documents}>
	Require all granted
</Directory>

OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID apache
OIDCClientSecret {secret}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRedirectURI http://127.0.0.1:{port}/callback
OIDCDefaultLoggedOutURL http://127.0.0.1:{port}/bye.html
OIDCCryptoPassphrase a-passphrase-of-this-test
OIDCScope "openid profile email roles offline_access"
OIDCPKCEMethod S256
OIDCIDTokenSignedResponseAlg ES256
OIDCRemoteUserClaim preferred_username
OIDCClaimDelimiter ,
OIDCPassClaimsAs environment

OIDCOAuthServerMetadataURL {issuer}/.well-known/openid-configuration
OIDCOAuthClientID apache
OIDCOAuthClientSecret {secret}
OIDCOAuthRemoteUserClaim sub

Header set X-User "expr=%{{REMOTE_USER}}"
Header set X-Roles "expr=%{{reqenv:OIDC_CLAIM_roles}}"
Header set X-Mail "expr=%{{reqenv:OIDC_CLAIM_email}}"
<Location /callback>
	AuthType openid-connect
	Require valid-user
</Location>
<Location /people/>
	AuthType openid-connect
	Require valid-user
</Location>
<Location /approvers/>
	AuthType openid-connect
	Require claim roles:approver
</Location>
<Location /operators/>
	AuthType openid-connect
	Require claim roles:operator
</Location>
<Location /api/>
	AuthType oauth20
	Require claim client_id:app
</Location>
"""
PLACES = ["people", "approvers", "operators", "api"]
LOADED = ["mpm_event", "authn_core", "authz_core", "authz_user", "headers", "dir", "auth_openidc"]


class Apache:
    """In the foreground, with files of its own. Where it starts as root its children are another user: what they serve lies where all may read."""

    def __init__(self, folder, port, issuer):
        self.folder, self.port, self.issuer = folder, port, issuer
        self.process = None
        self.documents = tempfile.mkdtemp(prefix="usher-apache-")
        at_end(self.stop)

    def write(self):
        os.chmod(self.documents, 0o755)
        for place in PLACES:
            os.mkdir(os.path.join(self.documents, place), 0o755)
            self.page(place + "/index.html", place)
        self.page("bye.html", "bye")
        own = os.path.join(self.folder, "apache.conf")
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED)
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else f"# as {getpass.getuser()}"
        with open(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
            f.write(CONFIG.format(port=self.port, folder=self.folder, user=user, modules=modules, documents=self.documents, issuer=self.issuer, secret=SECRET))
        return own

    def page(self, name, text):
        path = os.path.join(self.documents, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"<!doctype html><title>{text}</title>")
        os.chmod(path, 0o644)

    def start(self):
        own = self.write()
        with open(os.path.join(self.folder, "apache.out"), "wb") as out:
            self.process = subprocess.Popen([PROGRAM, "-f", own, "-DFOREGROUND"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until(self.ready, 15, "Apache listens")

    def ready(self):
        if self.process.poll() is not None:
            raise Failed(f"Apache ended with {self.process.returncode}: {self.said()}")
        try:
            return Browser(f"http://127.0.0.1:{self.port}").get("/bye.html").status == 200
        except ConnectionError:
            return False

    def said(self):
        found = []
        for name in ("apache.out", "apache.log"):
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    found += f.read().splitlines()
        return "\n".join(found[-8:])

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        shutil.rmtree(self.documents, ignore_errors=True)


class Visit:
    """One person with a browser, at Apache and at usherd."""

    def __init__(self, apache, stage, name):
        self.apache, self.stage, self.name = apache, stage, name
        self.at_apache = Browser(f"http://127.0.0.1:{apache.port}")
        self.at_usher = Browser(stage.daemon.issuer())

    def to_login(self, place):
        sent = self.at_apache.get(f"/{place}/", Accept="text/html")  # who does not want a page is not sent to the login
        expect(sent.location and sent.location.startswith(self.stage.daemon.issuer() + "/authorize?"), f"Apache answers {sent.brief()}\n{self.apache.said()}")
        same(sent.query().get("code_challenge_method"), "S256", "code_challenge_method of Apache")
        return self.at_usher.get(sent.location)

    def enter(self, place):
        """The answer of Apache after the login, by password or by the session that stands."""
        page = self.to_login(place)
        if not page.location:
            page = self.at_usher.submit(page, "login", {"username": self.name, "password": self.stage.directory.v["OL_USER_PASSWORD"]})
        expect(page.location and page.location.startswith(self.at_apache.origin + "/callback?"), f"usherd answers {page.brief()}")
        return self.at_apache.get(page.location)

    def in_people(self):
        answer = self.enter("people")
        same(answer.status, 200, f"people/ after the login\n{self.apache.said()}")
        same(answer.headers["X-User"], self.name, "REMOTE_USER")
        same(answer.headers["X-Mail"], f"{self.name}@example.test", "OIDC_CLAIM_email")
        return answer.headers["X-Roles"].split(",")

    def told(self):
        """The session ends at usherd without Apache's doing; Apache hears of it and lets in no more."""
        self.in_people()
        same(self.at_apache.get("/people/").status, 200, "people/ before")
        self.at_usher.submit(self.at_usher.get(f"{self.stage.daemon.issuer()}/account"), "logout")
        ended = until(lambda: [a for a in [self.at_apache.get("/people/", Accept="text/html")] if a.status != 200], 20, "Apache's session ends")[0]
        expect(ended.location and ended.location.startswith(self.stage.daemon.issuer() + "/authorize?"), f"Apache answers {ended.brief()}")
        until(lambda: not self.stage.daemon.rows("SELECT id FROM job WHERE kind = 'logout'"), 10, "the job is done")

    def log_out(self):
        sent = self.at_apache.get(f"/callback?logout={self.at_apache.origin}/bye.html")
        expect(sent.location and sent.location.startswith(self.stage.daemon.issuer() + "/logout?"), f"Apache answers {sent.brief()}")
        done = self.at_usher.get(sent.location)
        same(done.location, f"{self.at_apache.origin}/bye.html", f"where usherd sends after the logout ({done.brief()})")
        again = self.to_login("people")
        expect(not again.location and again.page().form_with("login"), f"after the logout: {again.brief()}")


def by_roles(visit):
    roles = visit.in_people()
    expect("approver" in roles, f"roles {roles}")
    same(visit.at_apache.get("/approvers/").status, 200, "approvers/")
    expect(visit.at_apache.get("/operators/").status in (401, 403), "an approver is let in where operators are")


def no_role(visit):
    expect("approver" not in visit.in_people(), "alice is an approver")
    expect(visit.at_apache.get("/approvers/").status in (401, 403), "alice is let in where approvers are")


def deny(visit):
    """Apache shows its own error when the person cannot be logged in."""
    page = visit.to_login("people")
    refused = visit.at_usher.submit(page, "login", {"username": visit.name, "password": "wrong"})
    expect(not refused.location and refused.page().form_with("login"), f"a wrong password leads to {refused.brief()}")


def api(apache, stage):
    """A token of another client, presented to Apache, which asks usherd about it."""
    app = App(stage.daemon.issuer())
    tokens = app.log_in(Browser(stage.daemon.issuer()), "alice", stage.directory.v["OL_USER_PASSWORD"])
    browser = Browser(f"http://127.0.0.1:{apache.port}")
    bearer = {"Authorization": "Bearer " + tokens["access_token"]}
    same(browser.send("GET", "/api/", headers=bearer).status, 200, f"api/ with a token\n{apache.said()}")
    same(browser.send("GET", "/api/").status, 401, "api/ without a token")
    same(browser.send("GET", "/api/", headers={"Authorization": "Bearer no.such.token"}).status, 401, "api/ with a token of nobody")


def main():
    if not os.path.exists(PROGRAM) or not os.path.exists(f"{MODULES}/mod_auth_openidc.so"):
        print("apache2-bin and libapache2-mod-auth-openidc are needed")
        return 77
    tests, stage = Tests(), Stage("apache")
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    stage.daemon.config["realms"]["demo"]["clients"]["apache"] = client(
        "The pages behind Apache", signing_alg="ES256", introspect=True, redirect_uris=[f"{here}/callback"], post_logout_redirect_uris=[f"{here}/bye.html"],
        backchannel_logout_uri=f"{here}/callback?logout=backchannel", backchannel_logout_session_required=True)
    apache = Apache(stage.folder, port, stage.daemon.issuer())
    carol = Visit(apache, stage, "carol")
    if tests.run("usherd starts", stage.start) and tests.run("Apache starts", lambda: apache.start() or True):
        tests.run("a wrong password stays at usherd", deny, Visit(apache, stage, "alice"))
        tests.run("carol is let in by her role", by_roles, carol)
        tests.run("alice is let in without it, and not further", no_role, Visit(apache, stage, "alice"))
        tests.run("single log-out through Apache", carol.log_out)
        tests.run("back-channel logout ends the session at Apache", Visit(apache, stage, "alice").told)
        tests.run("Apache introspects a bearer token", api, apache, stage)
    apache.stop()
    tests.run("all ends", lambda: same(stage.end(), True, "the end"))
    return tests.end()


sys.exit(main())

"""One person's way through Usher, a method a step. A step that is done already looks and changes nothing, so that a walk goes on after a crash."""
import secrets

from browser import Browser
from letters import newest
from oidc import App, Proof
from settings import GOODBYE
from tap import Failed, expect, same, until

WEAK = ["short", "password1"]


class Gone(Exception):
    """The daemon died while something was waited for."""


class Person:
    def __init__(self, given="Vera", family="Walker", mail=None):
        self.given, self.family = given, family
        self.mail = mail or f"{given}.{family}.{secrets.token_hex(3)}@example.net".lower()
        self.password = "Quiet-" + secrets.token_hex(8) + "-harbour"

    def typed(self, profile):
        """What is filled into the profile's form."""
        form = {"given_name": self.given, "family_name": self.family, "mail": self.mail}
        if profile == "guest":
            return {**form, "terms": "yes"}
        return {**form, "company": "Example Partners Ltd", "purpose": "The yearly report"}


class Walk:
    """daemon and directory run; box: the mails (letters.Mailbox); profile: "guest" (no approval) or "partner"."""

    def __init__(self, daemon, directory, box, profile="guest", person=None, realm="demo"):
        self.daemon, self.directory, self.box, self.profile, self.realm = daemon, directory, box, profile, realm
        self.person = person or Person()
        self.issuer = daemon.issuer(realm)
        self.browser, self.approver = Browser(self.issuer), Browser(self.issuer)
        self.approver_name, self.approver_password = "carol", directory.v["USER_PASSWORD"]
        self.mail_wait = 20
        self.app = App(self.issuer)
        self.proof = self.code = self.tokens = self.claims = self.login = self.dn = self.login_page = self.straight = None

    def steps(self):
        """(title, method) in order."""
        return [*self.steps_of_account(), *self.steps_of_login()]

    def steps_of_account(self):
        decided = [("approved", self.approve)] if self.profile == "partner" else []
        return [("registered", self.register), ("mail arrived", self.mail_arrived), ("link opened", self.open_link), ("verified", self.verify),
                *decided, ("provisioned", self.provisioned), ("invited", self.invited), ("weak password refused", self.weak_refused),
                ("activated", self.activate), ("told", self.told)]

    def steps_of_login(self):
        return [("asked to log in", self.authorize), ("logged in", self.log_in), ("token", self.token), ("ID token", self.id_token),
                ("userinfo", self.userinfo), ("introspection", self.introspect), ("refresh", self.refresh), ("revocation", self.revoke),
                ("logout", self.log_out)]

    def run(self, tests, title=""):
        """All steps as tests; stops at the first that fails."""
        for name, step in self.steps():
            if tests.run(f"{title or self.profile}: {name}", step) is None:
                return False
        return True

    # ---- what stands ----
    def registration(self):
        """(id, state) of the newest registration of the person that is not a second try, or (None, None)."""
        rows = self.daemon.registrations(self.person.mail, self.realm)
        order = ["active", "provisioned", "approved", "pending", "submitted"]
        rows.sort(key=lambda row: order.index(row[1]) if row[1] in order else len(order))
        return rows[0] if rows else (None, None)

    @property
    def id(self):
        return self.registration()[0]

    @property
    def state(self):
        return self.registration()[1]

    def wait(self, look, seconds, what):
        def seen():
            found = look()
            if not found and not self.daemon.running():
                raise Gone(what)
            return found
        try:
            return until(seen, seconds, what)
        except Failed as error:
            mails = [(m.to, m.subject) for m in self.box.letters()][-5:]
            raise Failed(f"{error}; state {self.state}, mails {mails}\n{self.daemon.tail()}") from None

    def await_state(self, *states, seconds=30):
        return self.wait(lambda: self.state in states and self.state, seconds, f"state {' or '.join(states)}")

    def entry(self):
        """The entry with our marker; there is one exactly."""
        found = self.directory.search(f"(employeeNumber={self.id})")
        same(len(found), 1, f"entries with the marker {self.id}")
        return found[0]

    def letter(self, path, to=None):
        to = to or self.person.mail
        return self.wait(lambda: newest(self.box, to, path), self.mail_wait, f"a mail to {to} with a link to {path}")

    # ---- account ----
    def register(self):
        if not self.state:
            page = self.browser.get(f"{self.issuer}/register/{self.profile}")
            same(page.status, 200, "the form")
            sent = self.browser.submit(page, "register", self.person.typed(self.profile))
            expect(sent.status == 200 and "resend" in sent.page().form_with("resend").buttons, f"no 'check your mail' but {sent.brief()}")
        self.await_state("submitted", "pending", "approved", "provisioned", "active", seconds=2)
        return f"{self.person.given} {self.person.family} asked for a {self.profile} account, with {self.person.mail}"

    def mail_arrived(self):
        letter = self.letter("/verify")
        expect(letter.html and self.person.mail == letter.to, "a mail without HTML, or to another")
        return f"{letter.subject!r}"

    def open_link(self):
        link = self.letter("/verify").link("/verify")
        for _ in range(2):
            if self.state == "submitted":
                page = self.browser.get(link)
                expect(page.status == 200, f"the link leads to {page.brief()}")
                page.page().form_with("verify", "t")
                same(self.state, "submitted", "state after the link was opened")
        return "twice; it shows a button and changes nothing"

    def verify(self):
        if self.state == "submitted":
            page = self.browser.get(self.letter("/verify").link("/verify"))
            done = self.browser.submit(page, "verify")
            expect(done.status == 200, f"the button leads to {done.brief()}")
            self.straight = done.url if "/activate?" in done.url else None
        wanted = ["pending"] if self.profile == "partner" else ["approved"]
        state = self.await_state(*wanted, "approved", "provisioned", "active", seconds=10)
        return f"the address is theirs; the request is {state}"

    def as_approver(self, url):
        page = self.approver.get(url)
        if any("login" in form.buttons for form in page.page().forms):
            page = self.approver.submit(page, "login", {"username": self.approver_name, "password": self.approver_password})
        expect(page.status == 200, f"{self.approver_name} sees {page.brief()}")
        return page

    def approve(self):
        if self.state == "pending":
            self.letter(f"/admin/registrations/{self.id}", f"{self.approver_name}@example.test")
            queue = self.as_approver(f"{self.issuer}/admin/registrations")
            expect(any(link.endswith(self.id) for link in queue.page().links), f"the request is not in the queue: {queue.brief()}")
            page = self.as_approver(f"{self.issuer}/admin/registrations/{self.id}")
            self.check_plan(page.page().text)
            done = self.approver.submit(page, "decide", {"decision": "approve"})
            expect(done.status == 200, f"the decision leads to {done.brief()}")
        self.await_state("approved", "provisioned", "active")
        return f"by {self.approver_name}, who saw the LDIF that will be written"

    def check_plan(self, text):
        for wanted in (f"dn: {self.directory.rdn}=", f"mail: {self.person.mail}", f"employeeNumber: {self.id}", f"sn: {self.person.family}", "changetype: modify"):
            expect(wanted in text, f"{wanted!r} is not in the plan: {text}")

    def provisioned(self):
        self.await_state("provisioned", "active")
        entry = self.entry()
        self.dn = entry["dn"][0]
        same(entry["mail"], [self.person.mail], "mail of the entry")
        group = "guests" if self.profile == "guest" else "partners"
        expect(self.dn in self.directory.members(group), f"{self.dn} is not in the group {group}")
        if self.state != "active":
            expect(self.directory.pending(entry), f"the new entry is not disabled: {entry}")
        return f"{self.dn}, disabled, with our marker, in the group {group}"

    def activation_link(self):
        """Where no approval is needed, the button of the verification page leads on to it; else, or after a crash, a mail does."""
        if self.straight:
            return self.straight
        if self.profile == "guest" and not newest(self.box, self.person.mail, "/activate"):
            self.resend()
        return self.letter("/activate").link("/activate")

    def resend(self):
        """The person asks for the current link again."""
        url = f"{self.issuer}/register/{self.profile}"
        csrf = self.browser.get(url).page().form_with("register").fields["csrf"]
        same(self.browser.post(url + "/resend", {"csrf": csrf, "mail": self.person.mail, "resend": "resend"}).status, 200, "resend")

    def activation_page(self):
        page = self.browser.get(self.activation_link())
        expect(page.status == 200, f"the link leads to {page.brief()}")
        return page

    def invited(self):
        if self.state == "provisioned":
            self.login = self.activation_page().page().form_with("activate", "password").fields.get("username")
        expect(self.state == "active" or self.login == self.directory.login_of(self.entry()), f"login name {self.login} of {self.dn}")
        how = "straight on from the verification page" if self.straight else "by mail"
        return f"{how}, to the page that sets the password; the login name is {self.login}"

    def weak_refused(self):
        for weak in WEAK if self.state == "provisioned" else []:
            refused = self.browser.submit(self.activation_page(), "activate", {"password": weak})
            same(refused.status, 422, f"status for the password {weak}")
            said = refused.page().problems().get("password")
            expect(said, f"nothing is said at the field for {weak}")
            expect(self.directory.pending(self.entry()), "the entry is enabled by a refused password")
        return f"“{said}”" if self.state == "provisioned" else "before"

    def activate(self):
        if self.state == "provisioned":
            done = self.browser.submit(self.activation_page(), "activate", {"password": self.person.password, "password_again": self.person.password})
            expect(done.status == 200, f"the password leads to {done.brief()}")
        self.await_state("active", seconds=2)
        entry = self.entry()
        expect(not self.directory.pending(entry), "the entry is still disabled")
        expect(self.directory.may_log_in(entry["dn"][0], self.person.password), "the directory does not take the password")
        return "the directory took the password, and the entry is enabled"

    def told(self):
        return repr(self.letter("/login").subject)

    # ---- login ----
    def authorize(self):
        self.proof = Proof()
        page = self.browser.get(self.app.authorize_url(self.proof))
        same((page.status, page.url.split("?")[0]), (200, f"{self.issuer}/login"), "where /authorize leads")
        page.page().form_with("login", "username", "password")
        self.login_page = page
        return "the application sent the browser to /authorize, with PKCE"

    def log_in(self):
        done = self.browser.submit(self.login_page, "login", {"username": self.login, "password": self.person.password})
        self.code = self.app.code_of(done, self.proof)
        return f"as {self.login}, by the directory; back at the application with a code"

    def token(self):
        status, self.tokens = self.app.redeem(self.code, self.proof)
        same(status, 200, f"token endpoint {self.tokens}")
        for name in ("access_token", "id_token", "refresh_token"):
            expect(self.tokens.get(name), f"{name} is missing")
        same(self.tokens["token_type"].lower(), "bearer", "token_type")
        return "access, ID and refresh token"

    def id_token(self):
        self.claims = self.app.id_claims(self.tokens["id_token"], self.tokens["access_token"], self.proof)
        role = "guest" if self.profile == "guest" else "partner"
        expect(role in self.claims.get("roles", []), f"no role {role} in {self.claims}")
        same((self.claims.get("email"), self.claims.get("email_verified")), (self.person.mail, True), "email of the ID token")
        return f"RS256, verified against the JWKS; roles {self.claims['roles']}"

    def userinfo(self):
        status, info = self.app.userinfo(self.tokens["access_token"])
        same(status, 200, f"userinfo {info}")
        same(info["sub"], self.claims["sub"], "sub of userinfo")
        same(info.get("email"), self.person.mail, "email of userinfo")
        return f"sub {info['sub']}"

    def introspect(self):
        status, seen = self.app.introspect(self.tokens["access_token"])
        same((status, seen.get("active"), seen.get("sub")), (200, True, self.claims["sub"]), f"introspection {seen}")
        same(self.app.active("no.such.token"), False, "active of a token of nobody")
        return "active"

    def refresh(self):
        old = self.tokens["refresh_token"]
        status, new = self.app.refresh(old)
        same(status, 200, f"refresh {new}")
        expect(new["refresh_token"] != old, "the refresh token was not rotated")
        status, answer = self.app.refresh(old)
        same((status, answer.get("error")), (400, "invalid_grant"), "refresh by a used token")
        status, answer = self.app.refresh(new["refresh_token"])
        same((status, answer.get("error")), (400, "invalid_grant"), "refresh in a family whose member was used twice")
        same(self.app.active(new["access_token"]), False, "active after the family was revoked")
        return "rotated; used twice, the whole family ends"

    def revoke(self):
        self.proof = Proof()
        back = self.browser.get(self.app.authorize_url(self.proof))
        status, self.tokens = self.app.redeem(self.app.code_of(back, self.proof), self.proof)
        same(status, 200, f"token endpoint, without a second login {self.tokens}")
        same(self.app.active(self.tokens["refresh_token"]), True, "active before")
        same(self.app.revoke(self.tokens["refresh_token"])[0], 200, "revocation")
        for name in ("refresh_token", "access_token"):
            same(self.app.active(self.tokens[name]), False, f"active of the {name} after revocation")
        return "tokens by single sign-on, revoked, no longer active"

    def log_out(self):
        url = f"{self.issuer}/logout?id_token_hint={self.tokens['id_token']}&post_logout_redirect_uri={GOODBYE}&state=bye"
        done = self.browser.get(url)
        expect(done.location and done.location.startswith(GOODBYE), f"logout leads to {done.brief()}")
        same(done.query().get("state"), "bye", "state after logout")
        page = self.browser.get(self.app.authorize_url(Proof()))
        expect(page.status == 200 and page.url.split("?")[0].endswith("/login"), f"after logout /authorize leads to {page.brief()}")
        return "the session is over, and the browser is back at the application"

#!/usr/bin/python3
"""The whole way on Samba's Active Directory with a service account that has no password here: bound by its keytab, within TLS and
sealed without; and with the global catalog asked for each name."""
import sys

from usher import ActiveDirectory, App, Browser, Stage, Tests, expect, same


class KerberosTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("walk_krb", ActiveDirectory)
        self.v = self.stage.directory.v
        self.config = self.stage.daemon.config["realms"]["demo"]["directories"]["main"]

    def bound(self, bind, uris):
        self.config.pop("bind_password_file", None)
        self.config.update(bind=bind, uris=uris.split(), keytab=self.v["AD_KEYTAB"], principal=self.v["PRINCIPAL"], global_catalog=True)
        return self.stage.start(KRB5_CONFIG=self.v["KRB5_CONFIG"])

    def elsewhere(self):
        """Vera Walker would be vwalker, whose principal somebody outside of people_base has: she is the next candidate."""
        self.stage.directory.change(
            f"dn: CN=somebody,{self.v['OUTSIDE']}\nchangetype: add\nobjectClass: user\nsAMAccountName: somebody\n"
            f"userPrincipalName: vwalker@{self.v['UPN_SUFFIX']}\n")

    def walk(self, profile, login):
        walk = self.stage.walk(profile)
        if not walk.run(self.tests, profile):
            return
        self.tests.run(f"{profile}: the login name that the forest has free", lambda: same(walk.entry()["samaccountname"], [login], "login name"))
        self.tests.run(f"{profile}: the account's password is taken", lambda: same(
            self.stage.directory.may_log_in(walk.entry()["dn"][0], walk.person.password), True, "the directory's own word"))

    def logs_in(self):
        app = App(self.stage.daemon.issuer())
        tokens = app.log_in(Browser(self.stage.daemon.issuer()), "alice", self.v["USER_PASSWORD"])
        expect("employee" in app.userinfo(tokens["access_token"])[1]["roles"], "no roles")

    def main(self):
        run = self.tests.run
        run("somebody in the forest has a name", self.elsewhere)
        if run("the daemon starts, bound by Kerberos within TLS", self.bound, "gssapi", self.v["URI"]):
            self.walk("guest", "vera.walker")
            run("a login with roles", self.logs_in)
            run("it ends", lambda: same(self.stage.daemon.stop(), 0, "its end"))
        if run("the daemon starts, sealed by Kerberos", self.bound, "gssapi_sealed", self.v["URI_PLAIN"]):
            self.walk("partner", "vwalker2")
            run("a login with roles", self.logs_in)
            run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(KerberosTests().main())

#!/usr/bin/python3
"""usherd and usherctl on a key file that is lost, wrong or not theirs: what they say, and whether the way out that the documents name is one."""
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys

from usher import BUILD, Daemon, Tests, expect, folder, free_port, same

NOBODY = 65534
V = {
    "DRIVER": "openldap", "URI": f"ldap://127.0.0.1:{free_port()}", "CA_FILE": "/etc/ssl/certs/ca-certificates.crt",
    "BIND_DN": "cn=svc,dc=example,dc=org", "BIND_PASSWORD": "x", "PEOPLE": "ou=people,dc=example,dc=org",
    "GROUPS": "ou=groups,dc=example,dc=org", "SERVICES": "ou=services,dc=example,dc=org",
}


class Away:
    """A directory that nobody serves: nothing here needs one."""

    v = V


class ToolTests:
    def __init__(self):
        self.tests, self.folder = Tests(), folder("tools")
        self.daemon = Daemon(self.folder, Away)
        self.key = os.path.join(self.folder, "secrets.key")
        self.kept = self.key + ".kept"
        self.file = os.path.join(self.folder, "usher.yaml")

    # ---- steps ----
    def begin(self):
        self.daemon.start()
        same(self.daemon.stop(), 0, "exit code")
        code, out = self.daemon.usherctl("check")
        same(code, 1, "exit code, while nobody serves the directory")
        expect("ok   key file and store " in out and "FAIL realm demo, directory main: ldap://" in out, out)
        shutil.copy2(self.key, self.kept)

    def refused(self, *said):
        """usherd does not start, and says so."""
        done = subprocess.run([self.daemon.program(), "--config", self.file], capture_output=True, text=True, timeout=60, check=False)
        same(done.returncode, 1, "exit code")
        for words in ("usherd.failed", *said):
            expect(words in done.stderr, done.stderr)

    def new_key(self):
        """As docs/operations.md says: openssl rand -hex 32, mode 0600."""
        with open(os.open(self.key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
            f.write(secrets.token_hex(32) + "\n")

    def all_errors(self):
        """Errors that different folders find, each with line and column, the bad DN among them once."""
        path = os.path.join(self.folder, "wrong.yaml")
        lines = self.text().replace("demo:", "demo:\n    colour: red").replace(V["PEOPLE"], "people", 1).split("\n")
        groups = next(i for i, line in enumerate(lines) if line.strip().startswith("groups:"))
        lines[groups] = lines[groups].split("groups:")[0] + "groups: [" + V["GROUPS"] + "]"
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines))
        wanted = []
        for i, line in enumerate(lines, 1):
            if "colour: red" in line:
                wanted.append(f"{path}:{i}:5: realms.demo.colour: ")
            if line.strip().startswith("people_base:"):
                wanted.append(f"{path}:{i}:{line.index(':') + 3}: realms.demo.directories.main.people_base: ")
        wanted.append(f"{path}:{groups + 1}:{lines[groups].index('[') + 2}: realms.demo.profiles.guest.groups[0]: \"ou=groups\" does not end as")
        for program in ([self.daemon.program(), "--check-config", "-c", path], [os.path.join(BUILD, "usherctl"), "-c", path, "check"]):
            said = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False).stderr
            for start in wanted:
                same(sum(line.startswith(start) for line in said.split("\n")), 1, f"{start} in {said}")

    def text(self):
        with open(self.file, encoding="utf-8") as f:
            return f.read()

    def lost(self):
        os.unlink(self.key)
        self.refused("is missing, and the store holds what it sealed", "openssl rand -hex 32", "the rows of the table signing_key")
        expect(not os.path.exists(self.key), "it made a key file")

    def wrong(self):
        self.new_key()
        self.refused("was sealed with another key file", "the rows of the table signing_key")
        code, out = self.daemon.usherctl("check")
        same(code, 1, "exit code")
        expect("FAIL key file and store " in out and "was sealed with another key file" in out and "all is well" not in out, out)

    def brought_back(self):
        shutil.copy2(self.kept, self.key)
        expect("ok   key file and store " in self.daemon.usherctl("check")[1], "the right key file")

    def way_out(self):
        self.new_key()
        store = sqlite3.connect(self.daemon.database)
        store.execute("DELETE FROM signing_key")
        store.commit()
        store.close()
        self.daemon.start()
        same(self.daemon.stop(), 0, "exit code")
        expect("ok   key file and store " in self.daemon.usherctl("check")[1], "after the way out")

    def reachable(self):
        """Whether another user may come as far as the configuration and the program."""
        os.chmod(self.folder, 0o711)
        program = os.path.join(BUILD, "usherctl")
        return os.getuid() == 0 and subprocess.run(["test", "-e", self.file, "-a", "-x", program], user=NOBODY, group=NOBODY, extra_groups=[],
                                                   check=False).returncode == 0

    def by_another_user(self, *words):
        done = subprocess.run([os.path.join(BUILD, "usherctl"), "-c", self.file, *words], capture_output=True, text=True, timeout=60, check=False,
                              user=NOBODY, group=NOBODY, extra_groups=[])
        return done.stdout + done.stderr

    def not_allowed(self):
        """The configuration may be read, the folder be looked into; store and key file are the daemon's."""
        for name in ("usher.yaml", "ldap.password", "client.secret"):
            os.chown(os.path.join(self.folder, name), NOBODY, NOBODY)
        out = self.by_another_user("keys", "demo")
        expect("Permission denied; run this as the user of the daemon" in out and "usherd makes it" not in out, out)
        os.rename(self.daemon.database, self.daemon.database + ".away")
        out = self.by_another_user("keys", "demo")
        os.rename(self.daemon.database + ".away", self.daemon.database)
        expect("No such file or directory; usherd makes it when it starts" in out, out)

    def backup(self):
        code, out = self.daemon.usherctl("backup", os.path.join(self.folder, "copy.db"))
        same(code, 0, out)
        expect("apart" in out and "with it" not in out.replace("only with", ""), out)

    def run(self):
        run = self.tests.run
        run("a store, and its keys are opened", self.begin)
        run("errors of all folders are told at once, with their places", self.all_errors)
        run("a key file that is lost: the way out is named", self.lost)
        run("another key file: usherd ends, and usherctl check sees it", self.wrong)
        run("the right one again", self.brought_back)
        run("a new key file without the old signing keys", self.way_out)
        run("a backup names the key file's place", self.backup)
        if self.reachable():
            run("an ordinary user is sent the right way", self.not_allowed)
        return self.tests.end()


sys.exit(ToolTests().run())

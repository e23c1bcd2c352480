#!/usr/bin/python3
"""usherctl doctor, before and beside the daemon, and what the daemon says by itself after its start."""
import json
import os
import subprocess
import sys
import time

import settings as made
from daemon import BUILD, write
from usher import ROOT, Stage, Tests, expect, same, until


class DoctorTests:
    def __init__(self):
        self.tests, self.stage = Tests(), Stage("doctor")
        self.daemon = self.stage.daemon
        self.file = os.path.join(self.stage.folder, "usher.yaml")
        self.healthy = self.daemon.config

    def doctor(self, *words):
        done = subprocess.run([os.path.join(BUILD, "usherctl"), "-c", self.file, "doctor", *words], capture_output=True, text=True, timeout=120,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def sick(self):
        """A copy of the configuration with a group that does not exist."""
        config = json.loads(json.dumps(self.healthy))
        config["realms"]["demo"]["profiles"]["guest"]["groups"] = ["cn=nowhere," + self.stage.directory.v["OL_GROUPS"]]
        return config

    def before(self):
        """No store yet: the doctor needs none."""
        write(self.file, made.yaml(self.healthy) + "\n")
        status, out, err = self.doctor("demo")
        same(status, 0, f"exit status: {out}{err}")
        expect("ok      main: ldaps://" in out and "errors: 0," in out, out)
        expect(not os.path.exists(self.daemon.database), "it made a store")

    def probe(self):
        entries = self.stage.directory.search
        status, out, err = self.doctor("demo", "--probe")
        same(status, 0, f"exit status: {out}{err}")
        expect("a trial entry of the profile guest was made, used and removed" in out, out)
        expect(not entries("(uid=usher-doctor-*)", "uid"), "the trial entry is still there")

    def least_rights(self):
        """Who may not delete is told that all went well, and leaves one entry behind, however often it is tried."""
        directory = self.stage.directory
        path = os.path.join(directory.folder, "data", "node1", "slapd.conf")
        with open(path, encoding="utf-8") as f:
            whole = f.read()
        rule = f'access to dn.subtree="{directory.v["OL_PEOPLE"]}" by'
        expect(rule in whole, whole)
        least = f'access to dn.exact="{directory.v["OL_PEOPLE"]}" attrs=children by dn.exact="{directory.v["OL_BIND_DN"]}" =arscxd by users read'
        self.restart(path, whole.replace(rule, f"{least}\n{rule}"))
        for wanted in ("a trial entry of the profile guest was made, joined and used", "that stayed before was joined and used"):
            status, out, err = self.doctor("demo", "--probe")
            same(status, 0, f"exit status: {out}{err}")
            expect(wanted in out and "the trial entry stays: uid=usher-doctor-" in out, out)
            same(len(directory.search("(uid=usher-doctor-*)", "uid")), 2, "trial entries, one for each profile")
        self.restart(path, whole)

    def restart(self, path, text):
        """The directory, with another configuration of its server."""
        write(path, text)
        self.stage.directory.stop()
        self.stage.directory.start()

    def usage(self):
        same(self.doctor("demo", "--prove")[0], 2, "a word that it does not know")
        same(self.doctor()[0], 2, "no realm")
        same(self.doctor("nowhere")[0], 1, "a realm that is not there")

    def finds(self):
        write(self.file, made.yaml(self.sick()) + "\n")
        status, out, err = self.doctor("demo")
        same(status, 1, f"exit status: {out}{err}")
        line = out.index("error   main: profiles.guest.groups: cn=nowhere,")
        rest = out[line:].split("\n")
        expect(rest[1].startswith("        then: requests of the profile guest are parked"), out)
        expect(rest[2].startswith("        mend: "), out)
        expect("the doctor found 1 error;" in err, err)

    def server_certificate(self, begins, ends):
        """A new one for the directory, which is started again to show it."""
        directory = self.stage.directory
        tls = os.path.join(directory.folder, "tls")
        write(f"{tls}/ca.cnf", f"[ca]\ndefault_ca = d\n[d]\ndatabase = {tls}/issued\nnew_certs_dir = {tls}\nrand_serial = yes\ndefault_md = sha256\n"
                               "unique_subject = no\npolicy = p\n[p]\ncommonName = supplied\n")
        write(f"{tls}/issued", "")
        subprocess.run(["openssl", "ca", "-batch", "-config", f"{tls}/ca.cnf", "-in", f"{tls}/server.csr", "-cert", f"{tls}/ca.pem", "-keyfile", f"{tls}/ca.key",
                        "-startdate", begins, "-enddate", ends, "-extfile", f"{tls}/server.ext", "-notext", "-out", f"{tls}/server.pem"], capture_output=True, check=True)
        directory.stop()
        directory.start()

    def out_of_time(self):
        """The commonest of them: a certificate that nobody renewed, or a clock that is wrong, is told as such."""
        write(self.file, made.yaml(self.healthy) + "\n")
        for begins, ends, wanted in (("20200101000000Z", "20210101000000Z", ": its certificate ended at 2021-01-01T00:00:00Z"),
                                     ("20480101000000Z", "20490101000000Z", ": its certificate begins at 2048-01-01T00:00:00Z, and the clock here says 20")):
            self.server_certificate(begins, ends)
            status, out, err = self.doctor("demo")
            same(status, 1, f"exit status: {out}{err}")
            expect(wanted in out and "not vouched for" not in out, out)
        self.server_certificate("20200101000000Z", "20490101000000Z")
        same(self.doctor("demo")[0], 0, "exit status with a good one")

    def other_name(self):
        """And which name it is for."""
        names = os.path.join(self.stage.directory.folder, "tls", "server.ext")
        with open(names, encoding="ascii") as f:
            right = f.read()
        write(names, "subjectAltName=DNS:ldap.example.test,IP:192.0.2.1\n")
        self.server_certificate("20200101000000Z", "20490101000000Z")
        status, out, err = self.doctor("demo")
        same(status, 1, f"exit status: {out}{err}")
        expect(": its certificate is for another name: DNS:ldap.example.test, IP Address:192.0.2.1" in out, out)
        write(names, right)
        self.server_certificate("20200101000000Z", "20490101000000Z")

    def with_directory(self, **keys):
        """What the doctor says of another configuration of the directory."""
        config = json.loads(json.dumps(self.healthy))
        config["realms"]["demo"]["directories"]["main"].update(keys)
        write(self.file, made.yaml(config) + "\n")
        status, out, err = self.doctor("demo")
        same(status, 1, f"exit status: {out}{err}")
        return out

    def other_authority(self):
        out = self.with_directory(ca_file=os.path.join(ROOT, "tests", "contract", "other_authority.pem"))
        expect(": its certificate is not vouched for by the CA file (ca_file): it was issued by CN=" in out, out)

    def not_reached(self):
        """Why, in the words of who said so: libldap has one sentence for all."""
        tls, plain = self.stage.directory.v["OL_URI"], self.stage.directory.v["OL_URI_PLAIN"]
        for uri, said in ((tls.replace("ldaps:", "ldap:"), f"this port wants the other way of TLS; write {tls}"),
                          (plain.replace("ldap:", "ldaps:"), f"this port wants the other way of TLS; write {plain}"),
                          ("ldaps://127.0.0.1:1", "Connection refused"), ("ldap://127.0.0.1:1", "Connection refused"),
                          ("ldaps://nowhere.invalid", "the host is not found: "), ("ldapi://%2Fno%2Fsuch%2Fsocket", "No such file or directory")):
            out = self.with_directory(uris=[uri])
            expect(f"{uri}: {said}" in out and "Can't contact" not in out, out)

    def events(self):
        for line in self.daemon.log().split("\n"):
            if '"event":"doctor.' in line:
                yield json.loads(line)

    def preflight(self):
        self.daemon.config = self.sick()
        self.stage.start()
        until(lambda: any(e["event"] == "doctor.error" for e in self.events()), 20, "doctor.error in the log")
        errors = [e for e in self.events() if e["event"] == "doctor.error"]
        same(len(errors), 1, f"errors: {errors}")
        same(errors[0]["directory"], "main", "directory")
        same(errors[0]["realm"], "demo", "realm")
        same(errors[0]["level"], "error", "level")
        expect("cn=nowhere" in errors[0]["what"] and "guest" in errors[0]["consequence"] and errors[0]["remedy"], f"{errors}")

    def readiness(self):
        """Who asks once, at night, reads that the answer is old."""
        until(lambda: "directory demo/main: ok" in self.daemon.monitor("/readyz")[1], 20, "the directory in /readyz")
        time.sleep(11)
        expect(" s ago: ask again" in self.daemon.monitor("/readyz")[1], "an old answer is told as new")
        until(lambda: "ago" not in self.daemon.monitor("/readyz")[1], 20, "a new answer")

    def main(self):
        run = self.tests.run
        run("before the first start: no store is needed", self.before)
        run("--probe makes and removes an entry", self.probe)
        run("--probe without the right to delete", self.least_rights)
        run("a wrong word is a wrong usage", self.usage)
        run("a group that is not there", self.finds)
        run("a certificate that has ended, and one that has not begun", self.out_of_time)
        run("a certificate for another name", self.other_name)
        run("a certificate of another authority", self.other_authority)
        run("a server that is not reached: why", self.not_reached)
        run("usherd tells by itself after its start", self.preflight)
        run("/readyz says how old it is", self.readiness)
        run("the daemon ends by SIGTERM", lambda: same(self.stage.end(), True, "its end"))
        return self.tests.end()


sys.exit(DoctorTests().main())

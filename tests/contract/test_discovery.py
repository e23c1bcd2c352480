#!/usr/bin/python3
"""Controllers of Active Directory found by DNS: two controllers of Samba, and a DNS server of this program beside them, which says
what the test wants. The program that looks has a resolv.conf and a hosts file of its own (a mount namespace). Needs root."""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))
import directory  # noqa: E402
import tap  # noqa: E402

PROGRAM = os.path.join(os.environ.get("BUILD", ROOT), "tests", "contract", "test_discovery")
DOMAIN = "ad.example.test"
SITE = "Berlin"
GENERAL, NEAR = f"_ldap._tcp.dc._msdcs.{DOMAIN}", f"_ldap._tcp.{SITE}._sites.dc._msdcs.{DOMAIN}"
SRV, NXDOMAIN = 33, 3


def name_bytes(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


class Dns(threading.Thread):
    """answers: name in lower case to a list of (priority, weight, port, host), bytes sent as they are, or None: silence."""

    def __init__(self):
        super().__init__(daemon=True)
        self.answers, self.asked = {}, []
        for i in range(1, 250):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self.address = f"127.78.0.{i}"
                self.socket.bind((self.address, 53))
                break
            except OSError:
                self.socket.close()
        self.start()

    def run(self):
        while True:
            packet, who = self.socket.recvfrom(4096)
            end = packet.index(b"\0", 12)
            labels, at = [], 12
            while at < end:
                labels.append(packet[at + 1:at + 1 + packet[at]].decode())
                at += 1 + packet[at]
            name = ".".join(labels)
            if name.startswith("_"):  # libldap looks for this machine's own name too
                self.asked.append(name)
            found = self.answers.get(name.lower(), [])
            if found is None:
                continue
            question = packet[12:end + 5]
            if isinstance(found, bytes):
                self.socket.sendto(packet[:2] + found, who)
                continue
            head = struct.pack(">HHHHHH", int.from_bytes(packet[:2], "big"), 0x8580 | (0 if found else NXDOMAIN), 1, len(found), 0, 0)
            records = b""
            for priority, weight, port, host in found:
                data = struct.pack(">HHH", priority, weight, port) + name_bytes(host)
                records += b"\xc0\x0c" + struct.pack(">HHIH", SRV, 1, 1, len(data)) + data
            self.socket.sendto(head + question + records, who)


class Looker:
    """The program, which looks when it is told to."""

    def __init__(self, folder, samba, dns, scheme="ldaps", site=""):
        with open(f"{folder}/resolv.conf", "w", encoding="utf-8") as f:
            f.write(f"nameserver {dns.address}\n")
        script = 'mount --bind "$0" /etc/resolv.conf && mount --bind "$1" /etc/hosts && shift && exec "$@"'
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script, f"{folder}/resolv.conf", samba.v["HOSTS_FILE"], PROGRAM, scheme, site],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **samba.v})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=20)

    def look(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


def uri(number, scheme="ldaps"):
    return f"{scheme}://dc{number}.{DOMAIN}"


def record(number, priority=0, weight=100, host=None):
    return (priority, weight, 389, host or f"dc{number}.{DOMAIN}")


class Cases:
    def __init__(self, folder, samba, dns):
        self.folder, self.samba, self.dns = folder, samba, dns

    def looker(self, answers, **more):
        self.dns.answers = {name.lower(): found for name, found in answers.items()}
        self.dns.asked.clear()
        return Looker(self.folder, self.samba, self.dns, **more)

    def same(self, answers, wanted, **more):
        with self.looker(answers, **more) as looker:
            tap.same(looker.look(), wanted, "the look")

    def by_priority(self):
        self.same({GENERAL: [record(2, 10), record(1, 0)]}, f"ok verdict 0 {uri(1)} {uri(2)}")
        self.same({GENERAL: [record(2, 0), record(1, 10)]}, f"ok verdict 0 {uri(2)} {uri(1)}")

    def with_starttls(self):
        self.same({GENERAL: [record(1)]}, f"ok verdict 0 {uri(1, 'ldap')}", scheme="ldap")

    def site_first(self):
        both = {GENERAL: [record(1, 0), record(2, 5)], NEAR: [record(2, 9)]}
        self.same(both, f"ok verdict 0 {uri(2)} {uri(1)}", site=SITE)
        tap.same(sorted(set(self.dns.asked)), sorted([NEAR, GENERAL]), "what was asked")
        self.same({GENERAL: [record(1)], NEAR: []}, f"ok verdict 0 {uri(1)}", site=SITE)

    def catalogs(self):
        for scheme, port in (("ldaps", 3269), ("ldap", 3268)):
            self.same({GENERAL: [record(1)]}, f"ok verdict 0 {uri(1, scheme)}:{port}", scheme=f"{scheme}-catalog")

    def asked_once(self):
        with self.looker({GENERAL: [record(1)]}) as looker:
            for _ in range(3):
                tap.same(looker.look(), f"ok verdict 0 {uri(1)}", "a look")
            tap.same(self.dns.asked, [GENERAL], "what was asked")

    def fails_over(self):
        with self.looker({GENERAL: [record(1, 0), record(2, 5)]}) as looker:
            wanted = f"ok verdict 0 {uri(1)} {uri(2)}"
            tap.same(looker.look(), wanted, "with both")
            self.samba.script("stop", "1")
            try:
                tap.same(looker.look(), wanted, "with the second")
            finally:
                self.samba.start()

    def others_left_out(self):
        strangers = [record(1, 0, host="dc1.evil.test"), record(1, 0, host="evilad.example.test"), record(1, 0, host=".")]
        self.same({GENERAL: [*strangers, record(1, 7)]}, f"ok verdict 0 {uri(1)}")
        with self.looker({GENERAL: strangers}) as looker:
            tap.same("it names no host within the domain" in looker.look(), True, "told")

    def certificate_counts(self):
        """A host within the domain whose name stands in no certificate of its server."""
        with self.looker({GENERAL: [record(1, host=f"gc.{DOMAIN}")]}) as looker:
            answer = looker.look()
            tap.same(answer.startswith("config (") and "certificate" in answer, True, answer)

    def says_what_is_wrong(self):
        for answers, words in (({GENERAL: []}, "there is no such name"), ({GENERAL: None}, "no DNS server answers"),
                               ({GENERAL: b"\x85\x80\0\1\0\1\0\0\0\0garbage"}, "no DNS server answers")):
            with self.looker(answers) as looker:
                answer = looker.look()
                tap.same(answer.startswith("unavailable (") and "DNS names no controller" in answer, True, f"{words}: {answer}")
                tap.same(words in answer or answers[GENERAL] is not None, True, f"{words}: {answer}")


def main():
    folder = tempfile.mkdtemp(prefix="dn-")
    samba = directory.ActiveDirectory(f"{folder}/ad", "--dcs", "2")
    tests = tap.Tests()
    try:
        samba.start()
        with open(samba.v["HOSTS_FILE"], "a", encoding="utf-8") as f:
            f.write(f"{samba.v['ADDRESS_1']} gc.{DOMAIN}\n")
        cases = Cases(folder, samba, Dns())
        tests.run("controllers by priority", cases.by_priority)
        tests.run("with StartTLS", cases.with_starttls)
        tests.run("their global catalogs", cases.catalogs)
        tests.run("those of the site first", cases.site_first)
        tests.run("DNS is asked once", cases.asked_once)
        tests.run("the next one takes over", cases.fails_over)
        tests.run("hosts of other domains are left out", cases.others_left_out)
        tests.run("the certificate is for the name that DNS told", cases.certificate_counts)
        tests.run("what is wrong is said", cases.says_what_is_wrong)
    finally:
        samba.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return tests.end()


sys.exit(main())

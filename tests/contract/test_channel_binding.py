#!/usr/bin/python3
"""The bind by Kerberos within TLS is tied to that TLS (RFC 5929): against slapd, which compares the channel binding that came with
the tickets with its own. Samba 4.17 does not look at it; its domain is the key distribution centre here. Needs root, as samba-ad."""
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))
import directory  # noqa: E402
import tap  # noqa: E402

PROGRAM = os.path.join(os.environ.get("BUILD", ROOT), "tests", "contract", "test_gssapi")
CONFIGURATION = """\
include /etc/ldap/schema/core.schema
pidfile {folder}/pid
TLSCACertificateFile {folder}/server.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
sasl-host 127.0.0.1
sasl-realm {realm}
sasl-cbinding {binding}
"""


def run(*words, **more):
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, **more)
    if done.returncode:
        raise tap.Failed(f"{words[0]}: {done.stdout[-1500:]}{done.stderr[-1500:]}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def certificate(folder, name):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
        "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem")


def prepare(folder, samba):
    samba.script("tool", "spn", "add", "ldap/127.0.0.1", "svc-http")
    samba.script("tool", "domain", "exportkeytab", f"{folder}/ldap.keytab", "--principal=ldap/127.0.0.1")
    certificate(folder, "server")
    certificate(folder, "between")
    with open(f"{folder}/both.pem", "w", encoding="utf-8") as f:
        for name in ("server", "between"):
            with open(f"{folder}/{name}.pem", encoding="utf-8") as one:
                f.write(one.read())


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def stand_between(folder, port):
    """A server with a certificate that the client takes, which passes everything on to the other one; its port."""
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(f"{folder}/between.pem", f"{folder}/between.key")
    theirs = ssl.create_default_context(cafile=f"{folder}/server.pem")
    listener = socket.create_server(("127.0.0.1", 0))

    def pass_on(client):
        try:
            inside = ours.wrap_socket(client, server_side=True)
            outside = theirs.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
        except OSError:
            return
        threading.Thread(target=copy, args=(inside, outside), daemon=True).start()
        copy(outside, inside)

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=pass_on, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def bind_at(folder, samba, binding, between=False, **environment):
    """slapd that wants this binding, and one bind."""
    with open(f"{folder}/slapd.conf", "w", encoding="utf-8") as f:
        f.write(CONFIGURATION.format(folder=folder, realm=samba.v["REALM"], binding=binding))
    port = free_port()
    words = ["slapd", "-d", "0", "-f", f"{folder}/slapd.conf", "-h", f"ldaps://127.0.0.1:{port}"]
    server = subprocess.Popen(words, stderr=subprocess.DEVNULL, env={
        **os.environ, "PATH": directory.PATH, "KRB5_KTNAME": f"{folder}/ldap.keytab", "KRB5_CONFIG": samba.v["KRB5_CONFIG"]})
    try:
        for _ in range(200):
            if listens(port):
                break
            time.sleep(0.05)
        asked = stand_between(folder, port) if between else port
        run(PROGRAM, env={**os.environ, **samba.v, **environment, "top_srcdir": ROOT, "USHER_DIRECTORY": "active_directory",
                          "USHER_CHANNEL_URI": f"ldaps://127.0.0.1:{asked}", "USHER_CHANNEL_CA": f"{folder}/both.pem"})
    finally:
        server.terminate()
        server.wait(timeout=20)


def main():
    folder = tempfile.mkdtemp(prefix="cb-")
    samba = directory.ActiveDirectory(f"{folder}/ad")
    tests = tap.Tests()
    try:
        samba.start()
        prepare(folder, samba)
        tests.run("the server's own TLS is taken", lambda: bind_at(folder, samba, "tls-endpoint"))
        tests.run("whoever stands between is refused",
                  lambda: bind_at(folder, samba, "tls-endpoint", between=True, USHER_CHANNEL_REFUSED="1"))
        tests.run("a server that does not look takes it", lambda: bind_at(folder, samba, "none", between=True))
    finally:
        samba.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return tests.end()


sys.exit(main())

"""usherd under a folder of its own: its files, its start, its death, and a look into its store."""
import ctypes
import http.client
import os
import signal
import socket
import sqlite3
import subprocess
import time

import settings as made
from tap import ROOT, Failed, at_end

BUILD = os.environ.get("BUILD") or os.path.join(ROOT, "var", "quickstart", "build")
READY_S = 30


def free_port(wanted=0, most=1):
    """A port of loopback that nobody listens on: wanted, one of those after it, or any."""
    for port in [*range(wanted, wanted + most)] + [0] if wanted else [0]:
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return s.getsockname()[1]
            except OSError:
                continue
    raise Failed("no free port on 127.0.0.1")


def end_with_parent():
    """In the child: SIGTERM when the program that started it is gone, however it went."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def write(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as f:
        f.write(text)


class Daemon:
    """config is plain data (settings.py) and may be changed before start(). directory: a Directory that runs, for its variables."""

    def __init__(self, folder, directory, port=None, **server):
        self.folder = folder
        self.port = port or free_port()
        self.metrics = free_port()
        self.config = made.settings(directory.v, self.port, self.metrics, **server)
        self.process = None
        self.log_path = os.path.join(folder, "usherd.log")
        self.mailbox = os.path.join(folder, "mailbox")
        self.database = os.path.join(folder, "usher.db")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        write(os.path.join(folder, "ldap.password"), directory.v["BIND_PASSWORD"])
        write(os.path.join(folder, "client.secret"), made.SECRET)
        at_end(self.kill)

    def issuer(self, realm="demo"):
        return f"http://127.0.0.1:{self.port}/realms/{realm}"

    # ---- life ----
    def program(self):
        path = os.path.join(BUILD, "usherd")
        if not os.access(path, os.X_OK):
            raise Failed(f"{path} is missing: build first, and name the build folder in BUILD")
        return path

    def start(self, **environment):
        """Starts and waits until it is ready."""
        path = os.path.join(self.folder, "usher.yaml")
        write(path, made.yaml(self.config) + "\n")
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.program(), "--config", path], stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent,
                                            env={**os.environ, **environment})
        self.wait_ready()
        return self

    def wait_ready(self):
        end = time.monotonic() + READY_S
        while not self.ready():
            if self.process.poll() is not None:
                raise Failed(f"usherd ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() > end:
                raise Failed(f"usherd is not ready after {READY_S} s:\n{self.tail()}")
            time.sleep(0.02)

    def ready(self):
        return self.monitor("/readyz")[0] == 200

    def monitor(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def feeds_fresh(self):
        """How many directories were heard of a moment ago."""
        lines = [line.split() for line in self.monitor("/metrics")[1].splitlines()]
        return next((int(line[1]) for line in lines if line and line[0] == "usher_feeds_fresh"), -1)

    def heard(self):
        """Whether what the mirror says of each person counts."""
        return ", not fresh" not in self.feeds() and ": following" in self.feeds()

    def unheard(self):
        return "not fresh" in self.feeds()

    def feeds(self):
        """The lines about feeds; readiness is looked at each five seconds only."""
        return "\n".join(line for line in self.monitor("/readyz")[1].splitlines() if line.startswith("feed "))

    def running(self):
        return self.process is not None and self.process.poll() is None

    def dead(self, seconds=2):
        """Whether it was killed; a moment is left for its end to show."""
        try:
            return self.process.wait(seconds) == -signal.SIGKILL
        except subprocess.TimeoutExpired:
            return False

    def stop(self, seconds=20):
        """The ordinary end; returns the exit code."""
        if self.running():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds) if self.process else 0
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"usherd did not end within {seconds} s of SIGTERM:\n{self.tail()}") from None

    def kill(self):
        """kill -9."""
        if self.running():
            self.process.kill()
            self.process.wait()

    # ---- looks ----
    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def tail(self, lines=12):
        return "\n".join(self.log().splitlines()[-lines:])

    def usherctl(self, *words):
        """Its exit code and what it printed."""
        done = subprocess.run([os.path.join(BUILD, "usherctl"), "-c", os.path.join(self.folder, "usher.yaml"), *words], capture_output=True,
                              text=True, check=False, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def rows(self, query, *args):
        """Rows of the store, read past the daemon."""
        store = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            return store.execute(query, args).fetchall()
        finally:
            store.close()

    def registrations(self, mail, realm="demo"):
        """(id, state) of an address, the newest last."""
        return self.rows("SELECT id, state FROM registration WHERE realm = ? AND mail = ? ORDER BY id", realm, mail)

    def stored_bytes(self):
        """Everything in the store's files."""
        found = b""
        for end in ("", "-wal"):
            if os.path.exists(self.database + end):
                with open(self.database + end, "rb") as f:
                    found += f.read()
        return found

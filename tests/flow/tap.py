"""Results in the Test Anything Protocol, and what is done when a test program ends."""
import atexit
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LONGEST = 60  # characters of a folder that holds a server's socket


class Failed(Exception):
    """What was expected and what was seen."""


def expect(good, *what):
    """Ends the test unless good."""
    if not good:
        raise Failed(" ".join(str(w) for w in what))


def same(got, wanted, what):
    expect(got == wanted, f"{what}: {got!r}, not {wanted!r}")


def until(look, seconds, what):
    """The first true result of look(), asked again and again."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.05)


def folder(name):
    """An empty folder for one test program, in VAR of tests/run, var/tests without it."""
    var = os.environ.get("VAR") or os.path.join(ROOT, "var", "tests")
    path = os.path.join(var, "flow", name)
    if len(path + "/ldap") > LONGEST:
        path = os.path.join(tempfile.gettempdir(), f"usher-flow-{os.getuid()}", name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path, mode=0o700)
    return path


def at_end(act):
    """act() when the program ends, by a signal too."""
    atexit.register(act)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))


class Tests:
    """Runs one check after the other and counts."""

    def __init__(self):
        self.n = self.bad = 0

    def run(self, name, check, *args):
        """One check: good unless it raises. Returns what it returned, None where it failed."""
        self.n += 1
        begun = time.monotonic()
        try:
            result = check(*args)
        except Exception as error:  # pylint: disable=broad-except
            self.bad += 1
            print(f"not ok {self.n} - {name}")
            for line in self.diagnosis(error):
                print(f"#   {line}")
            sys.stdout.flush()
            return None
        print(f"ok {self.n} - {name} ({time.monotonic() - begun:.1f} s)", flush=True)
        return result

    @staticmethod
    def diagnosis(error):
        if isinstance(error, Failed):
            frames = [f for f in traceback.extract_tb(error.__traceback__) if os.path.basename(f.filename) != "tap.py"]
            where = " < ".join(f"{os.path.basename(f.filename)}:{f.lineno}" for f in reversed(frames[-4:]))
            return str(error).split("\n") + [f"at {where}"]
        return traceback.format_exception(error)[-1:] + [line for f in traceback.format_tb(error.__traceback__) for line in f.rstrip().split("\n")]

    def end(self):
        """The plan, and the exit code."""
        print(f"1..{self.n}")
        return 1 if self.bad or not self.n else 0

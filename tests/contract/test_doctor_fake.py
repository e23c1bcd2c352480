#!/usr/bin/python3
"""The doctor on an Active Directory that is played: with the right Unexpire-Password, and without."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))
import tap  # noqa: E402

FAKE = os.path.join(ROOT, "tests", "directories", "fake")
PROGRAM = os.path.join(os.environ.get("BUILD", ROOT), "tests", "contract", "test_doctor")


def examine(*options, **environment):
    folder = tempfile.mkdtemp(prefix="fd-")
    try:
        started = subprocess.run([FAKE, "start", folder, *options], check=True, capture_output=True, text=True)
        variables = dict(re.findall(r"^export (FK_\w+)='(.*)'$", started.stdout, re.MULTILINE))
        done = subprocess.run([PROGRAM], capture_output=True, text=True, check=False, timeout=120,
                              env={**os.environ, **variables, **environment, "top_srcdir": ROOT, "USHER_DIRECTORY": "active_directory",
                                   "USHER_DIRECTORY_PREFIX": "FK"})
        tap.same(done.returncode, 0, f"exit status: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    finally:
        subprocess.run([FAKE, "stop", folder], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    tests = tap.Tests()
    tests.run("a healthy domain", examine)
    tests.run("a domain without Unexpire-Password", lambda: examine("--no-unexpire", USHER_NO_UNEXPIRE="1"))
    return tests.end()


sys.exit(main())

#!/usr/bin/python3
"""The whole way once, with and without approval, on a real directory."""
import sys

from usher import Stage, Tests, expect, same


def no_error_in(log):
    bad = [line for line in log.splitlines() if '"level":"error"' in line or "runtime error" in line or "AddressSanitizer" in line]
    expect(not bad, "errors in the log:\n" + "\n".join(bad[:5]))


def main():
    tests, stage = Tests(), Stage("walk")
    if tests.run("the daemon starts", stage.start):
        for profile in ("guest", "partner"):
            stage.walk(profile).run(tests)
        tests.run("the log holds no error", lambda: no_error_in(stage.daemon.log()))
        tests.run("the daemon ends by SIGTERM", lambda: same(stage.end(), True, "its end"))
    return tests.end()


sys.exit(main())

"""Changes of people in flow tests: usherctl, and looks at what became of them."""
import re

from usher import same, until

SOON = 20  # seconds; none of this measures how soon


class Changes:
    """daemon and directory are those of a Stage."""

    daemon = directory = None

    def entry(self, login):
        found = self.directory.search(f"({self.directory.login_attribute}={login})")
        return found[0] if found else None

    def account(self, login):
        return self.daemon.rows("SELECT id FROM account WHERE login = ?", login)[0][0]

    def plan(self, plan_id):
        return self.daemon.rows("SELECT state, failure FROM plan WHERE id = ?", plan_id)[0]

    def done(self, plan_id, seconds=SOON):
        """What follows from it too, which is one transaction with the end of its job."""
        until(lambda: self.plan(plan_id)[0] == "done" and not self.daemon.rows("SELECT 1 FROM job WHERE subject = ?", plan_id), seconds, f"plan {plan_id}")

    def sessions(self, login):
        return self.daemon.rows("SELECT count(*) FROM session s JOIN account a ON a.realm = s.realm AND a.id = s.account_id WHERE a.login = ?", login)[0][0]

    def steps(self, plan_id):
        return [row[0] for row in self.daemon.rows("SELECT title FROM plan_step WHERE plan_id = ? AND result = 0 ORDER BY seq", plan_id)]

    def usherctl(self, *words, code=0):
        ended, text = self.daemon.usherctl(*words)
        same(ended, code, f"usherctl {' '.join(words)}: {text}")
        return text

    def change(self, *words, code=0):
        """The LDIF that is shown, and the plan's id."""
        text = self.usherctl("change", "demo", *words, code=code)
        found = re.search(r"^# plan ([^,:]+)[,:]", text, re.M)
        return text, found and found.group(1)

    def plans(self, login):
        return self.daemon.rows("SELECT id, state FROM plan WHERE account_id = ? ORDER BY id DESC", self.account(login))

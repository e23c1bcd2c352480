"""Mails, as a person reads them: from the mailbox folder, or as a server took them."""
import email
import email.policy
import os
import re

from tap import Failed, expect, until

LINK = re.compile(r"https?://[^\s<>\"']+")


class Letter:
    def __init__(self, data, file=""):
        self.message = email.message_from_bytes(data, policy=email.policy.default)
        self.file = file

    def part(self, kind):
        body = self.message.get_body((kind,))
        return body.get_content() if body else ""

    @property
    def text(self):
        return self.part("plain")

    @property
    def html(self):
        return self.part("html")

    @property
    def to(self):
        return str(self.message["To"]).strip("<>")

    @property
    def subject(self):
        return str(self.message["Subject"])

    @property
    def id(self):
        return str(self.message["Message-ID"])

    def links(self):
        return LINK.findall(self.text)

    def link(self, path):
        """The one link whose path ends so ("/verify")."""
        found = {link for link in self.links() if link.split("?")[0].endswith(path)}
        expect(len(found) == 1, f"links to {path} in {self.subject!r}: {sorted(found)}, one is expected")
        return found.pop()

    def has_link(self, path):
        return any(link.split("?")[0].endswith(path) for link in self.links())


class Mailbox:
    """The folder that the mailbox transport writes into."""

    def __init__(self, folder):
        self.folder = folder

    def letters(self, to=None):
        names = sorted(n for n in os.listdir(self.folder) if n.endswith(".eml")) if os.path.isdir(self.folder) else []
        found = []
        for name in names:
            with open(os.path.join(self.folder, name), "rb") as f:
                found.append(Letter(f.read(), name))
        return [letter for letter in found if to is None or letter.to == to]


def newest(box, to, path):
    """The last letter to this address with a link to path, or None."""
    return next((letter for letter in reversed(box.letters(to)) if letter.has_link(path)), None)


def wait_letter(box, to, path, seconds=20):
    """box: anything with letters(to)."""
    try:
        return until(lambda: newest(box, to, path), seconds, f"a mail to {to} with a link to {path}")
    except Failed as error:
        raise Failed(f"{error}; there are {[(m.to, m.subject) for m in box.letters()]}") from None

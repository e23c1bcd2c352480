"""What flow tests use, in one place: "from usher import *"."""
# pylint: disable=unused-import
from browser import Answer, Browser, Page, at_once, raw, retry, solve
from daemon import BUILD, Daemon, free_port
from directory import ActiveDirectory, Directory
from letters import Letter, Mailbox, newest, wait_letter
from oidc import App, Proof, jws_claims, jws_parts
from settings import CALLBACK, GOODBYE, SECRET, client, profile, realm, without_secret, yaml
from tap import ROOT, Failed, Tests, at_end, expect, folder, same, until
from walk import Gone, Person, Walk


class Stage:
    """A directory and a daemon in the folder of one test program: what nearly each of them begins with."""

    def __init__(self, name, make=Directory, options=(), **server):
        self.folder = folder(name)
        self.directory = make(self.folder + "/ldap", *options)
        at_end(self.directory.stop)
        self.directory.start()
        self.daemon = Daemon(self.folder, self.directory, **server)
        self.box = Mailbox(self.daemon.mailbox)

    def start(self, **environment):
        self.daemon.start(**environment)
        return self

    def walk(self, profile_id="guest", person=None, realm_id="demo"):
        return Walk(self.daemon, self.directory, self.box, profile_id, person, realm_id)

    def account(self, profile_id="guest"):
        """A walk whose person has an account and a password."""
        walk = self.walk(profile_id)
        for _, step in walk.steps_of_account():
            step()
        return walk

    def end(self):
        """Ends all; True when the daemon ended as it should."""
        code = self.daemon.stop()
        self.directory.stop()
        return code == 0

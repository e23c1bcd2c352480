"""What the walk in a browser meets: a directory, usherd and requests that wait. usage: stage.py PROGRAM ARGUMENT..."""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "flow"))
sys.dont_write_bytecode = True

from usher import SECRET, Failed, Person, Stage, client, free_port, profile  # noqa: E402

ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]
GRANTS = ["authorization_code", "refresh_token", "client_credentials"]
PEOPLE = [("Inês", "Albuquerque", "Northwind Logistics", "Read the delivery reports of the Porto warehouse."),
          ("Tomasz", "Wiśniewski", "Baltic Freight", "Plan the joint transports of the coming year."),
          ("Aoife", "Ní Bhriain", "Harbour & Sons", "Audit of the quarter.")]


def field(name, label, kind, **more):
    return {"name": name, "label": label, "type": kind, **more}


def configure(config, v, port):
    """What the flow tests do not need: an application for each algorithm at this port, a profile of every kind of field, one that cannot be provisioned."""
    config["server"]["proof_of_work_bits"] = 14
    realm = config["realms"]["demo"]
    back = {"redirect_uris": [f"http://127.0.0.1:{port}/callback"], "post_logout_redirect_uris": [f"http://127.0.0.1:{port}/goodbye"]}
    for alg in ALGORITHMS:
        realm["clients"][alg.lower()] = client(f"The {alg} application", signing_alg=alg, introspect=True, grants=GRANTS, **back)
        realm["clients"][alg.lower()]["scopes"].append("reports")
    realm["clients"]["rs256"]["title"] = "The wiki"
    realm["clients"]["asker"] = client("The report centre", auth="client_secret_post", consent="always", **back)
    page = client("The page application", auth="none", signing_alg="ES256", **back)
    del page["secret_file"]
    realm["clients"]["page"] = page
    fields = [field("given_name", "First name", "text", required=True, attribute="given_name"),
              field("family_name", "Last name", "text", required=True, attribute="family_name"),
              field("phone", "Telephone", "tel", help="With the country's number, such as +49 30 123456."),
              field("begins", "First day", "date"),
              field("site", "Site", "select", required=True, options=[{"value": "north", "label": "Northern site"}, {"value": "south", "label": "Southern site"}]),
              field("parking", "I need a parking space", "checkbox"),
              field("why", "What you will do here", "textarea", max_length=300)]
    realm["profiles"]["contractor"] = profile(v, "Contractor account", "partners", fields, approval={"when": "never"}, open=False,
                                              base="ou=missing," + v["OL_BASE"])
    realm["profiles"]["contractor"]["login_name"]["proposed"] = True


def wait_at(stage, given, family, company, purpose):
    """A partner whose request waits for a decision."""
    walk = stage.walk("partner", Person(given, family, f"{given}.{family.split()[-1]}@{company.split()[0]}.example".lower().encode("ascii", "ignore").decode()))
    form = {**walk.person.typed("partner"), "company": company, "purpose": purpose}
    walk.person.typed = lambda _: form
    for step in (walk.register, walk.mail_arrived, walk.open_link, walk.verify):
        step()


def text_keys():
    """Keys with a dot of the catalogue of texts."""
    with open(os.path.join(ROOT, "web", "templates", "texts.en"), encoding="utf-8") as f:
        names = [line.split("=")[0].strip() for line in f if "=" in line and not line.startswith("#")]
    return [name for name in names if "." in name]


def main():
    stage = Stage("browser")
    port = free_port()
    configure(stage.daemon.config, stage.directory.v, port)
    stage.start()
    for person in PEOPLE:
        wait_at(stage, *person)
    facts = {"issuer": stage.daemon.issuer(), "mailbox": stage.daemon.mailbox, "port": port, "secret": SECRET,
             "password": stage.directory.v["OL_USER_PASSWORD"], "slapd": stage.directory.pid,
             "shots": os.path.join(os.environ["VAR"], "screenshots"), "docs": os.path.join(ROOT, "docs", "screenshots"), "keys": text_keys()}
    code = subprocess.run(sys.argv[1:], env={**os.environ, "USHER_STAGE": json.dumps(facts)}, check=False).returncode
    if not stage.end():
        print("not ok - usherd ended as it should")
        return 1
    return code


try:
    sys.exit(main())
except Failed as error:
    print(f"not ok - the stage: {error}")
    sys.exit(1)

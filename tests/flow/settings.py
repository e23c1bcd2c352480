"""The configuration that the flow tests and the quickstart run with, as plain data, and as YAML."""
import copy
import json

SECRET = "an-app-secret-of-more-than-32-letters"
CALLBACK = "http://127.0.0.1:9/callback"  # nobody listens: redirects are read, not followed
GOODBYE = "http://127.0.0.1:9/goodbye"

NAMES = [
    {"name": "given_name", "label": "First name", "type": "text", "required": True, "max_length": 64, "attribute": "given_name"},
    {"name": "family_name", "label": "Last name", "type": "text", "required": True, "max_length": 64, "attribute": "family_name"},
]
TERMS = {"name": "terms", "label": "I accept the terms of use", "type": "terms", "url": "https://example.org/terms", "required": True}
COMPANY = {"name": "company", "label": "Company", "type": "text", "required": True, "max_length": 80, "attribute": "organization"}
PURPOSE = {"name": "purpose", "label": "What you need access for", "type": "textarea", "max_length": 500}
PATTERNS = ["{given_name:1}{family_name}", "{given_name}.{family_name}", "{given_name:1}{family_name}{n}"]


def profile(v, title, group, fields, **more):
    return {
        "title": title,
        "directory": "main",
        "fields": fields,
        "constants": {"display_name": "{given_name} {family_name}"},
        "login_name": {"patterns": PATTERNS},
        "base": v["PEOPLE"],
        "groups": [f"cn={group},{v['GROUPS']}"],
        "groups_allowed": [f"cn=vpn,{v['GROUPS']}"],
        "approvers": {"group": f"cn=approvers,{v['GROUPS']}"},
        "times": {"resend": "1s"},
        **more,
    }


def client(title, **more):
    return {
        "title": title,
        "auth": "client_secret_basic",
        "secret_file": "client.secret",
        "grants": ["authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [GOODBYE],
        "scopes": ["openid", "profile", "email", "roles", "offline_access"],
        "roles": {"visible": ["*"]},
        **more,
    }


def without_secret(settings):
    return {k: v for k, v in settings.items() if k != "secret_file"}


def clients():
    return {
        "app": client("The application", signing_alg="RS256", introspect=True),
        "spa": without_secret(client("The page application", auth="none", signing_alg="ES256")),
        "asker": client("The asking application", auth="client_secret_post", consent="once", signing_alg="EdDSA"),
        "robot": {"title": "The robot", "auth": "client_secret_basic", "secret_file": "client.secret", "grants": ["client_credentials"],
                  "scopes": ["reports"], "signing_alg": "ES256", "audience": ["https://reports.example.org"]},
    }


def directory(v):
    return {
        "driver": v["DRIVER"],
        "uris": v["URI"].split(),
        "ca_file": v["CA_FILE"],
        "bind_dn": v["BIND_DN"],
        "bind_password_file": "ldap.password",
        "people_base": v["PEOPLE"],
        "groups_base": v["GROUPS"],
        "marker_attribute": "employeeNumber",
    }


def realm(v, title="Example Corporation"):
    return {
        "title": title,
        "accent": "#0b5fff",
        "contact": "helpdesk@example.test",
        "operators": f"cn=operators,{v['GROUPS']}",
        "directories": {"main": directory(v)},
        "profiles": {
            "guest": profile(v, "Guest account", "guests", [*NAMES, TERMS], intro="For visitors: no approval is needed.",
                             approval={"when": "never"}),
            "partner": profile(v, "Partner account", "partners", [*NAMES, COMPANY, PURPOSE],
                               intro="For people of other companies. Somebody looks at each request.", approval={"when": "always"}),
        },
        "roles": [
            {"group": f"cn=staff,{v['GROUPS']}", "role": "employee"},
            {"name": "guests", "role": "guest"},
            {"name": "partners", "role": "partner"},
            {"name": "approvers", "role": "approver"},
            {"name": "operators", "role": "operator"},
            {"pattern": "app-*", "role": "{1}"},
        ],
        "clients": clients(),
    }


def settings(v, port, metrics, **server):
    """v: the directory's variables."""
    return copy.deepcopy({
        "server": {
            "public_url": f"http://127.0.0.1:{port}",
            "listen": f"127.0.0.1:{port}",
            "metrics": f"127.0.0.1:{metrics}",
            "trusted_proxies": [],
            "proof_of_work_bits": 8,
            "registrations_per_address": 10000,
            "registrations_per_mailbox": 50,
            **server,
        },
        "store": {"driver": "sqlite", "path": "usher.db"},
        "secrets": {"key_file": "secrets.key"},
        "log": {"level": "debug"},
        "mail": {"transport": "mailbox", "mailbox": "mailbox", "from": "accounts@example.test"},
        "realms": {"demo": realm(v)},
    })


# ---- YAML ----
def scalar(value):
    if isinstance(value, str) and value and all(c.isalnum() or c in "./-_" for c in value) and not value[0].isdigit() and value[0] != "-":
        return value if value.lower() not in ("true", "false", "yes", "no", "on", "off", "null") else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)


def yaml(value, indent=""):
    """Mappings as blocks, what they hold in one line where it is a list of scalars."""
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            lines += [f"{indent}{scalar(key)}:", yaml(inner, indent + "  ")]
        elif isinstance(inner, list) and any(isinstance(i, dict) for i in inner):
            lines += [f"{indent}{scalar(key)}:"] + [f"{indent}  - {flow(i)}" for i in inner]
        else:
            lines.append(f"{indent}{scalar(key)}: {flow(inner)}")
    return "\n".join(lines)


def flow(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return scalar(value)

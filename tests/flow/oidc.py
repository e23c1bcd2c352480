"""The application's side: PKCE, the endpoints, and tokens checked by the openssl program (python has no RSA)."""
import base64
import hashlib
import json
import os
import secrets
import subprocess
import tempfile
import urllib.parse

import settings
from browser import Browser
from tap import Failed, expect, same

OIDS = {"RSA": "300d06092a864886f70d0101010500", "P-256": "301306072a8648ce3d020106082a8648ce3d030107", "Ed25519": "300506032b6570"}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# ---- signatures ----
def der(tag, content):
    length = bytes([len(content)]) if len(content) < 128 else b"\x82" + len(content).to_bytes(2, "big")
    return bytes([tag]) + length + content


def der_number(data):
    data = data.lstrip(b"\0") or b"\0"
    return der(2, (b"\0" if data[0] & 0x80 else b"") + data)


def public_der(jwk):
    """SubjectPublicKeyInfo, RFC 5280."""
    if jwk["kty"] == "RSA":
        kind, key = "RSA", der(0x30, der_number(unb64(jwk["n"])) + der_number(unb64(jwk["e"])))
    elif jwk["kty"] == "EC":
        kind, key = jwk["crv"], b"\x04" + unb64(jwk["x"]) + unb64(jwk["y"])
    else:
        kind, key = jwk["crv"], unb64(jwk["x"])
    return der(0x30, bytes.fromhex(OIDS[kind]) + der(3, b"\0" + key))


def signature_good(alg, jwk, signed, signature):
    pss = ["rsa_padding_mode:pss", "rsa_pss_saltlen:32"]
    options = {"RS256": ["-digest", "sha256"], "PS256": ["-digest", "sha256", *(o for p in pss for o in ("-pkeyopt", p))],
               "ES256": ["-digest", "sha256"], "EdDSA": []}[alg]
    if alg == "ES256":
        signature = der(0x30, der_number(signature[:32]) + der_number(signature[32:]))
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        for name, data in (("key", public_der(jwk)), ("signed", signed), ("signature", signature)):
            paths[name] = os.path.join(folder, name)
            with open(paths[name], "wb") as f:
                f.write(data)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths["key"], "-rawin", *options, "-in",
                               paths["signed"], "-sigfile", paths["signature"]], capture_output=True, check=False)
    return done.returncode == 0


def jws_parts(token):
    head, body, _ = token.split(".")
    return json.loads(unb64(head)), json.loads(unb64(body))


def jws_claims(token, jwks, alg):
    """The claims of a token that is signed by one of these keys with this algorithm."""
    header, claims = jws_parts(token)
    same(header.get("alg"), alg, "alg of the token")
    keys = [k for k in jwks["keys"] if k["kid"] == header.get("kid")]
    expect(len(keys) == 1, f"kid {header.get('kid')} is not in the JWKS")
    same(keys[0].get("alg"), alg, "alg of the key")
    signed, _, signature = token.rpartition(".")
    expect(signature_good(alg, keys[0], signed.encode(), unb64(signature)), "the signature does not match")
    return claims


# ---- requests ----
class Proof:
    """PKCE, state and nonce of one authorization request."""

    def __init__(self):
        self.verifier, self.state, self.nonce = (secrets.token_urlsafe(32) for _ in range(3))
        self.challenge = b64(hashlib.sha256(self.verifier.encode()).digest())


class App:
    """A client of the realm. secret None: a public one."""

    def __init__(self, issuer, client="app", secret=settings.SECRET, scope="openid profile email roles offline_access", redirect=settings.CALLBACK):
        self.issuer, self.id, self.secret, self.scope, self.redirect = issuer, client, secret, scope, redirect
        self.browser = Browser(issuer)
        self.metadata = None
        self.post_secret = False

    def json(self, method, url, form=None, headers=None):
        """(status, object) without cookies."""
        self.browser.cookies = {}
        answer = self.browser.send(method, url, form, headers)
        try:
            return answer.status, json.loads(answer.body) if answer.body else None
        except ValueError:
            raise Failed(f"no JSON but {answer.brief()}") from None

    def discover(self):
        if self.metadata is None:
            status, self.metadata = self.json("GET", self.issuer + "/.well-known/openid-configuration")
            same((status, self.metadata.get("issuer")), (200, self.issuer), "discovery")
        return self.metadata

    def jwks(self):
        return self.json("GET", self.discover()["jwks_uri"])[1]

    def basic(self):
        pair = urllib.parse.quote(self.id, safe="") + ":" + urllib.parse.quote(self.secret, safe="")
        return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}

    def post(self, endpoint, **form):
        """To an endpoint of the metadata, authenticated as the client is."""
        url = self.discover()[endpoint]
        if self.secret is None:
            return self.json("POST", url, {**form, "client_id": self.id})
        if self.post_secret:
            return self.json("POST", url, {**form, "client_id": self.id, "client_secret": self.secret})
        return self.json("POST", url, form, self.basic())

    def authorize_url(self, proof, **more):
        """more: parameters besides the usual ones, or None to leave one out."""
        p = {"response_type": "code", "client_id": self.id, "redirect_uri": self.redirect, "scope": self.scope, "state": proof.state,
             "nonce": proof.nonce, "code_challenge": proof.challenge, "code_challenge_method": "S256", **more}
        return self.discover()["authorization_endpoint"] + "?" + urllib.parse.urlencode({k: v for k, v in p.items() if v is not None})

    def code_of(self, answer, proof):
        """From the redirect to the application, checked: RFC 6749 4.1.2 and 9207."""
        expect(answer.location and answer.location.startswith(self.redirect + "?"), f"no redirect to the application but {answer.brief()}")
        got = answer.query()
        expect("code" in got, f"no code but {got}")
        same(got.get("state"), proof.state, "state")
        same(got.get("iss"), self.issuer, "iss")
        return got["code"]

    def redeem(self, code, proof, **more):
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect, "code_verifier": proof.verifier, **more}
        return self.post("token_endpoint", **{k: v for k, v in form.items() if v is not None})

    def refresh(self, token):
        return self.post("token_endpoint", grant_type="refresh_token", refresh_token=token)

    def userinfo(self, access):
        return self.json("GET", self.discover()["userinfo_endpoint"], headers={"Authorization": "Bearer " + access})

    def introspect(self, token):
        return self.post("introspection_endpoint", token=token)

    def active(self, token):
        status, answer = self.introspect(token)
        same(status, 200, "introspection")
        return answer["active"]

    def revoke(self, token):
        return self.post("revocation_endpoint", token=token)

    def id_claims(self, token, access, proof, alg="RS256"):
        """The claims of an ID token, checked as OpenID Connect Core 3.1.3.7 asks."""
        claims = jws_claims(token, self.jwks(), alg)
        same(claims["iss"], self.issuer, "iss of the ID token")
        expect(self.id in (claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]), f"aud of the ID token: {claims['aud']}")
        same(claims.get("nonce"), proof.nonce, "nonce of the ID token")
        digest = hashlib.sha512 if alg == "EdDSA" else hashlib.sha256
        half = digest(access.encode()).digest()
        same(claims.get("at_hash"), b64(half[:len(half) // 2]), "at_hash of the ID token")
        expect(claims["exp"] > claims["iat"], "exp of the ID token is not after iat")
        return claims

    def log_in(self, browser, username, password, proof=None, **more):
        """The whole way from /authorize to tokens; browser may be logged in already."""
        proof = proof or Proof()
        answer = browser.get(self.authorize_url(proof, **more))
        if not answer.location:
            answer = browser.submit(answer, "login", {"username": username, "password": password})
        status, tokens = self.redeem(self.code_of(answer, proof), proof)
        same(status, 200, f"token endpoint {tokens}")
        return tokens

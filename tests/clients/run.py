#!/usr/bin/env python3
"""Real OAuth clients and JWT verifiers against a real server: who obtains tokens, who accepts them, and who is refused.

Started by scripts/clients, which installs what this runs. Each client is a process that answers cases, one JSON object a
line; each API is a process that prints its address once it serves.
"""

import argparse
import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

from joserfc.jwk import ECKey, OKPKey, RSAKey

HERE = Path(__file__).resolve().parent
ALGORITHMS = ["ES256", "EdDSA", "RS256", "PS256"]
BOTH, ASSERTION = ("basic", "post"), "private_key_jwt"
DPOP = ("oauth4webapi", "openid-client")  # those that bind tokens to a key of theirs (RFC 9449)
# name: (how it is run, how it authenticates, whether it can revoke a token, which API it calls)
CLIENTS = {
    "oauth4webapi": ("node npm/client-oauth4webapi.mjs", (*BOTH, ASSERTION), True, "jose"),
    "openid-client": ("node npm/client-openid-client.mjs", (*BOTH, ASSERTION), True, "jose"),
    "simple-oauth2": ("node npm/client-simple-oauth2.mjs", BOTH, False, "jose"),
    "Authlib": ("python pypi/client_authlib.py", (*BOTH, ASSERTION), True, "joserfc"),
    "requests-oauthlib": ("python pypi/client_requests_oauthlib.py", BOTH, False, "PyJWT"),
    "httpx": ("python pypi/client_httpx.py", BOTH, False, "PyJWT"),
    "x/oauth2 + go-oidc": ("bin/client-clientcredentials", (*BOTH, "auto"), False, "go-jose"),
    "oauth2 (Rust)": ("bin/client-oauth2", BOTH, False, "jsonwebtoken (Rust)"),
    "openidconnect (Rust)": ("bin/client-openidconnect", BOTH, False, "jsonwebtoken (Rust)"),
    "curl": ("curl/client", BOTH, True, "introspection"),
}
INTROSPECTION = "introspection"
APIS = {
    "jose": "node npm/api-jose.mjs",
    "oauth4webapi as verifier": "node npm/api-oauth4webapi.mjs",
    "PyJWT": "python pypi/api_pyjwt.py",
    "joserfc": "python pypi/api_joserfc.py",
    "go-oidc": "bin/api-oidc",
    "go-jose": "bin/api-jose",
    "jsonwebtoken (Rust)": "bin/api-jsonwebtoken",
    INTROSPECTION: "node npm/api-introspection.mjs",
}
LIFETIME_SECONDS = 300
# Verifiers may allow this much difference between clocks.
LEEWAY_SECONDS = 2


class Misses:
    """What was not as it must be, by row and column of a table."""

    def __init__(self):
        self.told, self.lock = [], threading.Lock()

    def expect(self, row, column, what, found, expected):
        if found != expected:
            with self.lock:
                self.told.append((row, column, f"{what}: expected {expected!r}, found {found!r}"))

    def cell(self, row, column):
        return "MISS" if any(told[:2] == (row, column) for told in self.told) else "ok"


class Processes:
    """Ours, and ended by us."""

    def __init__(self, folder, target, environment):
        self.folder, self.target, self.environment = folder, target, environment
        self.running = []

    def start(self, name, command, more=None, **pipes):
        program, *arguments = command if isinstance(command, list) else command.split()
        if program.startswith("bin/"):
            program = str(self.target / program)
        elif program == "python":
            program = str(self.target / "venv/bin/python")
        elif "/" in program and not program.startswith("/"):
            program = str(HERE / program)
        # Node looks for packages beside the file: the sources are laid beside what was installed for them.
        arguments = [str((self.target if "npm/" in argument else HERE) / argument) if argument.startswith(("npm/", "pypi/")) else argument
                     for argument in arguments]
        log = open(self.folder / f"{name.replace('/', '-')}.log", "ab")
        process = subprocess.Popen([program, *arguments], env=self.environment | (more or {}), cwd=self.folder, stderr=log, **pipes)
        self.running.append(process)
        return process

    def end(self):
        for process in reversed(self.running):
            process.terminate()
        for process in reversed(self.running):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class Server:
    def __init__(self, claviger, processes, tls):
        self.claviger, self.processes, self.files = claviger, processes, tls
        self.tls = ssl.create_default_context(cafile=tls["ca"])
        self.key_file = processes.folder / "management-key"
        for _ in range(3):  # another process may take the port before the server does
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.address = ("127.0.0.1", free.getsockname()[1])
            self.issuer = f"https://127.0.0.1:{self.address[1]}"
            if self.starts(self.issuer):
                self.management_key = self.key_file.read_text().strip()
                return
        raise SystemExit("the server did not start: " + (processes.folder / "claviger.log").read_text())

    def starts(self, public_url):
        # A server hands out its first management key once, at its first start.
        bootstrap = [] if self.key_file.exists() else ["--bootstrap-key-file", str(self.key_file)]
        listen, data = f"127.0.0.1:{self.address[1]}", str(self.processes.folder / "data")
        self.process = self.processes.start(
            "claviger", [self.claviger, "serve", "--listen", listen, "--data-dir", data, *bootstrap],
            {"CLAVIGER_PUBLIC_URL": public_url, "CLAVIGER_TLS_CERTIFICATE_FILE": self.files["cert"],
             "CLAVIGER_TLS_KEY_FILE": self.files["key"]},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        return self.is_ready()

    def renamed(self, public_url):
        """The same server, keys and port under another issuer."""
        self.process.terminate()
        self.process.wait(30)
        if not self.starts(public_url):
            raise SystemExit("the server did not start again")

    def is_ready(self):
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                if self.request("GET", "/readyz")[0] == 200:
                    return True
            except OSError:
                pass
            time.sleep(0.05)  # between two questions
        return False

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPSConnection(*self.address, context=self.tls, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def manage(self, method, path, body=None, environment="live"):
        headers = {"Authorization": f"Bearer {self.management_key}", "Content-Type": "application/json",
                   "Claviger-Environment": environment}
        status, answer = self.request(method, path, json.dumps(body) if body is not None else None, headers)
        if status not in (200, 201):
            raise SystemExit(f"{method} {path}: {status} {answer.decode()}")
        return json.loads(answer)

    def token(self, application, resource, scope="posts:read", path=""):
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        basic = base64.b64encode(f"{application['id']}:{application['secret']}".encode()).decode()
        status, answer = self.form(f"{path}/oauth2/token", form, f"Basic {basic}")
        if status != 200:
            raise SystemExit(f"no token for {resource}: {status} {answer}")
        return answer["access_token"]

    def is_active(self, token):
        status, answer = self.form("/oauth2/introspect", {"token": token}, f"Bearer {self.management_key}")
        return answer["active"] if status == 200 else f"{status} {answer}"

    def form(self, path, form, authorization):
        headers = {"Authorization": authorization, "Content-Type": "application/x-www-form-urlencoded"}
        status, answer = self.request("POST", path, urllib.parse.urlencode(form), headers)
        return status, json.loads(answer)


class Tenant:
    """A customer in an environment, with a resource for each algorithm."""

    def __init__(self, server, environment="live"):
        self.server, self.environment, self.resources = server, environment, []
        self.organization = self.made("/v1/organizations", {"name": "Example Customer"})["id"]
        self.owner = self.made("/v1/owners", {
            "name": "Integrations", "email": "team@example.com", "type": "team", "organization_id": self.organization})["id"]
        for alg in ALGORITHMS:
            self.resource(alg, alg, "at+jwt")
            self.resource(f"{alg}-other", alg, "at+jwt")
            self.resource(f"{alg}-typ", alg, "JWT")
            self.resource(f"{alg}-alg", ALGORITHMS[ALGORITHMS.index(alg) - 1], "at+jwt")

    def made(self, path, body):
        return self.server.manage("POST", path, body, self.environment)

    def resource(self, name, alg, typ):
        self.resources.append(name)
        self.made("/v1/resources", {
            "identifier": audience(name), "name": name, "token": {"alg": alg, "typ": typ, "lifetime_seconds": LIFETIME_SECONDS},
            "permissions": [{"name": "posts:read", "risk": "low"}, {"name": "posts:write", "risk": "medium"}]})

    def application(self, name, **more):
        grants = [{"identifier": audience(resource), "permissions": ["posts:read", "posts:write"]} for resource in self.resources]
        application = self.made("/v1/applications", {
            "organization_id": self.organization, "owner_id": self.owner, "name": name, "resources": grants, **more})
        return self.credentials(application["id"])

    def credentials(self, application):
        """A secret and a key pair for each algorithm that assertions may be signed with."""
        at = f"/v1/applications/{application}"
        made = self.made(f"{at}/secrets", {})
        minting, keys = [f"{at}/secrets/{made['id']}"], {}
        pairs = {"ES256": ECKey.generate_key("P-256"), "EdDSA": OKPKey.generate_key("Ed25519"), "PS256": RSAKey.generate_key(2048)}
        for alg, pair in pairs.items():
            keys[alg] = pair.as_dict(private=True) | {"alg": alg, "kid": pair.thumbprint()}
            minting.append(f"{at}/keys/{self.made(f'{at}/keys', {'jwk': pair.as_dict(private=False) | {'alg': alg}})['id']}")
        return {"id": application, "secret": made["secret"], "keys": keys, "minting": minting}

    def revoke(self, application, reason):
        for credential in application["minting"]:
            self.made(f"{credential}/revoke", {"reason": reason})


def audience(name):
    return f"https://api.example.com/{name}"


def header_of(token):
    return json.loads(unbase64(token.split(".")[0]))


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# --- clients ---------------------------------------------------------------------------------------------------


class Client:
    """A process of an OAuth client, asked one case after the other."""

    def __init__(self, name, processes, apis):
        self.command, self.ways, self.revokes, self.api = CLIENTS[name]
        self.name, self.url = name, apis[self.api]
        self.process = processes.start(f"client {name}", self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, application, way, alg="ES256", scope="posts:read", **more):
        asked = {"auth": way, "client_id": application["id"], "client_secret": application["secret"],
                 "resource": audience(alg), "scope": scope, **more}
        if way == ASSERTION:
            asked["private_key"] = application["keys"].get(alg) or application["keys"]["ES256"]
        try:
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        return json.loads(line) if line else {"broken": "the client ended: its log says why"}


def exercise(name, server, tenant, stranger, apis, processes, misses):
    client = Client(name, processes, apis)
    first = tenant.application(name)
    second = tenant.credentials(first["id"])
    wrong = first | {name: stranger[name] for name in ("secret", "keys")}  # good ones, but of another application

    def expect(column, what, found, expected):
        misses.expect(name, column, what, found, expected)

    minted = []
    for alg in ALGORITHMS:
        for way in client.ways:
            answer = client.ask(first, way, alg, api=f"{client.url}/{alg}/posts")
            token = answer.pop("token", "")
            expect(alg, f"by {way}", answer, {
                "scope": "posts:read", "expires_in": LIFETIME_SECONDS, "status": 200,
                "body": {"client_id": first["id"], "scope": "posts:read"}})
            if token:
                minted.append(token)
                header = header_of(token)
                expect(alg, f"by {way}, the token's header", (header["alg"], header["typ"]), (alg, "at+jwt"))
    for way in client.ways:
        expect("other's", f"by {way}", client.ask(wrong, way), {"error": "invalid_client"})
        expect("not granted", f"scope by {way}", client.ask(first, way, scope="posts:delete"), {"error": "invalid_scope"})
        expect("not granted", f"resource by {way}", client.ask(first, way, "none"), {"error": "invalid_target"})
    if client.revokes:
        token = client.ask(first, client.ways[0], revoke=True).get("token", "")
        expect("gives up", "introspection of a token given up", server.is_active(token), False)

    if name in DPOP:
        bind(client, tenant, apis["oauth4webapi as verifier"], expect)

    of_second = client.ask(second, client.ways[0]).get("token", "")
    for token in [*minted, of_second]:
        expect("compromised", "introspection before", server.is_active(token), True)
    tenant.revoke(first, "key_compromise")
    for way in client.ways:
        expect("revoked", f"by {way}", client.ask(first, way), {"error": "invalid_client"})
        expect("revoked", f"what is not revoked, by {way}", client.ask(second, way).get("scope"), "posts:read")
    for token in minted:
        expect("compromised", "introspection after", server.is_active(token), False)
    expect("compromised", "introspection of the token of what is not revoked", server.is_active(of_second), True)
    with contextlib.suppress(BrokenPipeError):
        client.process.stdin.close()


def bind(client, tenant, url, expect):
    """An application whose tokens must be bound to a key, at an API that asks for the proof."""
    bound = tenant.application(f"{client.name} with DPoP", require_dpop=True)
    # ES256 for both: the API allows one list of algorithms for tokens and proofs.
    answer = client.ask(bound, "dpop", api=f"{url}/ES256/posts")
    token = answer.pop("token", "")
    expect("DPoP", "with a proof", answer, {
        "scope": "posts:read", "expires_in": LIFETIME_SECONDS, "status": 200,
        "body": {"client_id": bound["id"], "scope": "posts:read"}})
    expect("DPoP", "the token alone", call(tenant.server, url, "ES256", token), INVALID)
    expect("DPoP", "without a proof", client.ask(bound, client.ways[0]).get("error"), "invalid_dpop_proof")


# --- verifiers -------------------------------------------------------------------------------------------------


class Api:
    def __init__(self, name, processes, more):
        self.process = processes.start(f"api {name}", APIS[name], more, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.url = self.process.stdout.readline().decode().strip()
        if not self.url:
            raise SystemExit(f"the API with {name} did not start: see its log")


def call(server, url, name, token):
    """Status, and the error of the challenge."""
    to = urllib.parse.urlsplit(url)
    if to.scheme == "https":
        connection = http.client.HTTPSConnection(to.hostname, to.port, context=server.tls, timeout=60)
    else:
        connection = http.client.HTTPConnection(to.hostname, to.port, timeout=60)
    try:
        connection.request("GET", f"/{name}/posts", headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        answer.read()
        challenge = answer.getheader("WWW-Authenticate") or ""
        return answer.status, challenge.partition('error="')[2].partition('"')[0]
    finally:
        connection.close()


OK, INVALID, TOO_LITTLE, NONE = (200, ""), (401, "invalid_token"), (403, "insufficient_scope"), (401, "")


def forgeries(server, reading, writing):
    """Tokens that somebody made of good ones."""
    head, _, signature = reading.split(".")
    header = header_of(reading)
    payload = json.loads(unbase64(writing.split(".")[1])) | {"scope": "posts:read posts:write"}
    payload = base64url(json.dumps(payload).encode())
    yield "a token with another's signature", f"{head}.{payload}.{signature}"
    yield "a token without signature", f"{base64url(json.dumps(header | {'alg': 'none'}).encode())}.{payload}."
    # Signed with what everybody has: the public key, taken for a shared secret.
    status, pem = server.request("GET", f"/oauth2/keys/{header['kid']}.pem")
    assert status == 200, "the key is published as PEM"
    signed = f"{base64url(json.dumps(header | {'alg': 'HS256'}).encode())}.{payload}"
    yield "a token signed with the public key", f"{signed}.{base64url(hmac.digest(pem, signed.encode(), hashlib.sha256))}"


def verify(server, live, test, apis, misses, compromised):
    application, foreign = live.application("verifiers"), test.application("of the other environment")
    cases = []
    for alg in ALGORITHMS:
        reading = server.token(application, audience(alg))
        writing = server.token(application, audience(alg), "posts:write")
        cases += [(alg, alg, "a good token", reading, OK),
                  (alg, "scope", "a token that may not read", writing, TOO_LITTLE),
                  (alg, "audience", "a token for another API", server.token(application, audience(f"{alg}-other")), INVALID),
                  (alg, "environment", "a token of the other environment", server.token(foreign, audience(alg), path="/test"), INVALID),
                  (alg, "none", "no token", "", NONE)]
        cases += [(alg, "forged", what, token, INVALID) for what, token in forgeries(server, reading, writing)]
    for name, url in apis.items():
        for alg, column, what, token, expected in cases:
            misses.expect(name, column, f"{what}, {alg}", call(server, url, alg, token), expected)
        for alg in ALGORITHMS if name != INTROSPECTION else []:  # it reads no token itself
            for column, what in (("typ", "a token of typ JWT"), ("alg", "a token of another algorithm")):
                token = server.token(application, audience(f"{alg}-{column}"))
                misses.expect(name, column, f"{what}, {alg}", call(server, url, f"{alg}-{column}", token), INVALID)
    found = call(server, apis[INTROSPECTION], "ES256", compromised)
    misses.expect(INTROSPECTION, "compromised", "a token of a compromised secret", found, INVALID)


def expire(server, tokens, apis, misses):
    latest = max(json.loads(unbase64(token.split(".")[1]))["exp"] for token in tokens.values())
    left = latest + LEEWAY_SECONDS + 1 - time.time()
    if left > 0:
        print(f"waiting {left:.0f} s for tokens to expire", flush=True)
        time.sleep(left)  # nobody can be asked for this: it is the clock that must go on
    for name, url in apis.items():
        for alg, token in tokens.items():
            misses.expect(name, "expired", f"an expired token, {alg}", call(server, url, alg, token), INVALID)


def rotate(server, live, apis, misses):
    """The keys that sign are ended; verifiers with full caches know the ones that sign from then on already."""
    application = live.application("rotation")
    for alg in ALGORITHMS:
        before = server.token(application, audience(alg))
        server.manage("POST", f"/v1/signing-keys/{header_of(before)['kid']}/compromise", {})
        after = server.token(application, audience(alg))
        for name, url in apis.items():
            misses.expect(name, "new key", f"another key, {alg}", header_of(before)["kid"] != header_of(after)["kid"], True)
            misses.expect(name, "new key", f"a token of the key that was standby, {alg}", call(server, url, alg, after), OK)
        misses.expect(INTROSPECTION, "new key", f"a token of the ended key, {alg}", call(server, apis[INTROSPECTION], alg, before), INVALID)


def rename(server, live, apis, misses):
    """Rightly signed tokens of an issuer that nobody here trusts."""
    application = live.application("renamed")
    server.renamed("https://auth.example.com")
    for alg in ALGORITHMS:
        token = server.token(application, audience(alg))
        for name, url in apis.items():
            if name != INTROSPECTION:
                misses.expect(name, "issuer", f"a token of another issuer, {alg}", call(server, url, alg, token), INVALID)


# --- the whole -------------------------------------------------------------------------------------------------


def table(title, rows, columns, misses, left_out):
    width = max(map(len, [*rows, title])) + 2
    print("\n" + title.ljust(width) + "  ".join(columns))
    for row in rows:
        cells = [("-" if left_out(row, column) else misses.cell(row, column)).ljust(len(column)) for column in columns]
        print(row.ljust(width) + "  ".join(cells).rstrip())


def certificates(folder):
    """A certificate of 127.0.0.1 by an authority of our own."""
    ca, ca_key, cert, key, request = (str(folder / name) for name in ("ca.pem", "ca-key.pem", "cert.pem", "key.pem", "request.pem"))
    extensions = folder / "extensions"
    extensions.write_text("subjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n"
                          "authorityKeyIdentifier=keyid\nextendedKeyUsage=serverAuth\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for command in (
        ["req", "-x509", *curve, "-keyout", ca_key, "-out", ca, "-days", "2", "-subj", "/CN=clients",
         "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"],
        ["req", *curve, "-keyout", key, "-out", request, "-subj", "/CN=127.0.0.1"],
        ["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-out", cert, "-days", "2",
         "-extfile", str(extensions)],
    ):
        subprocess.run(["openssl", *command], check=True, capture_output=True)
    return {"ca": ca, "cert": cert, "key": key}


def environment(tls):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CLAVIGER_") and not name.lower().endswith("_proxy")}
    trust = {name: tls["ca"] for name in ("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")}
    return kept | trust | {"TLS_CERT": tls["cert"], "TLS_KEY": tls["key"], "PYTHONDONTWRITEBYTECODE": "1"}


def run(claviger, target, folder):
    tls = certificates(folder)
    processes, misses = Processes(folder, target, environment(tls)), Misses()
    try:
        server = Server(claviger, processes, tls)
        processes.environment["ISSUER"] = server.issuer
        live, test = Tenant(server), Tenant(server, "test")
        api = live.application("an API that asks")
        more = {"API_CLIENT_ID": api["id"], "API_CLIENT_SECRET": api["secret"]}
        apis = {name: Api(name, processes, more).url for name in APIS}
        brief = live.application("brief tokens", token_lifetime_seconds=60)
        expiring = {alg: server.token(brief, audience(alg)) for alg in ALGORITHMS}
        for name, url in apis.items():
            for alg, token in expiring.items():
                misses.expect(name, "expired", f"not yet expired, {alg}", call(server, url, alg, token), OK)

        stranger = live.application("a stranger")
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            running = [pool.submit(exercise, name, server, live, stranger, apis, processes, misses) for name in CLIENTS]
            for each in running:
                each.result()
        leaked = live.application("leaked")
        compromised = server.token(leaked, audience("ES256"))
        live.revoke(leaked, "key_compromise")
        verify(server, live, test, apis, misses, compromised)
        expire(server, expiring, apis, misses)
        rotate(server, live, apis, misses)
        rename(server, live, apis, misses)

        table("OAuth client", CLIENTS, [*ALGORITHMS, "other's", "not granted", "revoked", "compromised", "gives up", "DPoP"], misses,
              lambda row, column: (column == "gives up" and not CLIENTS[row][2]) or (column == "DPoP" and row not in DPOP))
        columns = ["none", "forged", "audience", "alg", "environment", "typ", "scope", "expired", "compromised", "new key", "issuer"]
        table("JWT verifier", APIS, [*ALGORITHMS, *columns], misses,
              lambda row, column: column in (("alg", "typ", "issuer") if row == INTROSPECTION else ("compromised",)))
        for row, column, what in misses.told:
            print(f"\nMISS {row}, {column}, {what}")
        if misses.told:
            for log in sorted(folder.glob("*.log")):
                if log.stat().st_size:
                    print(f"\n--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-15:]))
        return 1 if misses.told else 0
    finally:
        processes.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claviger", required=True, help="the server's program")
    parser.add_argument("--target", required=True, type=Path, help="where scripts/clients installed")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="claviger-clients.") as folder:
        sys.exit(run(options.claviger, options.target, Path(folder)))


if __name__ == "__main__":
    main()

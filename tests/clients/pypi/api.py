"""A small API over TLS: GET /<name>/posts of the resource https://api.example.com/<name>, for tokens that may read posts.
A name begins with the algorithm. Prints its address once it serves."""

import json
import os
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def serve(verify):
    """`verify(token, audience, alg)` answers the claims, or raises."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, body, challenge = answer(self.path, self.headers.get("authorization", ""))
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            if challenge:
                self.send_header("www-authenticate", challenge)
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    def answer(path, authorization):
        name = path.split("/")[1]
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return 401, {}, "Bearer"
        try:
            claims = verify(token, f"https://api.example.com/{name}", name.split("-")[0])
        except Exception as thrown:
            return 401, {"why": repr(thrown)}, 'Bearer error="invalid_token"'
        if "posts:read" not in claims["scope"].split():
            return 403, {}, 'Bearer error="insufficient_scope", scope="posts:read"'
        return 200, {"client_id": claims["client_id"], "scope": claims["scope"]}, None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(os.environ["TLS_CERT"], os.environ["TLS_KEY"])
    # The handshake waits for the thread of its connection: a silent caller holds up nobody.
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"https://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()

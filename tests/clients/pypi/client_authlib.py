import os
import time

from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwk

from cases import answer

issuer = os.environ["ISSUER"]


def get(auth, client_id, client_secret, resource, scope, private_key=None):
    session = OAuth2Session(client_id, client_secret)
    if auth == "private_key_jwt":
        session = OAuth2Session(client_id, jwk.import_key(private_key), token_endpoint_auth_method="private_key_jwt")
        # By itself it names the token endpoint and an hour. A new one for each token: given claims, it repeats its jti.
        method = PrivateKeyJWT(issuer, alg=private_key["alg"], claims={"exp": int(time.time()) + 60})
        session.register_client_auth_method(method)
    elif auth == "post":
        session.token_endpoint_auth_method = "client_secret_post"
    token = session.fetch_token(f"{issuer}/oauth2/token", grant_type="client_credentials", resource=resource, scope=scope)
    return token


def revoke(token, client_id, client_secret):
    session = OAuth2Session(client_id, client_secret)
    session.revoke_token(f"{issuer}/oauth2/revoke", token=token).raise_for_status()


def error(thrown):
    return thrown.error if isinstance(thrown, OAuthError) else None


answer(get, error, revoke=revoke)

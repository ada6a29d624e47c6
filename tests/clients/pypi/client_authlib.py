import os

from authlib.integrations.requests_client import OAuth2Session, OAuthError

from cases import answer

issuer = os.environ["ISSUER"]


def get(auth, client_id, client_secret, resource, scope):
    session = OAuth2Session(client_id, client_secret)
    session.token_endpoint_auth_method = f"client_secret_{auth}"
    token = session.fetch_token(f"{issuer}/oauth2/token", grant_type="client_credentials", resource=resource, scope=scope)
    return token


def revoke(token, client_id, client_secret):
    session = OAuth2Session(client_id, client_secret)
    session.revoke_token(f"{issuer}/oauth2/revoke", token=token).raise_for_status()


def error(thrown):
    return thrown.error if isinstance(thrown, OAuthError) else None


answer(get, error, revoke=revoke)

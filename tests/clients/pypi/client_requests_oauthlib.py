import os

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from cases import answer

issuer = os.environ["ISSUER"]


def get(auth, client_id, client_secret, resource, scope):
    session = OAuth2Session(client=BackendApplicationClient(client_id, scope=scope.split()))
    asked = {"client_secret": client_secret, "resource": resource}
    if auth == "post":
        asked["include_client_id"] = True
    token = session.fetch_token(f"{issuer}/oauth2/token", **asked)
    return token | {"scope": " ".join(token["scope"])}


def call(api, token):
    session = OAuth2Session(token={"access_token": token, "token_type": "Bearer"})
    response = session.get(api)
    return response.status_code, response.json()


def error(thrown):
    return thrown.error if isinstance(thrown, OAuth2Error) else None


answer(get, error, call=call)

import os

import httpx

from cases import answer

issuer = os.environ["ISSUER"]


def get(auth, client_id, client_secret, resource, scope):
    form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
    basic = (client_id, client_secret)
    if auth == "post":
        basic = None
        form |= {"client_id": client_id, "client_secret": client_secret}
    response = httpx.post(f"{issuer}/oauth2/token", data=form, auth=basic)
    token = response.raise_for_status().json()
    return token


def error(thrown):
    return thrown.response.json()["error"] if isinstance(thrown, httpx.HTTPStatusError) else None


answer(get, error)

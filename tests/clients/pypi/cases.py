"""Answers cases, one JSON object a line, until standard input ends. tests/clients/run.py asks them."""

import json
import sys
import traceback

import httpx


def plain(api, token):
    response = httpx.get(api, headers={"authorization": f"Bearer {token}"})
    return response.status_code, response.json()


def answer(get, error, call=plain, revoke=None):
    """`get` obtains a token, `error(thrown)` is the OAuth error that the library tells, `call` uses the token, `revoke`
    gives it up, in a library that can."""
    for line in sys.stdin:
        print(json.dumps(one(json.loads(line), get, error, call, revoke)), flush=True)


def one(asked, get, error, call, revoke):
    api, gives_up = asked.pop("api", None), asked.pop("revoke", False)
    try:
        token = get(**asked)
    except Exception as thrown:
        told = error(thrown)
        return {"error": told} if told else {"broken": traceback.format_exc()}
    answered = {"token": token["access_token"], "scope": token["scope"], "expires_in": token["expires_in"]}
    if api:
        answered["status"], answered["body"] = call(api, token["access_token"])
    if gives_up:
        revoke(token["access_token"], asked["client_id"], asked["client_secret"])
    return answered

import os
import time

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from api import serve

issuer = os.environ["ISSUER"]
kept = {"keys": None, "until": 0.0}


def key_set():
    # The keys may be kept for as long as Cache-Control says: five minutes.
    if time.monotonic() >= kept["until"]:
        response = httpx.get(f"{issuer}/oauth2/jwks").raise_for_status()
        kept.update(keys=KeySet.import_key_set(response.json()), until=time.monotonic() + 300)
    return kept["keys"]


def verify(token, audience, alg):
    verified = jwt.decode(token, key_set(), algorithms=[alg])
    if verified.header.get("typ") != "at+jwt":
        raise ValueError("not an access token")
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer},
        aud={"essential": True, "value": audience},
        exp={"essential": True},
    ).validate(verified.claims)
    return verified.claims


serve(verify)

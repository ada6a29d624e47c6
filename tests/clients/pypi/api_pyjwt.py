import os

import jwt

from api import serve

issuer = os.environ["ISSUER"]
keys = jwt.PyJWKClient(f"{issuer}/oauth2/jwks")


def verify(token, audience, alg):
    key = keys.get_signing_key_from_jwt(token)
    verified = jwt.decode_complete(token, key, algorithms=[alg], issuer=issuer, audience=audience,
                                   options={"require": ["exp", "iss", "aud"]})
    if verified["header"].get("typ") != "at+jwt":
        raise jwt.InvalidTokenError("not an access token")
    return verified["payload"]


serve(verify)

import { createRemoteJWKSet, jwtVerify } from 'jose'

import { serve } from './api.mjs'

const issuer = process.env.ISSUER
const jwks = createRemoteJWKSet(new URL(`${issuer}/oauth2/jwks`))

async function verify(token, audience, alg) {
  const { payload } = await jwtVerify(token, jwks, { issuer, audience, algorithms: [alg], typ: 'at+jwt' })
  return payload
}

serve(verify)

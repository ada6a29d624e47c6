// Verifies tokens by itself, and takes those that are bound to a key (DPoP, RFC 9449) from the holder of the key alone.
import * as oauth from 'oauth4webapi'

import { serve } from './api.mjs'

const issuer = new URL(process.env.ISSUER)
const server = await oauth
  .discoveryRequest(issuer, { algorithm: 'oauth2' })
  .then((response) => oauth.processDiscoveryResponse(issuer, response))

async function verify(_, audience, alg, request) {
  const options = { signingAlgorithms: [alg], [oauth.clockTolerance]: 2 } // seconds; 30 by default
  const claims = await oauth.validateJwtAccessToken(server, request, audience, options)
  return claims
}

serve(verify, ['Bearer', 'DPoP'])

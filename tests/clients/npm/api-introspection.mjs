// Asks Claviger about each token instead of verifying it: a token of a compromised secret is refused at once.
import * as oauth from 'oauth4webapi'

import { serve } from './api.mjs'

const issuer = new URL(process.env.ISSUER)
const server = await oauth
  .discoveryRequest(issuer, { algorithm: 'oauth2' })
  .then((response) => oauth.processDiscoveryResponse(issuer, response))
const client = { client_id: process.env.API_CLIENT_ID }
const by = oauth.ClientSecretBasic(process.env.API_CLIENT_SECRET)

async function verify(token, audience) {
  const response = await oauth.introspectionRequest(server, client, by, token)
  const told = await oauth.processIntrospectionResponse(server, client, response)
  if (!told.active || told.aud !== audience) throw new Error('inactive, or for another API')
  return told
}

serve(verify)

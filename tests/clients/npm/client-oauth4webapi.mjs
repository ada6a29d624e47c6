import { importJWK } from 'jose'
import * as oauth from 'oauth4webapi'

import { answer } from './cases.mjs'

const issuer = new URL(process.env.ISSUER)
const server = await oauth
  .discoveryRequest(issuer, { algorithm: 'oauth2' })
  .then((response) => oauth.processDiscoveryResponse(issuer, response))

async function get({ auth, client_id, client_secret, private_key, resource, scope }) {
  const client = { client_id }
  let by = oauth.ClientSecretBasic(client_secret)
  if (auth === 'post') by = oauth.ClientSecretPost(client_secret)
  if (auth === 'private_key_jwt') {
    by = oauth.PrivateKeyJwt({ key: await importJWK(private_key), kid: private_key.kid })
  }
  const parameters = new URLSearchParams({ resource, scope })
  const response = await oauth.clientCredentialsGrantRequest(server, client, by, parameters)
  const token = await oauth.processClientCredentialsResponse(server, client, response)
  return token
}

async function revoke({ client_id, client_secret }, token) {
  const client = { client_id }
  const response = await oauth.revocationRequest(server, client, oauth.ClientSecretBasic(client_secret), token)
  return oauth.processRevocationResponse(response)
}

// A refusal by WWW-Authenticate leaves the body unread.
async function error(thrown) {
  if (thrown instanceof oauth.WWWAuthenticateChallengeError) return (await thrown.response.json()).error
  return thrown instanceof oauth.ResponseBodyError ? thrown.error : undefined
}

await answer({ get, error, revoke })

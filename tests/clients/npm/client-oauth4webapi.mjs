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

// Never leaves this process: what is obtained with it is of no use to others.
const keyPair = await oauth.generateKeyPair('ES256')

async function getBound({ client_id, client_secret, resource, scope }) {
  const client = { client_id }
  const by = oauth.ClientSecretBasic(client_secret)
  const parameters = new URLSearchParams({ resource, scope })
  const DPoP = oauth.DPoP(client, keyPair)
  const response = await oauth.clientCredentialsGrantRequest(server, client, by, parameters, { DPoP })
  const token = await oauth.processClientCredentialsResponse(server, client, response)
  return token
}

async function call({ auth, client_id, api }, token) {
  if (auth !== 'dpop') return oauth.protectedResourceRequest(token, 'GET', new URL(api))
  const DPoP = oauth.DPoP({ client_id }, keyPair)
  const response = await oauth.protectedResourceRequest(token, 'GET', new URL(api), undefined, undefined, { DPoP })
  return response
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

await answer({ get: (asked) => (asked.auth === 'dpop' ? getBound(asked) : get(asked)), error, call, revoke })

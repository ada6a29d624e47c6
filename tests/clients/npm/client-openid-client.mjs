import { importJWK } from 'jose'
import * as openid from 'openid-client'

import { answer } from './cases.mjs'

const issuer = new URL(process.env.ISSUER)

async function discover({ auth, client_id, client_secret, private_key }) {
  let by = openid.ClientSecretPost(client_secret) // what it does when given the secret alone
  if (auth === 'basic') by = openid.ClientSecretBasic(client_secret)
  if (auth === 'private_key_jwt') {
    by = openid.PrivateKeyJwt({ key: await importJWK(private_key), kid: private_key.kid })
  }
  const config = await openid.discovery(issuer, client_id, undefined, by, { algorithm: 'oauth2' })
  return config
}

async function get({ resource, scope, ...asked }) {
  const config = await discover(asked)
  const token = await openid.clientCredentialsGrant(config, { resource, scope })
  return token
}

// Never leaves this process: what is obtained with it is of no use to others.
const keyPair = await openid.randomDPoPKeyPair('ES256')

async function getBound({ resource, scope, ...asked }) {
  const config = await discover(asked)
  const DPoP = openid.getDPoPHandle(config, keyPair)
  const token = await openid.clientCredentialsGrant(config, { resource, scope }, { DPoP })
  return token
}

async function call(asked, token) {
  const config = await discover(asked)
  if (asked.auth !== 'dpop') return openid.fetchProtectedResource(config, token, new URL(asked.api), 'GET')
  const DPoP = openid.getDPoPHandle(config, keyPair)
  return openid.fetchProtectedResource(config, token, new URL(asked.api), 'GET', undefined, undefined, { DPoP })
}

async function revoke(asked, token) {
  return openid.tokenRevocation(await discover(asked), token)
}

// A refusal by WWW-Authenticate leaves the body unread.
async function error(thrown) {
  if (thrown instanceof openid.WWWAuthenticateChallengeError) return (await thrown.response.json()).error
  return thrown instanceof openid.ResponseBodyError ? thrown.error : undefined
}

await answer({ get: (asked) => (asked.auth === 'dpop' ? getBound(asked) : get(asked)), error, call, revoke })

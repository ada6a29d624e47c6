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

async function call(asked, token) {
  return openid.fetchProtectedResource(await discover(asked), token, new URL(asked.api), 'GET')
}

async function revoke(asked, token) {
  return openid.tokenRevocation(await discover(asked), token)
}

// A refusal by WWW-Authenticate leaves the body unread.
async function error(thrown) {
  if (thrown instanceof openid.WWWAuthenticateChallengeError) return (await thrown.response.json()).error
  return thrown instanceof openid.ResponseBodyError ? thrown.error : undefined
}

await answer({ get, error, call, revoke })

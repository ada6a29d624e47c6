import { ClientCredentials } from 'simple-oauth2'

import { answer } from './cases.mjs'

async function get({ auth, client_id, client_secret, resource, scope }) {
  const options = { authorizationMethod: auth === 'post' ? 'body' : 'header' }
  const client = new ClientCredentials({
    client: { id: client_id, secret: client_secret },
    auth: { tokenHost: process.env.ISSUER, tokenPath: '/oauth2/token' },
    options,
  })
  const { token } = await client.getToken({ resource, scope })
  return token
}

await answer({ get, error: (thrown) => thrown.data?.payload?.error })

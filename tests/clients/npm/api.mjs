// A small API over TLS: GET /<name>/posts of the resource https://api.example.com/<name>, for tokens that may read posts.
// A name begins with the algorithm. Prints its address once it serves.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

// `verify(token, audience, alg, request)` answers the claims, or throws.
export function serve(verify, schemes = ['Bearer']) {
  const server = createServer({ cert: readFileSync(process.env.TLS_CERT), key: readFileSync(process.env.TLS_KEY) }, async (request, response) => {
    const [status, body, challenge] = await answer(request)
    response.writeHead(status, { 'content-type': 'application/json', ...(challenge && { 'www-authenticate': challenge }) })
    response.end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1', () => console.log(`https://127.0.0.1:${server.address().port}`))

  async function answer({ method, url, headers }) {
    const [, name] = url.split('/')
    const [scheme, token] = headers.authorization?.split(' ') ?? []
    if (!token || !schemes.some((one) => one.toLowerCase() === scheme.toLowerCase())) return [401, {}, 'Bearer']
    const request = new Request(`https://${headers.host}${url}`, { method, headers })
    let claims
    try {
      claims = await verify(token, `https://api.example.com/${name}`, name.split('-')[0], request)
    } catch (thrown) {
      return [401, { why: String(thrown) }, 'Bearer error="invalid_token"']
    }
    if (!claims.scope.split(' ').includes('posts:read')) {
      return [403, {}, 'Bearer error="insufficient_scope", scope="posts:read"']
    }
    return [200, { client_id: claims.client_id, scope: claims.scope }]
  }
}

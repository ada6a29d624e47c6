// Answers cases, one JSON object a line, until standard input ends. tests/clients/run.py asks them.
import { createInterface } from 'node:readline'

// `get(asked)` obtains a token: {access_token, scope, expires_in}. `error(thrown)` is the OAuth error that the library tells.
// `call(asked, token)` uses the token as the library does, else with fetch. `revoke(asked, token)`: RFC 7009, if the library can.
export async function answer({ get, error, call = plain, revoke }) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await one(JSON.parse(line))))
  }

  async function one(asked) {
    let token
    try {
      token = await get(asked)
    } catch (thrown) {
      const told = await error(thrown)
      return told ? { error: told } : { broken: String(thrown?.stack ?? thrown) }
    }
    const answer = { token: token.access_token, scope: token.scope, expires_in: token.expires_in }
    try {
      if (asked.api) {
        const response = await call(asked, token.access_token)
        Object.assign(answer, { status: response.status, body: await response.json() })
      }
      if (asked.revoke) await revoke(asked, token.access_token)
    } catch (thrown) {
      const text = await thrown.response?.text()
      answer.broken = `${thrown?.stack ?? thrown} ${text ?? ''}`
    }
    return answer
  }
}

const plain = ({ api }, token) => fetch(api, { headers: { authorization: `Bearer ${token}` } })

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { startChild, type Child } from '../../src/ops/child.js'
import type { UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { connectClient } from '../support/relay-client.js'
import { testFolder } from '../support/relay-store.js'
import { authorOf, type Author } from '../support/signed.js'

/** The relay's program with its second port and its admins, as an operator starts it. */

const program = fileURLToPath(new URL('../../dist/relay/main.js', import.meta.url))
const folder = testFolder()
const children: Child[] = []
let admin: Author
let alice: Author
beforeAll(async () => {
  const engine = await openEngine()
  ;[admin, alice] = [authorOf(engine, 'admin'), authorOf(engine, 'alice')]
})
afterEach(() => Promise.all(children.splice(0).map((child) => child.stop('SIGKILL'))))

const start = (...args: string[]): Child => {
  const child = startChild(program, ['--listen', '127.0.0.1:0', ...args])
  children.push(child)
  return child
}
const nowSec = (): UnixSec => Math.floor(Date.now() / 1000) as UnixSec
interface Line {
  readonly msg: string
  readonly metrics?: string
}
const logOf = (child: Child): Line[] => child.err.map((line) => JSON.parse(line) as Line)

const callAs = async (author: Author, url: string, method: string, ...params: unknown[]): Promise<unknown> => {
  const body = JSON.stringify({ method, params })
  const token = author.sign({
    kind: 27_235,
    created_at: nowSec(),
    tags: [
      ['u', url],
      ['method', 'POST'],
      ['payload', createHash('sha256').update(body).digest('hex')],
    ],
  })
  const response = await fetch(url.replace('ws', 'http'), {
    method: 'POST',
    headers: { 'content-type': 'application/nostr+json+rpc', authorization: `Nostr ${btoa(JSON.stringify(token))}` },
    body,
  })
  return response.json()
}

it('serves metrics and health where --metrics says, and tells its log where that is', async () => {
  const child = start('--db', ':memory:', '--metrics', '127.0.0.1:0')
  const url = (await child.line(/^ready /)).slice(6)
  const client = await connectClient(url)
  await client.publish(alice.sign({ created_at: nowSec() }))
  const place = logOf(child).find(({ msg }) => msg === 'relay-started')?.metrics ?? ''

  const [metrics, health, ready] = await Promise.all(
    ['/metrics', '/healthz', '/readyz'].map(async (path) => (await fetch(place + path)).text()),
  )

  expect(place).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(metrics).toContain('\nksp_relay_events_accepted_total 1\n')
  expect([health, ready]).toEqual(['alive\n', '{"ready":true,"reasons":[]}\n'])
})

it('opens no second port to other machines unless it is told to, in one clear line', async () => {
  const child = start('--db', ':memory:', '--metrics', '0.0.0.0:0')

  const { code } = await child.ended

  expect(code).toBe(2)
  expect(child.out).toEqual([])
  expect(child.err).toEqual([
    'ksp relay: --metrics 0.0.0.0 is open to other machines: choose 127.0.0.1, or add --metrics-public',
  ])
})

it('is managed by the keys in the file of --admin, and keeps what they decided over a kill', async () => {
  const db = join(folder(), 'relay.sqlite')
  const file = join(folder(), 'admins')
  writeFileSync(file, `${admin.pubkey} # the operator\n`)
  const first = start('--db', db, '--admin', file)
  const url = (await first.line(/^ready /)).slice(6)
  const writer = await connectClient(url)
  await writer.publish(alice.sign({ created_at: nowSec() }))

  const banned = await callAs(admin, url, 'banpubkey', alice.pubkey, 'spam')
  const refused = await callAs(alice, url, 'unbanpubkey', alice.pubkey)
  await first.stop('SIGKILL')
  const second = start('--db', db)
  const reader = await connectClient((await second.line(/^ready /)).slice(6))
  const again = await reader.publish(alice.sign({ created_at: nowSec(), content: 'again' }))

  expect(banned).toEqual({ result: true })
  expect(refused).toEqual({ error: 'this key does not manage this relay' })
  expect(again).toEqual({ accepted: false, reason: 'blocked: this key is banned from this relay' })
  expect(await reader.stored({})).toEqual([])
})

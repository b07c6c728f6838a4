import { afterEach, describe, expect, it } from 'vitest'
import { startRelay, type Relay } from '../../../relay/index.js'
import type { NostrEvent, UnixMs, UnixSec } from '../../../src/core/types.js'
import type { Verifier } from '../../../src/ports.js'
import { connectClient, type RelayClient } from '../../support/relay-client.js'
import { ids } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const trusting: Verifier = { engine: 'none', verify: (proofs) => Promise.resolve(proofs.map(() => true)) }
const [alice, bob] = [paperAuthor('alice'), paperAuthor('bob')]
const open: { relay: Relay; client: RelayClient }[] = []
afterEach(async () => {
  for (const { relay, client } of open.splice(0)) {
    client.socket.terminate()
    await relay.close()
  }
})

const start = async (): Promise<{ relay: Relay; client: RelayClient }> => {
  const clock = { now: () => (NOW * 1000) as UnixMs }
  const publicUrls = ['wss://relay.example']
  const relay = await startRelay({ host: '127.0.0.1', port: 0, db: ':memory:', clock, verifier: trusting, publicUrls })
  const client = await connectClient(relay.url, NOW)
  open.push({ relay, client })
  return { relay, client }
}
const request = (relay: string, age = 10): NostrEvent =>
  alice.sign({ kind: 62, created_at: (NOW - age) as UnixSec, tags: [['relay', relay]] })

describe('a request to vanish', () => {
  it('takes away what its author wrote until then and the gift wraps for it, and nothing else', async () => {
    const { client } = await start()
    const at = (age: number): { created_at: UnixSec } => ({ created_at: (NOW - age) as UnixSec })
    const [old, newer, bobs] = [
      alice.sign(at(20)),
      alice.sign(at(5)),
      bob.sign({ ...at(20), tags: [['p', alice.pubkey]] }),
    ]
    const deletion = alice.sign({ ...at(15), kind: 5, tags: [['e', bobs.id]] })
    const wraps = [alice, bob].map(({ pubkey }) => bob.sign({ ...at(20), kind: 1059, tags: [['p', pubkey]] }))
    for (const event of [old, newer, bobs, deletion, ...wraps]) await client.publish(event)
    await client.authenticate(alice)
    await client.authenticate(bob)
    const vanish = request('ALL_RELAYS')

    expect(await client.publish(vanish)).toEqual({ accepted: true, reason: '' })

    expect(ids(await client.stored({})).sort()).toEqual(ids([newer, bobs, wraps[1]!, vanish]).sort())
    for (const gone of [old, deletion, wraps[0]!]) {
      expect((await client.publish(gone)).reason).toBe(
        'blocked: its author, or whom it is for, asked to vanish from this relay',
      )
    }
  })

  it('is for us where it names one of our URLs, and not where it names others', async () => {
    const { relay, client } = await start()

    expect((await client.publish(request('wss://Relay.example/', 10))).accepted).toBe(true)
    expect((await client.publish(request(relay.url, 11))).accepted).toBe(true)
    expect((await client.publish(request('wss://other.example', 12))).reason).toBe(
      'blocked: the request to vanish does not name this relay',
    )
  })

  it('can not be deleted', async () => {
    const { client } = await start()
    const vanish = request('ALL_RELAYS')
    await client.publish(vanish)

    await client.publish(alice.sign({ kind: 5, created_at: NOW as UnixSec, tags: [['e', vanish.id]] }))

    expect(await client.stored({ kinds: [62] })).toEqual([vanish])
    expect((await client.publish(alice.sign({ created_at: (NOW - 30) as UnixSec }))).accepted).toBe(false)
  })
})

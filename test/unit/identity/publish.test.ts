import { beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../../src/crypto/engine.js'
import { nip44 } from '../../../src/crypto/nip44.js'
import type { HermId, NostrEvent, RelayUrl, UnixSec } from '../../../src/core/types.js'
import { npubOf } from '../../../src/core/nodeinfo.js'
import { localSigner } from '../../../src/identity/local-signer.js'
import { identityTemplates } from '../../../src/identity/profiles.js'
import { publishEvents, type RelayAccess } from '../../../src/identity/publish.js'
import { newSecret, pubkeyOf } from '../../../src/identity/secret-key.js'
import { systemRandom } from '../../../src/ops/system.js'

const A = 'wss://a.example' as RelayUrl
const B = 'wss://b.example' as RelayUrl
const NOW = 1_700_000_000 as UnixSec

describe('the events that make a key known', () => {
  it('are a profile of a bot, the relays, the relays for direct messages, and a Herm’s node-info', () => {
    const info = {
      id: 'herm-a' as HermId,
      npub: npubOf(pubkeyOf(newSecret())),
      endpoint: '',
      capabilities: [],
      kor_namespaces: ['a.b'],
      status: 'active' as const,
    }
    const templates = identityTemplates(
      {
        name: 'herm-a',
        about: 'a host',
        relays: [
          { url: A, read: true, write: true },
          { url: B, read: true, write: false },
          { url: 'wss://c.example' as RelayUrl, read: false, write: true },
        ],
        dmRelays: [A],
        nodeInfo: { info, expiresAt: (NOW + 3_600) as UnixSec },
      },
      NOW,
    )

    expect(templates.map((t) => t.kind)).toEqual([0, 10_002, 10_050, 30_078])
    expect(JSON.parse(templates[0]!.content)).toEqual({ name: 'herm-a', about: 'a host', bot: true })
    expect(templates[1]!.tags).toEqual([
      ['r', A],
      ['r', B, 'read'],
      ['r', 'wss://c.example', 'write'],
    ])
    expect(templates[2]!.tags).toEqual([['relay', A]])
    expect(templates[3]!.tags).toContainEqual(['d', 'ksp-service:herm-a'])
    expect(templates[3]!.tags).toContainEqual(['expiration', String(NOW + 3_600)])
    expect(templates.every((t) => t.created_at === NOW)).toBe(true)
  })

  it('leave out kind 10050 where no relay takes direct messages, which says just that', () => {
    const templates = identityTemplates({ name: 'x', relays: [], dmRelays: [] }, NOW)

    expect(templates.map((t) => t.kind)).toEqual([0])
  })
})

describe('publishing', () => {
  let events: NostrEvent[]
  beforeAll(async () => {
    const signer = localSigner(newSecret(), await openEngine(), nip44, systemRandom)
    events = await Promise.all(
      identityTemplates({ name: 'x', relays: [{ url: A, read: true, write: true }], dmRelays: [A] }, NOW).map((t) =>
        signer.signEvent(t),
      ),
    )
  })

  const access = (over: Partial<RelayAccess>): RelayAccess => ({
    publish: (relay, sent) => Promise.resolve(sent.map(() => ({ relay, ok: true, message: '' }))),
    fetch: (_, ids) => Promise.resolve(events.filter((event) => ids.includes(event.id))),
    ...over,
  })

  it('tells for each relay and event what was accepted and what came back', async () => {
    const rows = await publishEvents(events, [A, B], access({}))

    expect(rows).toHaveLength(6)
    expect(rows[0]).toEqual({ relay: A, kind: 0, id: events[0]!.id, accepted: true, message: '', readBack: true })
    expect(rows.map((row) => row.relay)).toEqual([A, A, A, B, B, B])
  })

  it('believes no OK: what a relay does not give back is not read back', async () => {
    const rows = await publishEvents(events, [A], access({ fetch: () => Promise.resolve([]) }))

    expect(rows.every((row) => row.accepted && !row.readBack)).toBe(true)
  })

  it('keeps the relay’s own words of a refusal, cut where they are endless', async () => {
    const rows = await publishEvents(
      events,
      [A],
      access({
        publish: (relay, sent) =>
          Promise.resolve(sent.map((_, i) => ({ relay, ok: i > 0, message: 'blocked: ' + 'x'.repeat(999) }))),
      }),
    )

    expect(rows[0]).toMatchObject({ accepted: false, readBack: false })
    expect(rows[0]!.message).toMatch(/^blocked: x+$/)
    expect(rows[0]!.message).toHaveLength(200)
    expect(rows[1]).toMatchObject({ accepted: true, readBack: true })
  })

  it('goes on where one relay is away or dies half way, and says so', async () => {
    const rows = await publishEvents(
      events,
      [A, B],
      access({
        publish: (relay, sent) =>
          relay === A
            ? Promise.reject(new Error('no route'))
            : Promise.resolve(sent.map(() => ({ relay, ok: true, message: '' }))),
        fetch: () => Promise.reject(new Error('gone')),
      }),
    )

    expect(rows.slice(0, 3).every((row) => !row.accepted && row.message === 'no route')).toBe(true)
    expect(rows.slice(3).every((row) => row.accepted && !row.readBack)).toBe(true)
  })

  it('counts an event that the relay gave no answer to as not accepted', async () => {
    const rows = await publishEvents(events, [A], access({ publish: () => Promise.resolve([]) }))

    expect(rows.every((row) => !row.accepted && row.message === 'no answer')).toBe(true)
  })
})

import { once } from 'node:events'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Relay, type RelayOptions } from '../../../relay/index.js'
import { bytesOf, hexOf } from '../../../src/core/hex.js'
import { openNegentropy, readNegentropy } from '../../../src/core/negentropy.js'
import { syncSet } from '../../../src/core/negentropy-set.js'
import type { NostrEvent, UnixMs, UnixSec } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import type { Verifier } from '../../../src/ports.js'
import { type Message, type RelayClient } from '../../support/relay-client.js'
import { ids } from '../../support/relay-store.js'
import { authorOf, type Author } from '../../support/signed.js'
import { testRelays } from '../../support/test-relays.js'

const NOW = 1_800_000_000
const trusting: Verifier = { engine: 'none', verify: (proofs) => Promise.resolve(proofs.map(() => true)) }
const o = { hashes: nodeHashes }
let authors: [Author, Author, Author]
let alice: Author
let bob: Author
let carol: Author
const relays = testRelays(NOW)
const { connect } = relays

beforeAll(async () => {
  const engine = await openEngine()
  authors = [authorOf(engine, 'alice'), authorOf(engine, 'bob'), authorOf(engine, 'carol')]
  ;[alice, bob, carol] = authors
})
const start = (over: Partial<RelayOptions> = {}): Promise<Relay> => relays.start({ verifier: trusting, ...over })
const note = (n: number, tags: string[][] = [], by = alice): NostrEvent =>
  by.sign({ content: String(n), created_at: (NOW - n) as UnixSec, tags })
const wrapFor = (to: Author, n = 1): NostrEvent =>
  carol.sign({ kind: 1059, tags: [['p', to.pubkey]], created_at: (NOW - n) as UnixSec })

/** The first of these verbs that comes for this id. */
const either = async (client: RelayClient, id: string, ...verbs: string[]): Promise<Message> => {
  for (;;) {
    const come = client.heard.find((message) => verbs.includes(message[0]) && message[1] === id)
    if (come !== undefined) return client.take(come[0], id)
    await once(client.socket, 'message')
  }
}
const count = async (client: RelayClient, ...filters: unknown[]): Promise<unknown> => {
  client.send('COUNT', 'how many', ...filters)
  return (await either(client, 'how many', 'COUNT', 'CLOSED'))[2]
}
/** What a client that has `mine` is told to fetch. */
const needOf = async (client: RelayClient, filter: unknown, mine: NostrEvent[] = []): Promise<string[]> => {
  const set = syncSet(mine.map((event) => ({ time: event.created_at, id: bytesOf(event.id)! })))
  const need: string[] = []
  client.send('NEG-OPEN', 'sync', filter, hexOf(openNegentropy(set, o)))
  for (;;) {
    const [verb, , said] = await either(client, 'sync', 'NEG-MSG', 'NEG-ERR')
    if (verb === 'NEG-ERR') throw new Error(String(said))
    const read = readNegentropy(set, bytesOf(String(said))!, o)
    if (!read.ok) throw new Error(read.refusal.message)
    need.push(...read.value.need)
    if (read.value.next === undefined) break
    client.send('NEG-MSG', 'sync', hexOf(read.value.next))
  }
  client.send('NEG-CLOSE', 'sync')
  return need.sort()
}

describe('COUNT', () => {
  it('counts what any of the filters asks for, each event once and whatever the limit', async () => {
    const client = await connect(await start())
    for (let n = 0; n < 20; n++) await client.publish(note(n, n % 2 === 0 ? [['t', 'even']] : []))

    expect(await count(client, {})).toEqual({ count: 20 })
    expect(await count(client, { '#t': ['even'], limit: 3 })).toEqual({ count: 10 })
    expect(await count(client, { '#t': ['even'] }, { since: NOW - 9 })).toEqual({ count: 15 })
    expect(await count(client, { authors: [alice.pubkey], '#t': ['even'] })).toEqual({ count: 10 })
    expect(await count(client, { ids: [] })).toEqual({ count: 0 })
  })

  it('leaves out what has expired and what may not be read', async () => {
    let nowSec = NOW
    const relay = await start({ clock: { now: () => (nowSec * 1000) as UnixMs } })
    const [nobody, recipient] = [await connect(relay), await connect(relay, bob)]
    await nobody.publish(note(1, [['expiration', String(NOW + 5)]]))
    await nobody.publish(wrapFor(bob))
    await nobody.publish(note(2))
    nowSec += 5

    expect(await count(nobody, {})).toEqual({ count: 1 })
    expect(await count(recipient, {})).toEqual({ count: 2 })
  })

  it('is refused with CLOSED, and leaves a subscription of that name alone', async () => {
    const client = await connect(await start())
    client.send('REQ', 'how many', {})
    await client.take('EOSE')

    expect(await count(client, { kinds: [1059] })).toMatch(/^auth-required: /)
    expect(await count(client)).toBe('invalid: COUNT needs at least one filter')
    expect(await count(client, { ids: ['x'] })).toMatch(/^invalid: /)
    const event = note(1)
    await client.publish(event)
    expect((await client.take('EVENT', 'how many'))[2]).toEqual(event)
  })
})

describe('NEG', () => {
  it('tells a client what it lacks, and only that', async () => {
    const client = await connect(await start({ limits: { maxSyncFrameBytes: 4_096 } }))
    const events = Array.from({ length: 300 }, (_, n) => note(n))
    for (const event of events) await client.publish(event)

    const need = await needOf(client, { kinds: [1] }, [...events.slice(0, 100), ...events.slice(120, 290), note(999)])

    expect(need).toEqual(ids([...events.slice(100, 120), ...events.slice(290)]).sort())
  })

  it('leaves out what has expired, was deleted, is ephemeral or may not be read', async () => {
    let nowSec = NOW
    const relay = await start({ clock: { now: () => (nowSec * 1000) as UnixMs } })
    const [nobody, recipient] = [await connect(relay), await connect(relay, bob)]
    const [kept, gone, wrap] = [note(1), note(2), wrapFor(bob)]
    const deletion = alice.sign({ kind: 5, tags: [['e', gone.id]] })
    const expiring = note(3, [['expiration', String(NOW + 5)]])
    for (const event of [kept, gone, deletion, expiring, alice.sign({ kind: 20_000 }), wrap])
      await nobody.publish(event)
    nowSec += 5

    expect(await needOf(nobody, {})).toEqual(ids([kept, deletion]).sort())
    expect(await needOf(recipient, {})).toEqual(ids([kept, deletion, wrap]).sort())
    expect(await needOf(recipient, { kinds: [1059] })).toEqual([wrap.id])
    await expect(needOf(nobody, { kinds: [1059] })).rejects.toThrow(/^auth-required: /)
  })

  it('has ids of its own: a subscription of the same name lives on', async () => {
    const client = await connect(await start())
    client.send('REQ', 'sync', {})
    await client.take('EOSE')
    await needOf(client, {})
    const event = note(1)
    await client.publish(event)

    expect((await client.take('EVENT', 'sync'))[2]).toEqual(event)
  })

  it.each<[string, unknown[], RegExp]>([
    ['what is not open', ['NEG-MSG', 'x', '61'], /^closed: /],
    ['no hex', ['NEG-OPEN', 'x', {}, 'zz'], /^invalid: /],
    ['no message', ['NEG-OPEN', 'x', {}], /^invalid: /],
    ['no filter', ['NEG-OPEN', 'x', 5, '61'], /^invalid: /],
    ['another protocol', ['NEG-OPEN', 'x', {}, '00'], /^invalid: negentropy/],
  ])('answers NEG-ERR to %s', async (_, message, reason) => {
    const client = await connect(await start())

    client.send(...message)

    expect((await client.take('NEG-ERR', 'x'))[2]).toMatch(reason)
  })

  it('is refused where more matches than may be compared, and there is room again after', async () => {
    const relay = await start({ limits: { maxSyncItems: 5, maxSyncItemsInAll: 8, maxSyncs: 2 } })
    const client = await connect(relay)
    for (let n = 0; n < 6; n++) await client.publish(note(n))
    const opening = hexOf(openNegentropy(syncSet([]), o))

    await expect(needOf(client, {})).rejects.toThrow('blocked: more than 5 events; ask for less')
    for (let round = 0; round < 3; round++) expect(await needOf(client, { limit: 5 })).toHaveLength(5)
    client.send('NEG-OPEN', 'one', { limit: 5 }, opening)
    await client.take('NEG-MSG', 'one')
    client.send('NEG-OPEN', 'two', { limit: 5 }, opening)
    expect((await client.take('NEG-ERR', 'two'))[2]).toBe('blocked: too many events are being compared; try again')
    client.send('NEG-CLOSE', 'one')
    expect(await needOf(client, { limit: 5 })).toHaveLength(5)
  })

  it('answers one message at a time, each in its turn: a packet full of them would be one long turn', async () => {
    const relay = await start()
    const client = await connect(relay)
    for (let n = 0; n < 3; n++) await client.publish(note(n))
    const opening = hexOf(openNegentropy(syncSet([]), o))
    client.send('NEG-OPEN', 'n', {}, opening)
    await client.take('NEG-MSG', 'n')

    const { _socket: tcp } = client.socket as unknown as { _socket: Socket }
    tcp.cork()
    for (let i = 0; i < 3; i++) client.send('NEG-MSG', 'n', opening)
    client.send('REQ', 'after', { limit: 1 })
    tcp.uncork()
    await client.take('EOSE', 'after')

    const answers = client.heard.filter(([verb]) => verb.startsWith('NEG'))
    expect(answers).toEqual([
      ['NEG-ERR', 'n', 'invalid: wait for the answer to one message before you send the next'],
      ['NEG-ERR', 'n', 'closed: it is not open'],
    ])
    expect(await needOf(client, {})).toHaveLength(3)
  })

  it('that is closed before its turn came takes no place in the queue, nor its first message memory', async () => {
    const relay = await start({ limits: { maxQueuedJobs: 2 } })
    const client = await connect(relay)
    await client.publish(note(1))
    const opening = hexOf(openNegentropy(syncSet([]), o))

    // In one packet, so that no turn comes in between.
    const { _socket: tcp } = client.socket as unknown as { _socket: Socket }
    tcp.cork()
    for (let i = 0; i < 6; i++) {
      client.send('NEG-OPEN', `closed-${i}`, {}, opening)
      client.send('NEG-CLOSE', `closed-${i}`)
    }
    client.send('NEG-OPEN', 'last', {}, opening)
    tcp.uncork()

    expect((await either(client, 'last', 'NEG-MSG', 'NEG-ERR'))[0]).toBe('NEG-MSG')
  })
})

it('no event leaves to whom it is not for, by any way, whoever asks for what', { timeout: 60_000 }, async () => {
  const relay = await start()
  const viewers = [
    { keys: [], client: await connect(relay) },
    ...(await Promise.all(
      authors.map(async (author) => ({ keys: [author.pubkey], client: await connect(relay, author) })),
    )),
    { keys: [alice.pubkey, bob.pubkey], client: await connect(relay, alice, bob) },
  ]
  const writer = await connect(relay)
  for (const { client } of viewers) {
    client.send('REQ', 'live', {})
    client.send('REQ', 'zero', { limit: 0 })
    await client.take('EOSE', 'live')
    await client.take('EOSE', 'zero')
  }
  const person = fc.integer({ min: 0, max: 2 })
  const eventArbitrary = fc.record({
    by: person,
    to: fc.array(person, { maxLength: 2 }),
    kind: fc.constantFrom(1, 1059, 1059, 21_059, 30_078),
    age: fc.integer({ min: 0, max: 5 }),
  })
  let serial = 0

  await fc.assert(
    fc.asyncProperty(fc.array(eventArbitrary, { minLength: 1, maxLength: 4 }), async (recipes) => {
      const events = recipes.map(({ by, to, kind, age }) =>
        authors[by]!.sign({
          kind,
          created_at: (NOW - age) as UnixSec,
          tags: [['d', String(++serial)], ...to.map((i) => ['p', authors[i]!.pubkey])],
        }),
      )
      for (const event of events) await writer.publish(event)

      for (const { keys, client } of viewers) {
        const filters = [{}, { ids: ids(events) }, { kinds: [1, 1059, 21_059] }, { '#p': [alice.pubkey, bob.pubkey] }]
        const stored = await Promise.all(filters.map((filter) => client.stored(filter)))
        const need = await needOf(client, { ids: ids(events) })
        const counted = await count(client, { ids: ids(events) })
        const seen = JSON.stringify([stored, need, client.heard])
        const isPrivate = ({ kind }: NostrEvent): boolean => kind === 1059 || kind === 21_059
        const readable = events.filter(
          (e) => !isPrivate(e) || e.tags.some((t) => t[0] === 'p' && keys.some((k) => k === t[1])),
        )

        for (const event of events) expect(seen.includes(event.id)).toBe(readable.includes(event))
        expect(counted).toEqual({ count: readable.filter(({ kind }) => kind !== 21_059).length })
      }
    }),
    { numRuns: 25 },
  )
})

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { startChild, type Child } from '../../src/ops/child.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import type { CryptoEngine } from '../../src/ports.js'
import { connectClient, type RelayClient } from '../support/relay-client.js'
import { ids, testFolder } from '../support/relay-store.js'
import { authorOf, type Author } from '../support/signed.js'

const program = fileURLToPath(new URL('../../dist/relay/main.js', import.meta.url))
const NOW = Math.floor(Date.now() / 1000)

let engine: CryptoEngine
let relay: Child
let url: string
let authors = 0
const clients: RelayClient[] = []

beforeAll(async () => {
  engine = await openEngine()
  relay = startChild(program, ['--listen', '127.0.0.1:0', '--db', ':memory:', '--name', 'relay under test'])
  url = (await relay.line(/^ready /)).slice('ready '.length)
})
afterAll(() => relay.stop())
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
})

/** A new one for each test: tests share a relay, and keep apart by their authors. */
const newAuthor = (): Author => authorOf(engine, `author ${++authors}`)
const connect = async (to = url): Promise<RelayClient> => {
  const client = await connectClient(to)
  clients.push(client)
  return client
}
const at = (seconds: number): UnixSec => (NOW + seconds) as UnixSec
const eventsOf = (client: RelayClient, subscription: string): NostrEvent[] =>
  client.heard.filter((m) => m[0] === 'EVENT' && m[1] === subscription).map((m) => m[2] as NostrEvent)

describe('EVENT', () => {
  it('is answered OK true, is served as it came, and a second time is a duplicate', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const event = alice.sign({ created_at: at(0), content: 'é 😀 \u0001 "\\', tags: [['t', 'x']] })

    expect(await client.publish(event)).toEqual({ accepted: true, reason: '' })
    expect(await client.publish(event)).toEqual({ accepted: true, reason: 'duplicate: already have this event' })
    expect(await client.stored({ ids: [event.id] })).toEqual([event])
  })

  it('loses members that are not of NIP-01 on the way', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const event = alice.sign({ created_at: at(0) })
    await client.publish({ ...event, extra: 'x' })

    expect(await client.stored({ ids: [event.id] })).toEqual([event])
  })

  it('is answered OK false and invalid: where it is forged, late, early or of no shape', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const event = alice.sign({ created_at: at(0) })
    const other = alice.sign({ created_at: at(0), content: 'other' })
    const bad: [unknown, string][] = [
      [{ ...event, sig: other.sig }, 'invalid: the signature does not hold'],
      [{ ...event, content: 'changed' }, 'invalid: id is not the hash of the event'],
      [{ ...event, kind: 65_536 }, 'invalid: kind is not a number from 0 to 65535'],
      [{ ...event, created_at: 1.5 }, 'invalid: created_at is not a whole number of seconds'],
      [{ ...event, pubkey: alice.pubkey.toUpperCase() }, 'invalid: pubkey is not 64 lowercase hex'],
      [{ ...event, tags: [[1]] }, 'invalid: a tag is not a list of strings'],
      [alice.sign({ created_at: at(7_200) }), "invalid: created_at is more than 3600 s ahead of this relay's clock"],
      [alice.sign({ created_at: at(0), tags: [['expiration', String(NOW - 1)]] }), 'invalid: the event has expired'],
      [
        alice.sign({ kind: 30_078, created_at: at(0), tags: [['expiration', String(NOW - 1)]] }),
        'invalid: the event has expired',
      ],
    ]

    for (const [wrong, reason] of bad) expect(await client.publish(wrong)).toEqual({ accepted: false, reason })

    expect(await client.stored({ authors: [alice.pubkey] })).toEqual([])
  })

  it('is taken when it is two days old, as gift wraps are', async () => {
    const client = await connect()

    expect(await client.publish(newAuthor().sign({ kind: 1059, created_at: at(-172_800) }))).toMatchObject({
      accepted: true,
    })
  })

  it('that is longer than a message may be is refused by name; far longer, the connection ends', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const long = alice.sign({ created_at: at(0), content: 'x'.repeat(1_100_000) })

    const answer = await client.publish(long)
    client.send('EVENT', alice.sign({ content: 'x'.repeat(2_200_000) }))

    expect(answer.accepted).toBe(false)
    expect(answer.reason).toMatch(/^invalid: the message has \d+ bytes; at most 1048576$/)
    expect(await client.closed).toBe(1009)
  })

  it('keeps its order of arrival out of what is served: replaceable and addressable, lowest id on ties', async () => {
    const client = await connect()
    for (const kind of [0, 10_002, 30_078]) {
      const alice = newAuthor()
      const tags = [['d', 'x']]
      const old = alice.sign({ kind, tags, created_at: at(-9) })
      const tied = ['a', 'b'].map((content) => alice.sign({ kind, tags, content, created_at: at(-5) }))
      const [low, high] = tied.sort((a, b) => (a.id < b.id ? -1 : 1))

      await client.publish(high)
      await client.publish(low)
      const again = await client.publish(high)
      const older = await client.publish(old)

      const held = { accepted: true, reason: 'duplicate: already have a newer version of this event' }
      expect([again, older]).toEqual([held, held])
      expect(await client.stored({ authors: [alice.pubkey] })).toEqual([low])
    }
  })

  it('of kind 5 deletes its author’s events, those to come too, and stays served', async () => {
    const [client, alice, bob] = [await connect(), newAuthor(), newAuthor()]
    const [first, second] = ['1', '2'].map((content) => alice.sign({ created_at: at(-9), content }))
    const addressed = alice.sign({ kind: 30_078, created_at: at(-9), tags: [['d', 'a:b']] })
    const notHers = bob.sign({ created_at: at(-9) })
    const deletion = alice.sign({
      kind: 5,
      created_at: at(-1),
      tags: [
        ['e', first!.id],
        ['e', second!.id],
        ['e', notHers.id],
        ['a', `30078:${alice.pubkey}:a:b`],
      ],
    })
    for (const event of [first, addressed, notHers, deletion]) await client.publish(event)

    const blocked = { accepted: false, reason: 'blocked: its author deleted this event' }
    expect(await client.publish(second)).toEqual(blocked)
    expect(await client.publish(first)).toEqual(blocked)
    expect(await client.publish(addressed)).toEqual(blocked)
    expect(await client.stored({ authors: [alice.pubkey, bob.pubkey] })).toEqual([deletion, notHers])
  })
})

describe('an ephemeral event', () => {
  it('goes to those who listen, and is not stored', async () => {
    const [listener, sender, alice] = [await connect(), await connect(), newAuthor()]
    listener.send('REQ', 'live', { authors: [alice.pubkey] })
    await listener.take('EOSE', 'live')
    const event = alice.sign({ kind: 20_001, created_at: at(0) })

    expect(await sender.publish(event)).toEqual({ accepted: true, reason: '' })
    expect((await listener.take('EVENT', 'live'))[2]).toEqual(event)
    expect(await sender.publish(event)).toEqual({ accepted: true, reason: 'duplicate: already have this event' })
    expect(await sender.stored({ authors: [alice.pubkey] })).toEqual([])
  })

  it('that nobody hears is mute, and may be tried again', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const event = alice.sign({ kind: 29_999, created_at: at(0) })

    const mute = { accepted: false, reason: 'mute: nobody listens to this ephemeral event' }
    expect(await client.publish(event)).toEqual(mute)
    client.send('REQ', 'live', { kinds: [29_999] })
    await client.take('EOSE', 'live')
    expect(await client.publish(event)).toEqual({ accepted: true, reason: '' })
  })
})

describe('REQ', () => {
  it('gets what is stored newest first with the lowest id first, one EOSE, then what is new', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const old = [0, 1, 2, 3].map((i) => alice.sign({ created_at: at(-100 + Math.floor(i / 2)), content: String(i) }))
    for (const event of old) await client.publish(event)
    client.send('REQ', 'sub', { authors: [alice.pubkey] })
    await client.take('EOSE', 'sub')
    const stored = eventsOf(client, 'sub')

    const fresh = alice.sign({ created_at: at(-200) })
    await client.publish(fresh)
    await client.publish(fresh)
    await client.publish(newAuthor().sign({ created_at: at(0) }))

    const order = [...old].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
    expect(ids(stored)).toEqual(ids(order))
    expect(ids(eventsOf(client, 'sub'))).toEqual([...ids(order), fresh.id])
    expect(client.heard.filter((m) => m[0] === 'EOSE')).toEqual([])
  })

  it('gets an event once, stored and live, also where it fits two filters', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const events = ['1', '2'].map((content) => alice.sign({ created_at: at(0), content, tags: [['t', content]] }))
    await client.publish(events[0])
    client.send('REQ', 'sub', { authors: [alice.pubkey] }, { authors: [alice.pubkey], kinds: [1], '#t': ['1', '2'] })
    await client.take('EOSE', 'sub')

    await client.publish(events[1])

    expect(ids(eventsOf(client, 'sub'))).toEqual(ids(events))
  })

  it('loses and doubles nothing between the stored and the live part, however busy it is', async () => {
    const [writer, reader, alice] = [await connect(), await connect(), newAuthor()]
    const total = 600
    const events = Array.from({ length: total }, (_, i) => alice.sign({ created_at: at(-1 - i), content: String(i) }))
    const written: Promise<unknown>[] = []
    const subscriptions: string[] = []
    for (const [i, event] of events.entries()) {
      written.push(writer.publish(event))
      if (i % 60 !== 30) continue
      // By now some are stored, some on their way, and most still to be sent.
      await written[i - 20]
      subscriptions.push(`sub-${i}`)
      reader.send('REQ', `sub-${i}`, { authors: [alice.pubkey] })
    }
    await Promise.all(written)
    // Whoever hears the last event after the last commit has heard all that was before it.
    const last = alice.sign({ created_at: at(0), content: 'last' })
    await writer.publish(last)
    for (const id of subscriptions) await reader.take('EOSE', id)
    const everything = await reader.stored({ authors: [alice.pubkey] })

    expect(everything).toHaveLength(total + 1)
    for (const id of subscriptions) {
      expect(ids(eventsOf(reader, id)).sort()).toEqual(ids([...events, last]).sort())
    }
    expect(reader.heard.filter((m) => m[0] === 'EOSE')).toEqual([])
  })

  it('takes no more than its limit of what is stored; limit 0 gets EOSE at once and then what is new', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const old = [1, 2, 3].map((i) => alice.sign({ created_at: at(-i) }))
    for (const event of old) await client.publish(event)
    client.send('REQ', 'none', { authors: [alice.pubkey], limit: 0 })
    client.send('REQ', 'one', { authors: [alice.pubkey], limit: 1 })
    await client.take('EOSE', 'none')
    await client.take('EOSE', 'one')

    const fresh = [alice.sign({ created_at: at(0), content: 'a' }), alice.sign({ created_at: at(0), content: 'b' })]
    for (const event of fresh) await client.publish(event)

    expect(ids(eventsOf(client, 'none'))).toEqual(ids(fresh))
    expect(ids(eventsOf(client, 'one'))).toEqual(ids([old[0]!, ...fresh]))
  })

  it('with tags and empty lists means the same for what is live as for what is stored', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    const filters: Record<string, object> = {
      tag: { authors: [alice.pubkey], '#t': ['yes'] },
      noIds: { ids: [] },
      noKinds: { authors: [alice.pubkey], kinds: [] },
      noTags: { authors: [alice.pubkey], '#t': [] },
    }
    for (const [id, filter] of Object.entries(filters)) client.send('REQ', id, filter)
    for (const id of Object.keys(filters)) await client.take('EOSE', id)

    const wanted = alice.sign({ created_at: at(0), tags: [['t', 'yes']] })
    await client.publish(wanted)
    await client.publish(
      alice.sign({
        created_at: at(0),
        tags: [
          ['t', 'no'],
          ['t', 'x', 'yes'],
        ],
      }),
    )

    expect(eventsOf(client, 'tag')).toEqual([wanted])
    expect(client.heard.filter((m) => m[0] === 'EVENT' && m[1] !== 'tag')).toEqual([])
    for (const filter of Object.values(filters).slice(1)) expect(await client.stored(filter)).toEqual([])
  })

  it('of the same id replaces the older one, on its own connection only', async () => {
    const [client, other, alice, bob] = [await connect(), await connect(), newAuthor(), newAuthor()]
    for (const c of [client, other]) {
      c.send('REQ', 'sub', { authors: [alice.pubkey] })
      await c.take('EOSE', 'sub')
    }
    client.send('REQ', 'sub', { authors: [bob.pubkey] })
    await client.take('EOSE', 'sub')

    const [fromAlice, fromBob] = [alice, bob].map((author) => author.sign({ created_at: at(0) }))
    await client.publish(fromAlice)
    await client.publish(fromBob)
    await other.publish(fromBob)

    expect(eventsOf(client, 'sub')).toEqual([fromBob])
    expect(eventsOf(other, 'sub')).toEqual([fromAlice])
  })

  it('hears nothing more after CLOSE, nor after a refused REQ of the same id', async () => {
    const [client, alice] = [await connect(), newAuthor()]
    for (const id of ['closed', 'refused', 'kept']) {
      client.send('REQ', id, { authors: [alice.pubkey] })
      await client.take('EOSE', id)
    }
    client.send('CLOSE', 'closed')
    client.send('REQ', 'refused', { authors: ['not hex'] })

    expect((await client.take('CLOSED', 'refused'))[2]).toBe(
      'invalid: filter: authors is not a list of 64 lowercase hex',
    )
    await client.publish(alice.sign({ created_at: at(0) }))

    expect(client.heard.filter((m) => m[0] === 'EVENT').map((m) => m[1])).toEqual(['kept'])
  })

  it('is CLOSED beyond the limits of subscriptions and filters', async () => {
    const client = await connect()
    for (let i = 0; i < 65; i++) client.send('REQ', `sub-${i}`, { limit: 0 })
    client.send('REQ', 'sub-0', ...Array<object>(17).fill({ limit: 0 }))

    const reason = 'rate-limited: at most 64 subscriptions on one connection'
    expect((await client.take('CLOSED', 'sub-64'))[2]).toBe(reason)
    expect((await client.take('CLOSED', 'sub-0'))[2]).toBe('invalid: at most 16 filters')
  })
})

describe('anything else', () => {
  it('gets a NOTICE, and the connection goes on', async () => {
    const client = await connect()
    client.sendText('hello')
    client.sendText('["ASK","x",{}]')
    client.socket.send(Buffer.from('["REQ"]'))

    const notices = [await client.take('NOTICE'), await client.take('NOTICE'), await client.take('NOTICE')]

    expect(notices.map((m) => m[1])).toEqual([
      'invalid: the message is not JSON',
      'invalid: "ASK" is not a type this relay knows',
      'invalid: messages are text, not binary',
    ])
    expect(await client.stored({ limit: 1, authors: [newAuthor().pubkey] })).toEqual([])
  })
})

describe('the document', () => {
  const http = (): string => url.replace('ws:', 'http:')
  const cors = (response: Response): unknown[] =>
    ['origin', 'headers', 'methods'].map((what) => response.headers.get(`access-control-allow-${what}`))

  it('is at the same address, for browsers too', async () => {
    const response = await fetch(http(), { headers: { accept: 'application/nostr+json' } })
    const document = (await response.json()) as Record<string, unknown>

    expect(response.headers.get('content-type')).toBe('application/nostr+json')
    expect(cors(response)).toEqual(['*', '*', '*'])
    expect(document).toMatchObject({
      name: 'relay under test',
      supported_nips: [1, 9, 11, 13, 17, 40, 42, 45, 59, 62, 67, 70, 77],
    })
    expect(document['limitation']).toEqual({
      max_message_length: 1_048_576,
      max_subscriptions: 64,
      max_filters: 16,
      max_limit: 5_000,
      default_limit: 5_000,
      max_subid_length: 64,
      max_event_tags: 2_000,
      max_content_length: 786_432,
      min_pow_difficulty: 0,
      auth_required: false,
      payment_required: false,
      restricted_writes: false,
      created_at_upper_limit: 3_600,
    })
  })

  it('answers a preflight, and a person who looks with a browser', async () => {
    const preflight = await fetch(http(), { method: 'OPTIONS' })
    const page = await fetch(http())
    const post = await fetch(http(), { method: 'POST' })

    expect([preflight.status, page.status, post.status]).toEqual([204, 200, 405])
    expect([...cors(preflight), ...cors(page)]).toEqual(Array(6).fill('*'))
    expect(await page.text()).toBe('relay under test: a Nostr relay. Connect with a Nostr client over WebSocket.\n')
  })
})

describe('a relay that is killed', () => {
  const folder = testFolder()

  it('has every event that it said OK true to', async () => {
    const db = join(folder(), 'relay.sqlite')
    const alice = newAuthor()
    const events = Array.from({ length: 1_500 }, (_, i) => alice.sign({ created_at: at(-1), content: String(i) }))
    const first = startChild(program, ['--listen', '127.0.0.1:0', '--db', db])
    const writers = await Promise.all([1, 2, 3].map(async () => connect((await first.line(/^ready /)).slice(6))))
    const promised: string[] = []
    let enough: () => void = () => undefined
    const half = new Promise<void>((resolve) => {
      enough = resolve
    })
    const answers = events.map(async (event, i) => {
      const { accepted } = await writers[i % 3]!.publish(event)
      if (accepted === true && promised.push(event.id) === 500) enough()
    })
    const settled = Promise.allSettled(answers)
    await half
    await first.stop('SIGKILL')
    await settled

    const second = startChild(program, ['--listen', '127.0.0.1:0', '--db', db])
    const reader = await connect((await second.line(/^ready /)).slice(6))
    const found = new Set<string>()
    for (let i = 0; i < promised.length; i += 500) {
      for (const event of await reader.stored({ ids: promised.slice(i, i + 500) })) found.add(event.id)
    }
    await second.stop()

    expect(promised.length).toBeGreaterThanOrEqual(500)
    expect(promised.length).toBeLessThan(events.length)
    expect(promised.filter((id) => !found.has(id))).toEqual([])
  })
})

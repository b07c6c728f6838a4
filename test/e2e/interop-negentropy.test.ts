import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NostrEvent, Pubkey, UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import {
  MAKES,
  newKey,
  nowSec,
  startForeign,
  type ForeignClient,
  type ForeignKey,
  type Make,
} from '../support/foreign-client.js'
import { connectClient, type RelayClient } from '../support/relay-client.js'
import { ids } from '../support/relay-store.js'
import { startRelayProcess } from '../support/relay-process.js'
import { authorOf, type Author } from '../support/signed.js'

/**
 * NIP-77 between the bundled relay and clients of other makes: whatever both sides hold, both hold all of it after. The one
 * of rust-nostr shares no code with the others.
 */
const NOW = nowSec()
const MANY = 20_000
/** In one filter of a REQ there may be so many ids. */
const CHUNK = 500

let author: Author
let url: string
let writer: RelayClient
const toStop: (() => Promise<unknown>)[] = []
let kinds = 1_000

beforeAll(async () => {
  author = authorOf(await openEngine(), 'alice')
  const relay = await startRelayProcess()
  toStop.push(() => relay.child.stop('SIGKILL'))
  url = relay.url
  writer = await connectClient(url)
})
afterAll(() => Promise.all(toStop.splice(0).map((stop) => stop())))

const start = async (make: Make, key: ForeignKey = newKey()): Promise<ForeignClient> => {
  const client = await startForeign(make, url, key)
  toStop.push(() => client.stop())
  return client
}

/** Events of a kind of their own, so that one relay serves all tests; `perSec` of them share each second. */
const makeEvents = (count: number, perSec: number, kind = ++kinds): NostrEvent[] =>
  Array.from({ length: count }, (_, n) =>
    author.sign({ kind, content: String(n), created_at: (NOW - 10 - Math.floor(n / perSec)) as UnixSec }),
  )

/** As many at once as the relay lets wait for their answers. */
const publishAll = async (events: readonly NostrEvent[]): Promise<void> => {
  for (let at = 0; at < events.length; at += 200) {
    const answers = await Promise.all(events.slice(at, at + 200).map((event) => writer.publish(event)))
    expect(answers.every(({ accepted }) => accepted === true)).toBe(true)
  }
}

const heldByRelay = async (events: readonly NostrEvent[]): Promise<string[]> => {
  const held: string[] = []
  for (let at = 0; at < events.length; at += CHUNK) {
    held.push(...ids(await writer.stored({ ids: ids(events.slice(at, at + CHUNK)) })))
  }
  return held.sort()
}

describe.each(MAKES)('%s and the bundled relay', { timeout: 120_000 }, (make) => {
  it.each([
    { what: 'both have nothing', all: 0, perSec: 1, relay: [0, 0], client: [0, 0] },
    { what: 'the relay has one', all: 1, perSec: 1, relay: [0, 1], client: [0, 0] },
    { what: 'the client has one', all: 1, perSec: 1, relay: [0, 0], client: [0, 1] },
    { what: 'both have the same one', all: 1, perSec: 1, relay: [0, 1], client: [0, 1] },
    { what: 'the relay has a thousand', all: 1_000, perSec: 7, relay: [0, 1_000], client: [0, 0] },
    { what: 'the client has a thousand', all: 1_000, perSec: 7, relay: [0, 0], client: [0, 1_000] },
    { what: 'the relay has more', all: 1_000, perSec: 1, relay: [0, 1_000], client: [300, 900] },
    { what: 'the client has more', all: 1_000, perSec: 1, relay: [300, 900], client: [0, 1_000] },
    { what: 'both differ', all: 1_000, perSec: 3, relay: [0, 800], client: [150, 1_000] },
    { what: 'both differ in one second', all: 1_000, perSec: 1_000, relay: [0, 800], client: [150, 1_000] },
  ])('end with the same events where $what', async ({ all, perSec, relay, client }) => {
    const events = makeEvents(all, perSec)
    const [theirs, ours] = [events.slice(...relay), events.slice(...client)]
    await publishAll(theirs)
    const peer = await start(make)

    const synced = await peer.sync({ kinds: [kinds] }, ours)

    expect(synced.sent).toBe(ours.filter((event) => !theirs.includes(event)).length)
    expect(synced.received).toBe(theirs.filter((event) => !ours.includes(event)).length)
    expect(synced.held.sort()).toEqual(ids(events).sort())
    expect(await heldByRelay(events)).toEqual(ids(events).sort())
    await peer.stop()
  })

  it('sync what is for the client, which is authenticated, and nothing that is for others', async () => {
    const [mine, others] = [newKey(), newKey()]
    const wrapsFor = (to: Pubkey): NostrEvent[] =>
      Array.from({ length: 40 }, (_, n) =>
        author.sign({ kind: 1059, content: String(n), created_at: (NOW - n) as UnixSec, tags: [['p', to]] }),
      )
    const [forMe, forOthers] = [wrapsFor(mine.pubkey), wrapsFor(others.pubkey)]
    await publishAll([...forMe, ...forOthers])
    const [peer, stranger] = [await start(make, mine), await start(make)]
    // Some sign in only when they are asked to.
    await peer.fetch({ kinds: [1059], '#p': [mine.pubkey] })

    const synced = await peer.sync({ kinds: [1059], '#p': [mine.pubkey] }, forMe.slice(0, 10))
    const refused = await stranger.sync({ kinds: [1059], '#p': [mine.pubkey] }, []).catch(() => ({ held: [] }))

    expect(synced.held.sort()).toEqual(ids(forMe).sort())
    expect(refused.held).toEqual([])
    for (const event of forOthers) expect(peer.said.join()).not.toContain(event.id)
    for (const event of forMe) expect(stranger.said.join()).not.toContain(event.id)
  })
})

describe('twenty thousand events', () => {
  let events: NostrEvent[]
  beforeAll(async () => {
    events = makeEvents(MANY, 20)
    await publishAll(events)
  }, 120_000)

  it.each(MAKES)(
    'are compared with %s in several rounds, and both ends have all',
    { timeout: 120_000 },
    async (make) => {
      const kind = events[0]!.kind
      const more = Array.from({ length: 30 }, (_, n) =>
        author.sign({ kind, content: `${make} ${n}`, created_at: (NOW - 10 - 31 * n) as UnixSec }),
      )
      const peer = await start(make)

      const known = events.filter((_, n) => n % 500 !== 7)

      const { sent, received, held } = await peer.sync({ kinds: [kind] }, [...known, ...more])

      expect([sent, received]).toEqual([more.length, events.length - known.length])
      events.push(...more)
      expect(held.sort()).toEqual(ids(events).sort())
      expect(await heldByRelay(events)).toEqual(ids(events).sort())
      await peer.stop()
    },
  )

  it.each(MAKES)('are all named to %s, which has none, in messages of limited size', async (make) => {
    const peer = await start(make)

    const { have, need } = await peer.compare({ kinds: [events[0]!.kind] }, [])

    expect(have).toEqual([])
    expect(need.sort()).toEqual(ids(events).sort())
    await peer.stop()
  })
})

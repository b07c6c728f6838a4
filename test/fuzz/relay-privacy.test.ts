import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { startRelay, type Relay, type RelayOptions } from '../../relay/index.js'
import { openEventStore } from '../../relay/store/store.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, Signature, UnixMs, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { Verifier } from '../../src/ports.js'
import { AUTHORS, makeEvents, NOW, oneIn } from '../../scripts/fuzz-relay/events.js'
import { makeFilters } from '../../scripts/fuzz-relay/filters.js'
import { naiveReadable } from '../../scripts/fuzz-relay/naive.js'
import { chanceOf, type Chance } from '../../scripts/kill9/chance.js'
import { eavesdrop, type Eavesdropper } from '../support/relay-eavesdrop.js'
import { realEvents } from '../support/relay-real-events.js'
import { asIncoming, testFolder } from '../support/relay-store.js'
import { paperAuthor, type Author } from '../support/signed.js'

// Much work on a machine that may have other work; only what hangs is ended by it.
vi.setConfig({ testTimeout: 240_000 })

/**
 * What somebody may not read does not exist for them: two relays are told the same, but one of them is told nothing that the
 * asker may not read, and the asker hears the same of both, byte for byte. Timing apart.
 */

const ROUNDS_PER_SEED = 12
const FIXED_SEEDS = [1, 100_001]
const RANDOM_SEED = randomInt(1_000_000_000)

const folder = testFolder()
const relays: Relay[] = []
const clients: Eavesdropper[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await Promise.all(relays.splice(0).map((relay) => relay.close()))
})

const people: readonly Author[] = AUTHORS.map((_, i) => paperAuthor(`person ${i}`))
const keyOf = (person: number): string => people[person]!.pubkey
/** Only what begins so holds: a copy with another signature is a forgery. */
const GOOD_SIGNATURE = 'ab'
const verifier: Verifier = {
  engine: 'none',
  verify: (proofs) =>
    Promise.resolve(proofs.map(({ sig }) => sig.startsWith(GOOD_SIGNATURE) || sig === '0'.repeat(128))),
}

const start = async (over: Partial<RelayOptions> = {}): Promise<Relay> => {
  const clock = { now: () => (NOW * 1_000) as UnixMs }
  const metrics = { host: '127.0.0.1', port: 0 }
  const options = { host: '127.0.0.1', port: 0, db: ':memory:', clock, verifier, metrics }
  const relay = await startRelay({ ...options, ...over })
  relays.push(relay)
  return relay
}
const connect = async (relay: Relay, ...persons: number[]): Promise<Eavesdropper> => {
  const client = await eavesdrop(relay.url, NOW)
  clients.push(client)
  for (const person of persons) await client.authenticate(people[person]!)
  return client
}

/** Each has a content and a signature that stand nowhere else, and half of the gift wraps a key that is used once. */
const markedEvents = (chance: Chance, seed: number): NostrEvent[] => {
  const drafts = makeEvents(chance, 15 + chance.below(20), { withVanish: oneIn(chance, 4), secret: true })
  const isThrowAway = new Map(
    drafts.map(({ id, kind }) => [id, (kind === 1_059 || kind === 21_059) && oneIn(chance, 2)]),
  )
  return realEvents(drafts, {
    authors: people,
    nowSec: NOW,
    content: ({ id }) => `content of ${seed} ${id}`,
    otherAuthor: ({ id }) => (isThrowAway.get(id) === true ? paperAuthor(`throw-away ${seed} ${id}`) : undefined),
  }).map((event) => ({ ...event, sig: signatureOf(event) }))
}
const signatureOf = ({ id }: NostrEvent): Signature =>
  `${GOOD_SIGNATURE}${nodeHashes.sha256Hex(id)}${nodeHashes.sha256Hex(`2 ${id}`)}`.slice(0, 128) as Signature

interface Round {
  readonly events: readonly NostrEvent[]
  /** Persons whose keys the asker has. */
  readonly viewer: readonly number[]
  /** Absent: everybody may read. */
  readonly readers?: readonly number[]
  /** What listens from the start. */
  readonly listening: readonly (readonly Filter[])[]
  /** What is asked after so many events. */
  readonly questions: readonly { readonly after: number; readonly filters: readonly Filter[] }[]
}

const makeRound = (seed: number): Round => {
  const chance = chanceOf(seed)
  const events = markedEvents(chance, seed)
  const about = { authors: people.map(({ pubkey }) => pubkey), nowSec: NOW }
  const filters = (): Filter[] => makeFilters(chance, events, about)
  const ends = { after: events.length }
  return {
    events,
    viewer: people.map((_, i) => i).filter(() => oneIn(chance, 4)),
    ...(oneIn(chance, 5) ? { readers: people.map((_, i) => i).filter(() => oneIn(chance, 2)) } : {}),
    listening: [
      [{}],
      [{ limit: 0 }],
      [{ kinds: [1_059, 21_059], limit: 0 }],
      [{ '#p': about.authors }],
      filters(),
      filters(),
    ],
    questions: [
      ...Array.from({ length: 6 }, () => ({ after: chance.below(events.length), filters: filters() })),
      ...Array.from({ length: 6 }, () => ({ ...ends, filters: filters() })),
      // The very ids, one by one and with a limit: whether there is more beyond must not tell.
      ...[{}, { limit: 0 }, { limit: 1 }, { limit: 3 }, { kinds: [1_059] }, { kinds: [1, 1_059], limit: 1 }].map(
        (filter) => ({
          ...ends,
          filters: [filter],
        }),
      ),
      { ...ends, filters: [{ ids: events.map(({ id }) => id) }] },
      { ...ends, filters: [{ ids: events.map(({ id }) => id), limit: 2 }] },
      { ...ends, filters: [{ authors: events.map(({ pubkey }) => pubkey) }] },
      { ...ends, filters: [{ '#p': about.authors, limit: 2 }, { kinds: [0] }] },
    ].sort((a, b) => a.after - b.after),
  }
}

interface Heard {
  readonly bytes: Buffer
  readonly transcript: readonly string[]
  /** By those who may ask for them: the public port without WebSocket, and the port for metrics. */
  readonly pages: string
  readonly metrics: string
}

/** One relay is told what `isTold`, and one asker asks it everything. */
const hear = async (round: Round, isTold: (event: NostrEvent) => boolean): Promise<Heard> => {
  const readers = round.readers?.map(keyOf)
  const file = join(folder(), 'readers.txt')
  if (readers !== undefined) writeFileSync(file, readers.join('\n'))
  const relay = await start(readers === undefined ? {} : { allowRead: file })
  const writer = await connect(relay, ...people.keys())
  const viewer = await connect(relay, ...round.viewer)
  for (const [i, filters] of round.listening.entries()) await viewer.ask('REQ', `live ${i}`, ...filters)

  let asked = 0
  const askAfter = async (events: number): Promise<void> => {
    for (; (round.questions[asked]?.after ?? Infinity) <= events; asked++) {
      const { filters } = round.questions[asked]!
      await viewer.settled()
      await viewer.ask('REQ', `query ${asked}`, ...filters)
      await viewer.ask('COUNT', `count ${asked}`, ...filters)
      for (const [i, filter] of filters.entries()) await viewer.sync(`sync ${asked} ${i}`, filter)
    }
  }
  for (const [i, event] of round.events.entries()) {
    await askAfter(i)
    if (isTold(event)) await writer.publish(event)
  }
  await askAfter(round.events.length)
  await viewer.settled()

  const page = async (path: string, accept: string): Promise<string> => {
    const answer = await fetch(relay.url.replace('ws:', 'http:') + path, { headers: { accept } })
    return `${answer.status} ${await answer.text()}`
  }
  const pages = await Promise.all([
    ...['/', '/metrics', '/healthz', '/readyz'].map((path) => page(path, '*/*')),
    page('/', 'application/nostr+json'),
  ])
  const metrics = await (await fetch(`${relay.metricsUrl!}/metrics`)).text()
  return { bytes: viewer.bytes(), transcript: viewer.transcript(), pages: pages.join('\n'), metrics }
}

/** What can't be taken for anything else: the id as hex and as bytes, the signature, the content, a key that is used once. */
const marksOf = (event: NostrEvent, readable: readonly NostrEvent[]): (string | Buffer)[] => {
  const isKnown =
    people.some(({ pubkey }) => pubkey === event.pubkey) || readable.some(({ pubkey }) => pubkey === event.pubkey)
  // A readable event may name it: a deletion that asks for it, a reply.
  const isNamed = readable.some(({ tags }) => tags.some(([, value]) => value === event.id))
  const id = isNamed ? [] : [event.id, Buffer.from(event.id, 'hex')]
  return [...id, event.sig, event.content, ...(isKnown ? [] : [event.pubkey])]
}

const namesIn = (metrics: string): string[] =>
  metrics
    .split('\n')
    .map((line) => line.replace(/ [^ ]+$/, ''))
    .sort()

const met = { hidden: 0, readable: 0, events: 0, hints: 0, refusals: 0, ofOwnHand: 0 }

describe('what somebody may not read', () => {
  it.each([...FIXED_SEEDS, RANDOM_SEED])('changes no byte of what they hear, seed %i', async (seed) => {
    for (let n = 0; n < ROUNDS_PER_SEED; n++) {
      const again = `seed ${seed + n}`
      const round = makeRound(seed + n)
      const keys = round.viewer.map(keyOf)
      const isReadable = (event: NostrEvent): boolean => naiveReadable(event, keys, round.readers?.map(keyOf))
      const readable = round.events.filter(isReadable)
      const hidden = round.events.filter((event) => !isReadable(event))

      const told = await hear(round, () => true)
      const spared = await hear(round, isReadable)

      expect(told.transcript, again).toEqual(spared.transcript)
      expect(told.pages, again).toBe(spared.pages)
      expect(namesIn(told.metrics), again).toEqual(namesIn(spared.metrics))
      for (const event of hidden) {
        for (const mark of marksOf(event, readable)) {
          expect(told.bytes.includes(mark), `${again}: ${String(mark)}`).toBe(false)
          expect(told.metrics.includes(String(mark)), `${again}: ${String(mark)}`).toBe(false)
        }
      }
      met.hidden += hidden.length
      met.readable += readable.length
      met.ofOwnHand += hidden.filter(({ pubkey }) => keys.includes(pubkey)).length
      met.events += told.transcript.filter((text) => text.startsWith('["EVENT"')).length
      met.hints += told.transcript.filter((text) => text.endsWith('["more"]]') || text.endsWith('["finish"]]')).length
      met.refusals += told.transcript.filter((text) => text.startsWith('["CLOSED"')).length
    }
  })

  it('was there often enough, and so was what they may', () => {
    expect(met.hidden).toBeGreaterThan(150)
    expect(met.ofOwnHand).toBeGreaterThan(5)
    expect(met.readable).toBeGreaterThan(300)
    expect(met.events).toBeGreaterThan(1_000)
    expect(met.hints).toBeGreaterThan(300)
    expect(met.refusals).toBeGreaterThan(50)
  })
})

describe('the answer to EVENT', () => {
  const wrapFor = (person: number): NostrEvent => {
    const event = paperAuthor('sender').sign({
      kind: 1_059,
      created_at: (NOW - 5) as UnixSec,
      tags: [['p', keyOf(person)]],
    })
    return { ...event, sig: signatureOf(event) }
  }
  const forged = (event: NostrEvent): NostrEvent => ({ ...event, sig: 'f'.repeat(128) as Signature })
  const reaction = (): NostrEvent => {
    const event = people[0]!.sign({ kind: 7, created_at: NOW as UnixSec, content: '+', tags: [['e', 'a'.repeat(64)]] })
    return { ...event, sig: signatureOf(event) }
  }

  it('does not tell who guesses at a private event, without its signature, whether they guessed right', async () => {
    const relay = await start()
    const [writer, stranger, recipient] = [await connect(relay, 0), await connect(relay, 2), await connect(relay, 1)]
    const wrap = wrapFor(1)
    const before = await stranger.publish(forged(wrap))
    await writer.publish(wrap)

    expect(await stranger.publish(forged(wrap))).toEqual(before)
    expect(before).toEqual(['OK', wrap.id, false, 'invalid: the signature does not hold'])
    // Who may read it has it already.
    expect((await recipient.publish(wrap))[3]).toMatch(/^duplicate: /)
  })

  it('does not either where only some may read at all: a reaction is guessed easily', async () => {
    const file = join(folder(), 'readers.txt')
    writeFileSync(file, keyOf(0))
    const relay = await start({ allowRead: file })
    const [reader, stranger] = [await connect(relay, 0), await connect(relay)]
    const liked = reaction()
    const before = await stranger.publish(forged(liked))
    await reader.publish(liked)

    expect(await stranger.publish(forged(liked))).toEqual(before)
    expect((await reader.publish(liked))[3]).toMatch(/^duplicate: /)
  })

  it('tells who has the whole of an event only what became of it, and takes a copy for no more than that', async () => {
    const relay = await start()
    const [writer, stranger, recipient] = [await connect(relay, 0), await connect(relay), await connect(relay, 1)]
    const wrap = wrapFor(1)
    await writer.publish(wrap)

    expect((await stranger.publish(wrap)).slice(2)).toEqual([true, 'duplicate: already have this event'])
    const deletion = people[1]!.sign({ kind: 5, created_at: NOW as UnixSec, tags: [['e', wrap.id]] })
    await recipient.publish(deletion)
    expect((await stranger.publish(wrap)).slice(2)).toEqual([false, 'blocked: its author deleted this event'])
  })

  it('to a deletion does not tell whether there was what it names', async () => {
    const relay = await start()
    const [writer, stranger] = [await connect(relay, 0), await connect(relay, 2)]
    const wrap = wrapFor(1)
    await writer.publish(wrap)
    const deletionOf = (id: string): NostrEvent =>
      people[2]!.sign({ kind: 5, created_at: NOW as UnixSec, tags: [['e', id]] })

    const ofIt = await stranger.publish(deletionOf(wrap.id))
    const ofNothing = await stranger.publish(deletionOf('b'.repeat(64)))

    expect(ofIt.slice(2)).toEqual(ofNothing.slice(2))
    expect(await (await connect(relay, 1)).sync('still there', { kinds: [1_059] })).toEqual([wrap.id])
  })
})

describe('the hint at EOSE', () => {
  /** What a stranger is told who brings so much of their own that the search for more may be given up. */
  const hintAfter = async (wraps: number): Promise<unknown> => {
    const db = join(folder(), 'relay.sqlite')
    const notes = Array.from({ length: 1_100 }, (_, n) => people[3]!.sign({ created_at: (NOW - n) as UnixSec }))
    const secrets = Array.from({ length: wraps }, (_, n) =>
      people[0]!.sign({ kind: 1_059, created_at: (NOW - n) as UnixSec, tags: [['p', keyOf(1)]] }),
    )
    const store = openEventStore(db, nodeHashes)
    store.write([...notes, ...secrets].map(asIncoming), NOW as UnixSec)
    store.close()
    const spy = await connect(await start({ db }))
    return (await spy.ask('REQ', 'spying', { authors: [keyOf(3)], '#p': [keyOf(1)], limit: 0 }))[2]
  }

  it('does not depend on how much there is that may not be read, also where the search is given up', async () => {
    // From 200 entries on, the index counts a tag as no better than an author.
    expect(await hintAfter(250)).toEqual(await hintAfter(0))
  })
})

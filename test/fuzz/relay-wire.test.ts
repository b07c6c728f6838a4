import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_TIES } from '../../relay/store/answer.js'
import { withoutLimit } from '../../relay/session/count.js'
import { builtProgram, startChild, type Child } from '../../src/ops/child.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { AUTHORS, makeEvents, oneIn } from '../../scripts/fuzz-relay/events.js'
import { makeFilters } from '../../scripts/fuzz-relay/filters.js'
import { naiveAnswer, naiveMatch, naiveReadable } from '../../scripts/fuzz-relay/naive.js'
import { naiveStored } from '../../scripts/fuzz-relay/naive-state.js'
import { chanceOf } from '../../scripts/kill9/chance.js'
import { eavesdrop, type Eavesdropper } from '../support/relay-eavesdrop.js'
import { realEvents } from '../support/relay-real-events.js'
import { testFolder } from '../support/relay-store.js'
import { authorOf, type Author } from '../support/signed.js'

// Much work on a machine that may have other work; only what hangs is ended by it.
vi.setConfig({ testTimeout: 240_000 })

/** The whole road: signed events, a process, WebSockets, and the negentropy of nostr-tools at the other end. */

const FIXED_SEEDS = [1]
const RANDOM_SEED = randomInt(1_000_000_000)
const EVENTS = 150
const LIVE_QUESTIONS = 12
const RACING_QUESTIONS = 20
const STORED_QUESTIONS = 60
/** Who asks: the persons whose keys they prove. */
const ASKERS: readonly (readonly number[])[] = [[], [0], [1, 2]]
const MAX_LIMIT = 5_000

const folder = testFolder()
const children: Child[] = []
const clients: Eavesdropper[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await Promise.all(children.splice(0).map((child) => child.stop('SIGKILL')))
})

interface Started {
  readonly url: string
  readonly child: Child
}

const start = async (db: string): Promise<Started> => {
  const child = startChild(builtProgram('relay/main.js'), ['--listen', '127.0.0.1:0', '--db', db])
  children.push(child)
  return { url: (await child.line(/^ready /)).slice('ready '.length), child }
}

const connect = async (url: string, nowSec: number, authors: readonly Author[]): Promise<Eavesdropper> => {
  const client = await eavesdrop(url, nowSec)
  clients.push(client)
  for (const author of authors) await client.authenticate(author)
  return client
}

const eventsOf = (client: Eavesdropper, subscription: string): NostrEvent[] =>
  client
    .transcript()
    .filter((text) => text.startsWith(`["EVENT","${subscription}",`))
    .map((text) => (JSON.parse(text) as [string, string, NostrEvent])[2])

const sorted = (events: readonly NostrEvent[]): string[] => events.map(({ id }) => id).sort()

describe('a relay’s process', () => {
  it.each([...FIXED_SEEDS, RANDOM_SEED])('answers as a naive matcher does, live and stored, seed %i', async (seed) => {
    const chance = chanceOf(seed)
    const engine = await openEngine()
    const people = AUTHORS.map((_, i) => authorOf(engine, `person ${i}`))
    const nowSec = Math.floor(Date.now() / 1_000)
    const about = { authors: people.map(({ pubkey }) => pubkey), nowSec }
    const made = realEvents(makeEvents(chance, EVENTS, { withVanish: oneIn(chance, 2) }), { authors: people, nowSec })
    // Two may come out alike.
    const events = [...new Map(made.map((event) => [event.id, event])).values()]
    const keysOf = (asker: number): string[] => ASKERS[asker]!.map((person) => people[person]!.pubkey)
    const readableBy = (asker: number, list: readonly NostrEvent[]): NostrEvent[] =>
      list.filter((event) => naiveReadable(event, keysOf(asker), undefined))
    /** Who asks for what is for others alone is refused, also where one of those events names the asker besides. */
    const isForOthers = (asker: number, filter: Filter): boolean =>
      filter.kinds !== undefined &&
      filter.kinds.every((kind) => kind === 1059 || kind === 21_059) &&
      filter['#p'] !== undefined &&
      !filter['#p'].some((key) => keysOf(asker).includes(key))
    const db = join(folder(), 'relay.sqlite')
    let relay = await start(db)
    const open = (): Promise<Eavesdropper[]> =>
      Promise.all(
        ASKERS.map((persons) =>
          connect(
            relay.url,
            nowSec,
            persons.map((person) => people[person]!),
          ),
        ),
      )
    let askers = await open()

    // Live, in whatever order three writers bring them.
    const listening = Array.from({ length: LIVE_QUESTIONS }, () => makeFilters(chance, events, about))
    const refused = new Set<string>()
    for (const [i, asker] of askers.entries()) {
      for (const [n, filters] of listening.entries()) {
        const [verb] = await asker.ask('REQ', `live-${n}`, ...filters)
        if (verb === 'CLOSED') refused.add(`${i} ${n}`)
      }
    }
    const writers = await Promise.all([0, 1, 2].map(() => connect(relay.url, nowSec, people)))
    const racer = await connect(relay.url, nowSec, [people[0]!])
    const racing = Array.from({ length: RACING_QUESTIONS }, () => makeFilters(chance, events, about).map(withoutLimit))
    const publishing = Promise.all(chance.shuffled(events).map((event, i) => writers[i % 3]!.publish(event)))
    const ends: unknown[] = []
    for (const [n, filters] of racing.entries()) ends.push((await racer.ask('REQ', `race-${n}`, ...filters))[0])
    const answers = await publishing
    const taken = new Set(
      answers.filter(([, , accepted, reason]) => accepted === true && reason === '').map(([, id]) => id),
    )
    await Promise.all([...askers, racer].map((asker) => asker.settled()))

    const held = naiveStored(events, nowSec)
    const heardBySome = new Set<string>()
    for (const [i, asker] of askers.entries()) {
      for (const [n, filters] of listening.entries()) {
        const fitting = readableBy(i, events).filter((event) => filters.some((filter) => naiveMatch(filter, event)))
        const wanted = refused.has(`${i} ${n}`) ? [] : fitting.filter(({ id }) => taken.has(id))
        const heard = eventsOf(asker, `live-${n}`)
        for (const { id } of heard) heardBySome.add(id)
        const again = `${seed}: ${JSON.stringify(filters)}`
        const missed = wanted.filter(({ id }) => !heard.some((event) => event.id === id))
        expect(sorted(heard), again).toEqual(sorted(wanted.filter((event) => !missed.includes(event))))
        // What is gone before the disk has it may be left out; what stays is heard by all.
        expect(
          missed.filter((event) => held.includes(event)),
          again,
        ).toEqual([])
      }
    }
    for (const [, id, accepted, reason] of answers) {
      if (accepted === false && String(reason).startsWith('mute: ')) expect(heardBySome.has(String(id))).toBe(false)
    }

    // Asked for while they came in: nothing twice, nothing lost between what was stored and what was live.
    for (const [n, filters] of racing.entries()) {
      const fitting = naiveAnswer(filters, readableBy(1, events), { maxLimit: Infinity, maxTies: 0 }).events
      const got = sorted(eventsOf(racer, `race-${n}`))
      const again = `seed ${seed}: ${JSON.stringify(filters)}`
      expect(new Set(got).size, again).toBe(got.length)
      expect(
        got.filter((id) => !taken.has(id) || !fitting.some((event) => event.id === id)),
        again,
      ).toEqual([])
      const lasting = ends[n] === 'CLOSED' ? [] : fitting.filter((event) => held.includes(event))
      expect(
        sorted(lasting).filter((id) => !got.includes(id)),
        again,
      ).toEqual([])
    }

    // Stored: what is held does not depend on that order.
    let found = 0
    const askAll = async (asker: number, n: number, filters: readonly Filter[]): Promise<void> => {
      const client = askers[asker]!
      const again = `seed ${seed}, asker ${asker}: ${JSON.stringify(filters)}`
      const stored = readableBy(asker, held)
      const wanted = naiveAnswer(filters, stored, { maxLimit: MAX_LIMIT, maxTies: MAX_TIES })
      const everything = filters.map(withoutLimit)
      const all = naiveAnswer(everything, stored, { maxLimit: Infinity, maxTies: 0 })
      const [verb, , hint] = await client.ask('REQ', `stored-${n}`, ...filters)
      if (verb === 'CLOSED') {
        if (!filters.every((filter) => isForOthers(asker, filter))) expect(wanted.events, again).toEqual([])
        expect(String(hint), again).toMatch(/^(auth-required|restricted): /)
        return
      }
      found += wanted.events.length
      expect(eventsOf(client, `stored-${n}`), again).toEqual(wanted.events)
      expect(hint, again).toEqual([wanted.complete ? 'finish' : 'more'])
      expect((await client.ask('COUNT', `count-${n}`, ...filters))[2], again).toEqual({ count: all.events.length })
      for (const [i, filter] of filters.entries()) {
        const one = naiveAnswer([filter], stored, { maxLimit: Infinity, maxTies: 0 })
        const need = await client.sync(`sync-${n}-${i}`, filter)
        // One of several may ask for what is private alone, and be refused.
        if (need === undefined) expect(isForOthers(asker, filter) ? [] : one.events, again).toEqual([])
        else expect(need, again).toEqual(sorted(one.events))
      }
    }
    for (let n = 0; n < STORED_QUESTIONS; n++) {
      if (n === STORED_QUESTIONS / 2) {
        for (const client of clients.splice(0)) client.close()
        await relay.child.stop('SIGTERM')
        relay = await start(db)
        askers = await open()
      }
      await askAll(n % ASKERS.length, n, makeFilters(chance, events, about))
    }

    // Whoever vanishes in a random set may leave little of it.
    expect(found, `${seed}`).toBeGreaterThan(seed === RANDOM_SEED ? 0 : 50)
    expect(heardBySome.size, `${seed}`).toBeGreaterThan(seed === RANDOM_SEED ? 0 : 20)
  })
})

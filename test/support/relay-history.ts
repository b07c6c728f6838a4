import { AUTHORS, makeEvents, NOW, oneIn } from '../../scripts/fuzz-relay/events.js'
import type { Chance } from '../../scripts/kill9/chance.js'
import { openEventStore, type EventStore } from '../../relay/store/store.js'
import type { Filter } from '../../src/core/match.js'
import { hexOf } from '../../src/core/hex.js'
import type { NostrEvent, Pubkey, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { asIncoming, ask, ids } from './relay-store.js'

/** What can happen to a store between the first event and the last: any order, copies, questions half asked, restarts. */
export type Step =
  | { readonly do: 'write'; readonly events: readonly NostrEvent[]; readonly nowSec: number }
  | { readonly do: 'sweep'; readonly limit: number; readonly nowSec: number }
  /** Some of an answer; the rest at the next such step. */
  | { readonly do: 'read'; readonly items: number; readonly nowSec: number }
  | { readonly do: 'restart' }

export const STARTED = NOW - 2
/** All that ever expires here, but for what lasts long, has expired by then. */
export const ENDED = NOW + 3

/** These events in a random order, some of them several times, while the clock goes on from STARTED to ENDED. */
export const makeHistory = (chance: Chance, events: readonly NostrEvent[], withRestarts: boolean): Step[] => {
  const copies = events.filter(() => oneIn(chance, 4))
  let rest = chance.shuffled([...events, ...copies])
  const steps: Step[] = []
  const length = rest.length
  while (rest.length > 0) {
    const size = 1 + chance.below(6)
    const nowSec = STARTED + Math.floor(((length - rest.length) / length) * (ENDED - STARTED + 1))
    steps.push({ do: 'write', events: rest.slice(0, size), nowSec })
    rest = rest.slice(size)
    if (oneIn(chance, 5)) steps.push({ do: 'sweep', limit: 1 + chance.below(4), nowSec })
    if (oneIn(chance, 3)) steps.push({ do: 'read', items: 1 + chance.below(10), nowSec })
    if (withRestarts && oneIn(chance, 8)) steps.push({ do: 'restart' })
  }
  return steps
}

export interface Lived {
  readonly store: EventStore
  /** What was served at a moment when it was not held. */
  readonly ghosts: readonly string[]
}

/** `file`: where it can be opened again; `:memory:` where there are no restarts. */
export const live = (file: string, steps: readonly Step[]): Lived => {
  let store = openEventStore(file, nodeHashes)
  const ghosts: string[] = []
  let reading: ReturnType<EventStore['scan']> | undefined
  for (const step of steps) {
    switch (step.do) {
      case 'write':
        store.write(step.events.map(asIncoming), step.nowSec as UnixSec)
        break
      case 'sweep':
        store.removeExpired(step.nowSec as UnixSec, step.limit)
        break
      case 'restart':
        reading = undefined
        store.close()
        store = openEventStore(file, nodeHashes)
        break
      case 'read':
        reading ??= store.scan([{}], { upToSeq: store.lastSeq(), maxLimit: 1_000, now: () => step.nowSec as UnixSec })
        for (let n = 0; n < step.items && reading !== undefined; n++) {
          const { done, value } = reading.next()
          if (done === true) reading = undefined
          else if (value !== undefined && !store.has(hexOf(value.id))) ghosts.push(hexOf(value.id))
        }
        break
    }
  }
  return { store, ghosts }
}

/** What is served, and what COUNT and NEG go by, for some filters: all of it in the order of the answer. */
export const stateOf = (store: EventStore, filters: readonly Filter[], nowSec: number): string[][] =>
  filters.flatMap((filter) => {
    const entries: string[] = []
    const options = { upToSeq: store.lastSeq(), maxLimit: Infinity, now: () => nowSec as UnixSec }
    const source = store.scanEntries([filter], options)
    for (let step = source.next(); step.done !== true; step = source.next()) {
      if (step.value !== undefined) entries.push(hexOf(step.value.id))
    }
    return [ids(ask(store, [filter], { now: nowSec })), entries]
  })

/** Some events, and some more that speak of them: what would be taken next. */
export const eventsAndProbes = (chance: Chance): { events: NostrEvent[]; probes: NostrEvent[] } => {
  const count = 4 + chance.below(40)
  const all = makeEvents(chance, count + 12, { withVanish: oneIn(chance, 4), dense: !oneIn(chance, 4) }).filter(
    ({ kind }) => kind < 20_000 || kind > 29_999,
  )
  return { events: all.slice(0, count), probes: all.slice(count) }
}

/** How one author makes many of their events go with one event of theirs. */
export type Farewell = 'a request to vanish' | 'a deletion that names them all'

/** More than either removes at once, and what the other author wrote, which should stay. */
export const eventsAndFarewell = (
  chance: Chance,
  farewell: Farewell,
): { events: NostrEvent[]; request: NostrEvent } => {
  const all = makeEvents(chance, 2_000, { withVanish: false, dense: true })
  const [first, ...events] = all.filter(({ kind }) => kind < 20_000 || kind > 29_999)
  const isVanish = farewell === 'a request to vanish'
  const request = {
    ...first!,
    pubkey: AUTHORS[0] as Pubkey,
    kind: isVanish ? 62 : 5,
    created_at: NOW as UnixSec,
    tags: isVanish ? [['relay', 'ALL_RELAYS']] : events.map(({ id }) => ['e', id]),
  }
  return { events, request }
}

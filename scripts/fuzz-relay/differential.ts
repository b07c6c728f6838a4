import { openSubscriptions } from '../../relay/live/subscriptions.js'
import { DEFAULT_LIMITS } from '../../relay/limits.js'
import { mayRead, mayReadKind } from '../../relay/policy/authorise.js'
import { defaultPolicy } from '../../relay/policy/policy.js'
import type { Policy } from '../../relay/policy/policy.js'
import { withoutLimit } from '../../relay/session/count.js'
import { MAX_TIES } from '../../relay/store/answer.js'
import { openEventStore } from '../../relay/store/store.js'
import type { EventStore } from '../../relay/store/store.js'
import type { ScanOptions } from '../../relay/store/scan.js'
import { hexOf } from '../../src/core/hex.js'
import { parseFilter } from '../../src/core/match.js'
import type { NostrEvent, Pubkey, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { writtenAt } from './case.js'
import type { Query, World } from './case.js'
import { naiveAnswer, naiveMatch, naiveReadable } from './naive.js'
import { naiveStored } from './naive-state.js'

/**
 * stored query = live match = COUNT = NEG = what the naive reading of the NIPs says, for every question to a set of events.
 * The store is the real one, so are the live subscriptions and the one function that says who may read.
 */

export interface Mismatch {
  /** Which of the world's questions. */
  readonly query: number
  readonly road: 'filter' | 'stored' | 'text' | 'hint' | 'scan' | 'live' | 'count' | 'neg'
  readonly found: unknown
  readonly wanted: unknown
}

/** What a question met, for the shares that show whether the fuzz reaches anything. */
export interface Seen {
  readonly answer: readonly NostrEvent[]
  readonly complete: boolean
  /** Events beyond a limit that came for the sake of their second. */
  readonly ties: number
  /** Events that match and are not for this asker. */
  readonly hidden: number
  readonly live: number
}

export const runWorld = (
  world: World,
  see: (query: Query, seen: Seen) => void = () => undefined,
): Mismatch | undefined => {
  const store = openEventStore(':memory:', nodeHashes)
  try {
    return compare(world, store, see)
  } finally {
    store.close()
  }
}

const compare = (world: World, store: EventStore, see: (query: Query, seen: Seen) => void): Mismatch | undefined => {
  const { events, readers } = world
  const policy = defaultPolicy(
    DEFAULT_LIMITS,
    nodeHashes,
    readers === undefined ? {} : { readers: new Set(readers as Pubkey[]) },
  )
  const listening = listen(world, policy)
  const seqs = write(world, store, listening.publish)
  const heldAt = remembered((nowSec: number) => naiveStored(events, nowSec))

  for (const [i, query] of world.queries.entries()) {
    const wrong = (road: Mismatch['road'], found: unknown, wanted: unknown): Mismatch | undefined =>
      JSON.stringify(found) === JSON.stringify(wanted) ? undefined : { query: i, road, found, wanted }
    const nowSec = writtenAt + query.laterSec
    const upToSeq = Math.min(query.upTo, store.lastSeq())
    const held = heldAt(nowSec).filter(({ id }) => (seqs.get(id) ?? Infinity) <= upToSeq)
    const stored = held.filter((event) => naiveReadable(event, query.viewer, readers))
    const options = scanOptions(query, policy, upToSeq)

    const wanted = naiveAnswer(query.filters, stored, { maxLimit: query.maxLimit, maxTies: MAX_TIES })
    const cut = naiveAnswer(query.filters, stored, { maxLimit: query.maxLimit, maxTies: 0 })
    const unlimited = { maxLimit: Infinity, maxTies: 0 }
    const everything = naiveAnswer(query.filters.map(withoutLimit), stored, unlimited)
    const heard = events.filter(
      (event) => query.filters.some((f) => naiveMatch(f, event)) && naiveReadable(event, query.viewer, readers),
    )

    const { items, end } = readAll(store.answer(query.filters, options))
    const texts = items.map(({ json }) => json)
    const scanned = itemsOf(store.scan(query.filters, options)).map(({ id }) => hexOf(id))
    const counted = itemsOf(store.scanEntries(query.filters.map(withoutLimit), { ...options, maxLimit: Infinity }))
    const mismatch =
      wrong(
        'filter',
        query.filters.map((f) => parseFilter(JSON.parse(JSON.stringify(f))).ok),
        query.filters.map(() => true),
      ) ??
      wrong('stored', texts.map(idOfText), idsOf(wanted.events)) ??
      wrong(
        'text',
        texts,
        wanted.events.map((event) => JSON.stringify(event)),
      ) ??
      wrong('hint', end, wanted.complete ? 'finish' : 'more') ??
      wrong('scan', scanned, idsOf(cut.events)) ??
      wrong('live', listening.heard(i), idsOf(heard)) ??
      wrong('count', counted.length, everything.events.length) ??
      firstOf(query.filters, (filter) => {
        const alone = naiveAnswer([filter], stored, unlimited)
        const entries = itemsOf(store.scanEntries([filter], { ...options, maxLimit: Infinity }))
        return wrong(
          'neg',
          entries.map(({ id }) => hexOf(id)),
          idsOf(alone.events),
        )
      })
    if (mismatch !== undefined) return mismatch
    const all = naiveAnswer(query.filters.map(withoutLimit), held, unlimited).events
    const hidden = all.length - everything.events.length
    const ties = wanted.events.length - cut.events.length
    see(query, { answer: wanted.events, complete: wanted.complete, ties, hidden, live: heard.length })
  }
  return undefined
}

/** In batches, as the relay's group commits do, and every event that is taken is offered to all who listen. */
const write = (world: World, store: EventStore, publish: (event: NostrEvent) => void): Map<string, number> => {
  const seqs = new Map<string, number>()
  const items = world.events
    .filter(({ kind }) => kind < 20_000 || kind > 29_999)
    .map((event) => ({ event, json: JSON.stringify(event) }))
  for (let at = 0; at < items.length; at += world.batch) {
    const batch = items.slice(at, at + world.batch)
    for (const [i, outcome] of store.write(batch, writtenAt as UnixSec).entries()) {
      if (outcome.state === 'stored') seqs.set(batch[i]?.event.id ?? '', outcome.seq)
    }
  }
  // Also what is superseded or deleted at once: whether an event fits does not depend on its fate.
  for (const event of world.events) publish(event)
  if (world.swept) store.removeExpired(writtenAt as UnixSec, 1_000)
  return seqs
}

/** All questions listen at once, as they do in a relay; every seventh has left again, and hears nothing more. */
const listen = (
  world: World,
  policy: Policy,
): { publish: (event: NostrEvent) => void; heard: (query: number) => string[] } => {
  const subscriptions = openSubscriptions()
  const heard: string[][] = world.queries.map(() => [])
  world.queries.forEach((query, i) => {
    const viewer = { keys: new Set(query.viewer as Pubkey[]) }
    const subscriber = (to: string[]): Parameters<typeof subscriptions.add>[0] => ({
      filters: query.filters,
      deliver: ({ event }) => {
        if (!mayRead(policy, viewer, event)) return false
        to.push(event.id)
        return true
      },
    })
    subscriptions.add(subscriber(heard[i] ?? []))
    if (i % 7 !== 0) return
    const leaver = subscriber(['heard after the end'])
    subscriptions.add(leaver)
    subscriptions.remove(leaver)
  })
  return {
    publish: (event) => void subscriptions.publish({ event, json: JSON.stringify(event) }),
    heard: (query) => heard[query] ?? [],
  }
}

const scanOptions = (query: Query, policy: Policy, upToSeq: number): ScanOptions => {
  const viewer = { keys: new Set(query.viewer as Pubkey[]) }
  return {
    upToSeq,
    maxLimit: query.maxLimit,
    now: () => (writtenAt + query.laterSec) as UnixSec,
    mayRead: (event) => mayRead(policy, viewer, event),
    mayReadKind: (kind) => mayReadKind(policy, viewer, kind),
  }
}

/** A source also says "nothing yet"; at its end an answer says whether it is all. */
const readAll = <T, End>(source: Iterator<T | undefined, End>): { items: T[]; end: End } => {
  const items: T[] = []
  for (;;) {
    const step = source.next()
    if (step.done === true) return { items, end: step.value }
    if (step.value !== undefined) items.push(step.value)
  }
}

const itemsOf = <T>(source: Iterator<T | undefined, void>): T[] => readAll(source).items

/** The naive is slow, and many questions are of the same moment. */
const remembered = <Out>(work: (key: number) => Out): ((key: number) => Out) => {
  const known = new Map<number, Out>()
  return (key) => {
    const out = known.get(key) ?? work(key)
    known.set(key, out)
    return out
  }
}

const firstOf = <T, Out>(list: readonly T[], look: (item: T) => Out | undefined): Out | undefined => {
  for (const item of list) {
    const out = look(item)
    if (out !== undefined) return out
  }
  return undefined
}

const idsOf = (events: readonly NostrEvent[]): string[] => events.map(({ id }) => id)
const idOfText = (text: string): string => (JSON.parse(text) as NostrEvent).id

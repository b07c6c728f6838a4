import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openEventStore } from '../../../relay/store/store.js'
import { openSubscriptions } from '../../../relay/live/subscriptions.js'
import type { Filter } from '../../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, ids } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const authors = ['alice', 'bob', 'carol'].map(paperAuthor)
const NOW = 1_000
const HEX = ['aa', 'bb'].map((byte) => byte.repeat(32))
const LONG = 'long'.repeat(40)

const tag = fc.oneof(
  fc.tuple(fc.constantFrom('t', 'T', 'word'), fc.constantFrom('x', 'y', '', LONG, HEX[0]!)),
  fc.tuple(fc.constantFrom('e', 'p'), fc.constantFrom(...HEX, 'x')),
  fc.tuple(fc.constant('t'), fc.constant('z'), fc.constant('x')),
  fc.tuple(fc.constant('t')),
)
const event = fc
  .record({
    author: fc.nat(2),
    kind: fc.constantFrom(1, 2, 1059, 40_000),
    created_at: fc.integer({ min: 0, max: 6 }),
    tags: fc.array(tag, { maxLength: 3 }),
    content: fc.nat(3).map(String),
  })
  .map(({ author, created_at, ...rest }) => authors[author]!.sign({ ...rest, created_at: created_at as UnixSec }))

const some = <T>(values: readonly T[]): fc.Arbitrary<T[]> => fc.array(fc.constantFrom(...values), { maxLength: 3 })
const filterFor = (events: readonly NostrEvent[]): fc.Arbitrary<Filter> =>
  fc
    .record(
      {
        ids: some([...ids(events), HEX[0]!]),
        authors: some(authors.map(({ pubkey }) => pubkey as string)),
        kinds: some([1, 2, 1059, 7]),
        since: fc.nat(7),
        until: fc.nat(7),
        limit: fc.nat(6),
        '#t': some(['x', 'y', 'z', '', LONG, HEX[0]!]),
        '#T': some(['x', 'y']),
        '#e': some(HEX),
        '#p': some(HEX),
      },
      { requiredKeys: [] },
    )
    // Filters with many conditions match nothing: most of them have a few.
    .chain((filter) =>
      fc.subarray(Object.entries(filter), { maxLength: 3 }).map((kept) => Object.fromEntries(kept) as Filter),
    )

/** NIP-01, word by word; knows nothing of ours. */
const naiveMatch = (f: Filter, e: NostrEvent): boolean =>
  Object.entries(f).every(([name, wanted]) => {
    const list = wanted as unknown[]
    switch (name) {
      case 'limit':
        return true
      case 'since':
        return e.created_at >= (wanted as unknown as number)
      case 'until':
        return e.created_at <= (wanted as unknown as number)
      case 'ids':
        return list.includes(e.id)
      case 'authors':
        return list.includes(e.pubkey)
      case 'kinds':
        return list.includes(e.kind)
      default:
        return e.tags.some((t) => `#${t[0]}` === name && t.length > 1 && list.includes(t[1]))
    }
  })
const inOrder = (a: NostrEvent, b: NostrEvent): number => b.created_at - a.created_at || (a.id < b.id ? -1 : 1)

const naiveAnswer = (filters: readonly Filter[], events: readonly NostrEvent[]): string[] => {
  const found = new Set<NostrEvent>()
  for (const filter of filters) {
    const matching = events.filter((e) => naiveMatch(filter, e)).sort(inOrder)
    for (const e of matching.slice(0, filter.limit ?? Infinity)) found.add(e)
  }
  return ids([...found].sort(inOrder))
}

it('a stored query, a live subscription and a naive matcher agree on any filters and events', () => {
  fc.assert(
    fc.property(
      fc
        .array(event, { maxLength: 25 })
        .map((events) => [...new Map(events.map((e) => [e.id, e])).values()])
        .chain((events) => fc.tuple(fc.constant(events), fc.array(filterFor(events), { minLength: 1, maxLength: 3 }))),
      ([events, filters]) => {
        const store = openEventStore(':memory:', nodeHashes)
        store.write(events.map(asIncoming), NOW as UnixSec)
        const subscriptions = openSubscriptions()
        const heard: string[] = []
        const subscriber = { filters, deliver: ({ event: e }: { event: NostrEvent }) => heard.push(e.id) > 0 }
        subscriptions.add(subscriber)
        for (const e of events) subscriptions.publish(asIncoming(e))
        subscriptions.remove(subscriber)
        for (const e of events) subscriptions.publish(asIncoming(e))

        expect(ids(ask(store, filters, { now: NOW }))).toEqual(naiveAnswer(filters, events))
        expect(heard).toEqual(ids(events.filter((e) => filters.some((f) => naiveMatch(f, e)))))
        store.close()
      },
    ),
    { numRuns: 500 },
  )
})

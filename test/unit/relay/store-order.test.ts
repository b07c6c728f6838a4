import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openEventStore } from '../../../relay/store/store.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, ids } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_000
const authors = [paperAuthor('alice'), paperAuthor('bob')]

/** Few values, so that events meet: same slots, same seconds, deletions that hit. */
const draft = fc.record({
  author: fc.nat(1),
  kind: fc.constantFrom(0, 1, 1059, 10_002, 30_000, 30_000, 30_001),
  created_at: fc.integer({ min: 1, max: 4 }),
  d: fc.constantFrom('', 'x', 'x:y'),
  expiration: fc.constantFrom(undefined, undefined, undefined, NOW - 1, NOW + 1),
  to: fc.nat(1),
  content: fc.constantFrom('a', 'b'),
})
const deletion = fc.record({
  author: fc.nat(1),
  created_at: fc.integer({ min: 1, max: 5 }),
  ids: fc.array(fc.nat(30), { maxLength: 3 }),
  addresses: fc.array(
    fc.tuple(fc.nat(1), fc.constantFrom(0, 10_002, 30_000, 30_001), fc.constantFrom('', 'x', 'x:y')),
    {
      maxLength: 2,
    },
  ),
  expiration: fc.constantFrom(undefined, undefined, NOW - 1),
})

const vanish = fc.record({ author: fc.nat(1), created_at: fc.integer({ min: 1, max: 3 }) })

const expirationTag = (expiration: number | undefined): string[][] =>
  expiration === undefined ? [] : [['expiration', String(expiration)]]

const eventsOf = (
  drafts: (typeof draft extends fc.Arbitrary<infer T> ? T : never)[],
  deletions: (typeof deletion extends fc.Arbitrary<infer T> ? T : never)[],
  vanishes: (typeof vanish extends fc.Arbitrary<infer T> ? T : never)[],
): NostrEvent[] => {
  const events = drafts.map(({ author, kind, created_at, d, expiration, to, content }) =>
    authors[author]!.sign({
      kind,
      created_at: created_at as UnixSec,
      content,
      tags: [['d', d], ['p', authors[to]!.pubkey], ...expirationTag(expiration)],
    }),
  )
  for (const { author, created_at, ids: targets, addresses, expiration } of deletions) {
    const tags = [
      ...targets.flatMap((i) => (events[i] === undefined ? [] : [['e', events[i].id]])),
      ...addresses.map(([owner, kind, d]) => ['a', `${kind}:${authors[owner]!.pubkey}:${d}`]),
      ...expirationTag(expiration),
    ]
    events.push(authors[author]!.sign({ kind: 5, created_at: created_at as UnixSec, tags }))
  }
  for (const { author, created_at } of vanishes) {
    const tags = [['relay', 'ALL_RELAYS']]
    const request = authors[author]!.sign({ kind: 62, created_at: created_at as UnixSec, tags })
    // Nobody can undo it.
    events.push(request, authors[author]!.sign({ kind: 5, created_at: 5 as UnixSec, tags: [['e', request.id]] }))
  }
  return [...new Map(events.map((event) => [event.id, event])).values()]
}

/** What must be served, said of the set as a whole: no order of arrival is in it. Deliberately slow and plain. */
const naiveState = (events: readonly NostrEvent[]): string[] => {
  const tag = (e: NostrEvent, name: string): string | undefined => e.tags.find((t) => t[0] === name)?.[1]
  const address = (e: NostrEvent): string | undefined => {
    if (e.kind === 0 || e.kind === 10_002) return `${e.kind}:${e.pubkey}:`
    if (e.kind === 30_000 || e.kind === 30_001) return `${e.kind}:${e.pubkey}:${tag(e, 'd') ?? ''}`
    return undefined
  }
  const isDeleted = (e: NostrEvent): boolean =>
    e.kind !== 5 &&
    e.kind !== 62 &&
    events.some((del) => {
      if (del.kind !== 5) return false
      const owns = del.pubkey === e.pubkey || (e.kind === 1059 && tag(e, 'p') === del.pubkey)
      if (owns && del.tags.some((t) => t[0] === 'e' && t[1] === e.id)) return true
      return (
        del.pubkey === e.pubkey &&
        del.created_at >= e.created_at &&
        del.tags.some((t) => t[0] === 'a' && t[1] === address(e))
      )
    })
  const isBeaten = (e: NostrEvent): boolean =>
    address(e) !== undefined &&
    events.some(
      (other) =>
        address(other) === address(e) &&
        (other.created_at > e.created_at || (other.created_at === e.created_at && other.id < e.id)),
    )
  const hasVanished = (e: NostrEvent): boolean =>
    e.kind !== 62 &&
    events.some((v) => {
      if (v.kind !== 62 || v.created_at < e.created_at) return false
      return v.pubkey === e.pubkey || (e.kind === 1059 && tag(e, 'p') === v.pubkey)
    })
  const isExpired = (e: NostrEvent): boolean => Number(tag(e, 'expiration') ?? Infinity) <= NOW
  return events
    .filter((e) => !isDeleted(e) && !isBeaten(e) && !isExpired(e) && !hasVanished(e))
    .map((e) => e.id)
    .sort()
}

const stateAfter = (events: readonly NostrEvent[], batch: number): string[] => {
  const store = openEventStore(':memory:', nodeHashes)
  for (let i = 0; i < events.length; i += batch) {
    store.write(events.slice(i, i + batch).map(asIncoming), NOW as UnixSec)
  }
  const served = ids(ask(store, [{}], { now: NOW })).sort()
  store.close()
  return served
}

it('the final state is the same whatever the order of arrival: replaced, deleted, expired, vanished', () => {
  fc.assert(
    fc.property(
      fc
        .tuple(
          fc.array(draft, { maxLength: 14 }),
          fc.array(deletion, { maxLength: 4 }),
          fc.array(vanish, { maxLength: 1 }),
        )
        .map(([drafts, deletions, vanishes]) => eventsOf(drafts, deletions, vanishes))
        .chain((events) =>
          fc.tuple(
            fc.constant(events),
            fc.shuffledSubarray(events, { minLength: events.length }),
            fc.integer({ min: 1, max: 5 }),
          ),
        ),
      ([events, shuffled, batch]) => {
        const expected = naiveState(events)
        expect(stateAfter(events, batch)).toEqual(expected)
        expect(stateAfter(shuffled, 1)).toEqual(expected)
        // What came once may come again: nothing that is gone comes back.
        expect(stateAfter([...shuffled, ...events], batch)).toEqual(expected)
      },
    ),
    { numRuns: 300 },
  )
})

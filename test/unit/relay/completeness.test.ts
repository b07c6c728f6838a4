import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { defaultPolicy } from '../../../relay/policy/policy.js'
import { mayRead, mayReadKind } from '../../../relay/policy/authorise.js'
import { DEFAULT_LIMITS } from '../../../relay/limits.js'
import { MAX_LOOK_AHEAD, MAX_TIES, type Completeness } from '../../../relay/store/answer.js'
import { openEventStore, type EventStore } from '../../../relay/store/store.js'
import { matches, type Filter } from '../../../src/core/match.js'
import type { NostrEvent, Pubkey, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_000_000 as UnixSec
const [alice, bob, carol] = [paperAuthor('alice'), paperAuthor('bob'), paperAuthor('carol')]
const policy = defaultPolicy(DEFAULT_LIMITS, nodeHashes)

const opened: EventStore[] = []
afterEach(() => opened.splice(0).forEach((store) => store.close()))

const storeOf = (events: readonly NostrEvent[]): EventStore => {
  const store = openEventStore(':memory:', nodeHashes)
  opened.push(store)
  store.write(events.map(asIncoming), NOW)
  return store
}

interface Answered {
  readonly ids: string[]
  readonly completeness: Completeness
}

const answer = (
  store: EventStore,
  filters: readonly Filter[],
  { maxLimit = 5_000, keys = [] as Pubkey[] } = {},
): Answered => {
  const viewer = { keys: new Set(keys) }
  const source = store.answer(filters, {
    ...{ upToSeq: store.lastSeq(), maxLimit, now: () => NOW },
    mayRead: (event) => mayRead(policy, viewer, event),
    mayReadKind: (kind) => mayReadKind(policy, viewer, kind),
  })
  const ids: string[] = []
  for (;;) {
    const step = source.next()
    if (step.done === true) return { ids, completeness: step.value }
    if (step.value !== undefined) ids.push((JSON.parse(step.value.json) as NostrEvent).id)
  }
}

const note = (createdAt: number, content = '', over: Partial<NostrEvent> = {}): NostrEvent =>
  alice.sign({ kind: 1, created_at: createdAt as UnixSec, content, ...over })
const wrapFor = (to: Pubkey, createdAt: number, content = ''): NostrEvent =>
  carol.sign({ kind: 1059, created_at: createdAt as UnixSec, tags: [['p', to]], content })
const newestFirst = (events: readonly NostrEvent[]): string[] =>
  [...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1)).map(({ id }) => id)

describe('the end of a stored answer', () => {
  const notes = [note(1), note(2), note(3)]

  it('says finish when the limit was not reached, and also when exactly all there is was asked for', () => {
    const store = storeOf(notes)

    expect(answer(store, [{ kinds: [1] }]).completeness).toBe('finish')
    expect(answer(store, [{ kinds: [1], limit: 3 }])).toEqual({ ids: newestFirst(notes), completeness: 'finish' })
    expect(answer(store, [{ kinds: [1], limit: 4 }]).completeness).toBe('finish')
  })

  it('says more when the client’s limit, or the relay’s, left something out', () => {
    const store = storeOf(notes)

    expect(answer(store, [{ kinds: [1], limit: 2 }])).toEqual({
      ids: newestFirst(notes).slice(0, 2),
      completeness: 'more',
    })
    expect(answer(store, [{ kinds: [1], limit: 500 }], { maxLimit: 2 }).completeness).toBe('more')
    expect(answer(store, [{ kinds: [1] }], { maxLimit: 2 }).completeness).toBe('more')
  })

  it('says of limit 0 whether anything is stored, and sends nothing', () => {
    const store = storeOf(notes)

    expect(answer(store, [{ kinds: [1], limit: 0 }])).toEqual({ ids: [], completeness: 'more' })
    expect(answer(store, [{ kinds: [7], limit: 0 }])).toEqual({ ids: [], completeness: 'finish' })
    expect(answer(store, [{ kinds: [], limit: 0 }])).toEqual({ ids: [], completeness: 'finish' })
  })

  it('does not count as left out what another filter sends', () => {
    const store = storeOf([...notes, note(4, '', { kind: 7 })])

    expect(answer(store, [{ kinds: [1], limit: 1 }, { kinds: [1] }]).completeness).toBe('finish')
    expect(answer(store, [{ kinds: [1], limit: 0 }, { authors: [alice.pubkey] }]).completeness).toBe('finish')
    expect(
      answer(store, [
        { kinds: [1], limit: 1 },
        { kinds: [1, 7], limit: 3 },
      ]),
    ).toMatchObject({
      ids: { length: 3 },
      completeness: 'more',
    })
    expect(answer(store, [{ kinds: [1], limit: 1 }, { kinds: [7] }]).completeness).toBe('more')
  })

  it('says nothing where to find out would cost too much', () => {
    const both = note(9_000, '', {
      tags: [
        ['t', 'x'],
        ['u', 'y'],
      ],
    })
    // Either tag alone finds many: no index answers for both.
    const either = (count: number): NostrEvent[] =>
      Array.from({ length: count }, (_, i) => [
        note(10 + i, '', { tags: [['t', 'x']] }),
        note(10 + i, '', { tags: [['u', 'y']] }),
      ]).flat()
    const filters: Filter[] = [{ '#t': ['x'], '#u': ['y'], limit: 1 }]

    const [near, far] = [storeOf([both, ...either(MAX_LOOK_AHEAD)]), storeOf([both, ...either(MAX_LOOK_AHEAD + 1)])]

    expect(answer(near, filters)).toEqual({ ids: [both.id], completeness: 'finish' })
    expect(answer(far, filters)).toEqual({ ids: [both.id], completeness: 'unknown' })
  })
})

describe('a limit that cuts through a second', () => {
  const sameSecond = (count: number, createdAt = 5): NostrEvent[] =>
    Array.from({ length: count }, (_, i) => note(createdAt, `tie ${i}`))

  it('is followed by the rest of that second, so that paging with until loses nothing', () => {
    const all = [note(9), ...sameSecond(20), note(1)]
    const store = storeOf(all)

    expect(answer(store, [{ kinds: [1], limit: 3 }])).toEqual({
      ids: newestFirst(all).slice(0, 21),
      completeness: 'more',
    })
    expect(answer(store, [{ kinds: [1], limit: 3, since: 2 }])).toEqual({
      ids: newestFirst(all).slice(0, 21),
      completeness: 'finish',
    })
  })

  it(`stays as it is where more than ${MAX_TIES} events would follow, and says more`, () => {
    const all = sameSecond(MAX_TIES + 3)
    const store = storeOf(all)

    expect(answer(store, [{ kinds: [1], limit: 2 }])).toEqual({
      ids: newestFirst(all).slice(0, 2),
      completeness: 'more',
    })
    expect(answer(store, [{ kinds: [1], limit: 3 }])).toEqual({ ids: newestFirst(all), completeness: 'finish' })
  })

  it('lets a client that pages with until read everything, each second being small enough', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        (times, limit) => {
          const all = times.map((time, i) => note(time, String(i)))
          const store = storeOf(all)
          const seen = new Set<string>()
          let until = 100
          for (let page = 0; page < 20; page++) {
            const { ids, completeness } = answer(store, [{ kinds: [1], limit, until }])
            for (const id of ids) seen.add(id)
            if (completeness === 'finish') break
            until = Math.min(...all.filter(({ id }) => ids.includes(id)).map((e) => e.created_at)) - 1
          }
          expect(seen.size).toBe(all.length)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('what the reader may not read', () => {
  it('is told neither by finish nor by more, at any limit', () => {
    const own = [wrapFor(bob.pubkey, 7), wrapFor(bob.pubkey, 3)]
    const foreign = Array.from({ length: 30 }, (_, i) => wrapFor(alice.pubkey, i % 9, `for alice ${i}`))
    const [withForeign, without] = [storeOf([...own, ...foreign]), storeOf(own)]
    const filters: Filter[] = [{ kinds: [1059] }, {}, { authors: [carol.pubkey] }, { '#p': [alice.pubkey, bob.pubkey] }]

    for (const keys of [[], [bob.pubkey]]) {
      for (const filter of filters) {
        for (const limit of [0, 1, 2, 3]) {
          const asked = [{ ...filter, limit }]
          expect(answer(withForeign, asked, { keys })).toEqual(answer(without, asked, { keys }))
        }
      }
    }
  })

  it('counts neither as a tie nor as work of the search', () => {
    const own = [wrapFor(bob.pubkey, 5, 'own'), wrapFor(bob.pubkey, 5, 'own too'), wrapFor(bob.pubkey, 1)]
    const foreign = Array.from({ length: MAX_TIES + MAX_LOOK_AHEAD }, (_, i) => wrapFor(alice.pubkey, 5, String(i)))
    const [withForeign, without] = [storeOf([...own, ...foreign]), storeOf(own)]

    const asked = [{ kinds: [1059], limit: 1 }]
    expect(answer(withForeign, asked, { keys: [bob.pubkey] })).toEqual(answer(without, asked, { keys: [bob.pubkey] }))
    const selective = [{ kinds: [1059], '#p': [bob.pubkey], authors: [carol.pubkey], limit: 3 }]
    expect(answer(withForeign, selective, { keys: [bob.pubkey] }).completeness).toBe('finish')
  })

  it('changes no byte of an answer: any events, any viewer, any filters', () => {
    const event = fc.record({
      kind: fc.constantFrom(1, 7, 1059),
      time: fc.integer({ min: 1, max: 4 }),
      to: fc.constantFrom(alice.pubkey, bob.pubkey),
    })
    const filter = fc.record(
      {
        kinds: fc.subarray([1, 7, 1059], { minLength: 1 }),
        authors: fc.subarray([carol.pubkey, bob.pubkey], { minLength: 1 }),
        '#p': fc.subarray([alice.pubkey, bob.pubkey], { minLength: 1 }),
        until: fc.integer({ min: 1, max: 4 }),
        limit: fc.integer({ min: 0, max: 4 }),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 25 }),
        fc.array(filter, { minLength: 1, maxLength: 3 }),
        fc.subarray([alice.pubkey, bob.pubkey]),
        (drafts, filters, keys) => {
          const all = drafts.map(({ kind, time, to }, i) =>
            carol.sign({ kind, created_at: time as UnixSec, tags: [['p', to]], content: String(i) }),
          )
          const readable = all.filter((e) => mayRead(policy, { keys: new Set(keys) }, e))
          const [whole, visible] = [storeOf(all), storeOf(readable)]

          const answered = answer(whole, filters, { keys })

          expect(answered).toEqual(answer(visible, filters as Filter[], { keys }))
          expect(answered).toEqual(naive(readable, filters as Filter[]))
        },
      ),
      { numRuns: 300 },
    )
  })
})

/** The rules, said once more and without any index. */
const naive = (readable: readonly NostrEvent[], filters: readonly Filter[]): Answered => {
  const sent = new Set<string>()
  for (const filter of filters) {
    const found = readable.filter((event) => matches(filter, event))
    const order = newestFirst(found)
    const limit = filter.limit ?? Infinity
    const cut = found.find(({ id }) => id === order[limit - 1])?.created_at
    for (const { id, created_at } of found) if (order.indexOf(id) < limit || created_at === cut) sent.add(id)
  }
  const all = readable.filter((event) => filters.some((filter) => matches(filter, event)))
  const ids = newestFirst(all).filter((id) => sent.has(id))
  return { ids, completeness: ids.length === all.length ? 'finish' : 'more' }
}

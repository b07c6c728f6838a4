import type { NostrEvent } from '../../src/core/types.js'
import type { Query, World } from './case.js'
import type { Seen } from './differential.js'
import { naiveClass } from './naive-state.js'

/** Of all pairs, what part met what: a fuzz whose questions find nothing proves nothing. */
export type Shares = Readonly<Record<string, number>>

export interface ShareCounter {
  world(world: World): void
  query(world: World, query: Query, seen: Seen): void
  read(): Shares
}

type Trait = (world: World, query: Query, seen: Seen) => boolean

const someFilter = (query: Query, has: (filter: Query['filters'][number]) => boolean): boolean =>
  query.filters.some(has)
const lists = (filter: Query['filters'][number]): unknown[][] =>
  Object.values(filter).filter((value): value is unknown[] => Array.isArray(value))
const answers = (seen: Seen, is: (event: NostrEvent) => boolean): boolean => seen.answer.some(is)

const TRAITS: Readonly<Record<string, Trait>> = {
  'finds some': (_, __, { answer }) => answer.length > 0,
  'finds some, not all': ({ events }, _, { answer }) => answer.length > 0 && answer.length < events.length,
  'finds one that is alone': (_, __, { answer }) => answer.length === 1,
  'cut by a limit': (_, __, { complete }) => !complete,
  'would be cut within a second': (_, __, { ties }) => ties > 0,
  'hides something from the asker': (_, __, { hidden }) => hidden > 0,
  'hides something beyond a limit': (_, __, { hidden, complete }) => hidden > 0 && !complete,
  'is all there is, where something is hidden': (_, query, { hidden, complete }) =>
    hidden > 0 && complete && someFilter(query, ({ limit }) => limit !== undefined),
  'is heard live': (_, __, { live }) => live > 0,
  'several filters': (_, { filters }) => filters.length > 1,
  'an empty list': (_, query) => someFilter(query, (f) => lists(f).some(({ length }) => length === 0)),
  'limit 0': (_, query) => someFilter(query, ({ limit }) => limit === 0),
  'asks for everything': (_, query) => someFilter(query, (f) => Object.keys(f).every((name) => name === 'limit')),
  'asks by id': (_, query) => someFilter(query, ({ ids }) => ids !== undefined),
  'asks by author': (_, query) => someFilter(query, ({ authors }) => authors !== undefined),
  'asks by kind': (_, query) => someFilter(query, ({ kinds }) => kinds !== undefined),
  'asks by author and kind': (_, query) => someFilter(query, (f) => f.authors !== undefined && f.kinds !== undefined),
  'asks by tag': (_, query) => someFilter(query, (f) => Object.keys(f).some((name) => name.startsWith('#'))),
  'asks by two tags': (_, query) =>
    someFilter(query, (f) => Object.keys(f).filter((name) => name.startsWith('#')).length > 1),
  'asks by time': (_, query) => someFilter(query, (f) => f.since !== undefined || f.until !== undefined),
  'a long list': (_, query) => someFilter(query, (f) => lists(f).some(({ length }) => length > 100)),
  'more pairs than lanes': (_, query) =>
    someFilter(query, (f) => (f.authors?.length ?? 0) * (f.kinds?.length ?? 0) > 2_000),
  'finds a regular event': (_, __, seen) => answers(seen, ({ kind }) => naiveClass(kind) === 'regular'),
  'finds a replaceable event': (_, __, seen) => answers(seen, ({ kind }) => naiveClass(kind) === 'replaceable'),
  'finds an addressable event': (_, __, seen) => answers(seen, ({ kind }) => naiveClass(kind) === 'addressable'),
  'finds a gift wrap': (_, __, seen) => answers(seen, ({ kind }) => kind === 1_059),
  'finds a deletion': (_, __, seen) => answers(seen, ({ kind }) => kind === 5),
  'finds what will expire': (_, __, seen) => answers(seen, ({ tags }) => tags.some(([name]) => name === 'expiration')),
  'finds what has a long tag': (_, __, seen) =>
    answers(seen, ({ tags }) => tags.some(([, value = '']) => value.length > 64)),
  'in a second of the far past or future': (_, __, seen) =>
    answers(seen, ({ created_at }) => Math.abs(created_at - 1_800_000_000) > 1_000_000),
  'after a request to vanish': ({ events }) => events.some(({ kind }) => kind === 62),
  'with a list of readers': ({ readers }) => readers !== undefined,
  'while more comes in': (_, { upTo }) => upTo !== Infinity,
  'after something expired': (_, { laterSec }) => laterSec > 0,
}

export const openShares = (): ShareCounter => {
  const counts = new Map(Object.keys(TRAITS).map((name) => [name, 0]))
  let pairs = 0
  let worlds = 0
  let events = 0
  return {
    world: (world) => {
      worlds++
      events += world.events.length
    },
    query: (world, query, seen) => {
      pairs++
      for (const [name, has] of Object.entries(TRAITS)) {
        if (has(world, query, seen)) counts.set(name, (counts.get(name) ?? 0) + 1)
      }
    },
    read: () => ({
      'events in a set, on average': rounded(events / Math.max(1, worlds)),
      ...Object.fromEntries([...counts].map(([name, count]) => [name, rounded(count / Math.max(1, pairs))])),
    }),
  }
}

const rounded = (x: number): number => Math.round(x * 10_000) / 10_000

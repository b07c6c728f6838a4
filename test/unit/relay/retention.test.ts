import { describe, expect, it } from 'vitest'
import { withinRetention } from '../../../relay/policy/retained.js'
import type { RemovalReason } from '../../../relay/store/chores.js'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore, StoreOptions } from '../../../relay/store/store.js'
import { parseRetention, parseRetentionRule, ruleFor } from '../../../relay/store/retention-rules.js'
import type { RetentionRules } from '../../../relay/store/retention-rules.js'
import { runChores } from '../../../relay/store/upkeep.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, ids, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const DAY = 86_400
const alice = paperAuthor('alice')
const folder = testFolder()

const rulesOf = (...texts: string[]): RetentionRules => {
  const rules = parseRetention(texts)
  if (typeof rules === 'string') throw new Error(rules)
  return rules
}
const open = (options: StoreOptions, file = ':memory:'): EventStore =>
  openEventStore(file, nodeHashes, { now: () => NOW as UnixSec, ...options })
const put = (store: EventStore, ...events: NostrEvent[]): void =>
  void store.write(events.map(asIncoming), NOW as UnixSec)
const made = (kind: number, ageSec: number, content = ''): NostrEvent =>
  alice.sign({ kind, created_at: (NOW - ageSec) as UnixSec, content })
const told = (store: EventStore, event: NostrEvent): string | undefined =>
  withinRetention(store.retention)(event, { viewer: { keys: new Set() }, now: NOW as UnixSec })

describe('a rule of retention', () => {
  it.each([
    ['1=90d', { from: 1, to: 1, maxAgeSec: 90 * DAY }],
    ['1000-9999=12h,500', { from: 1000, to: 9999, maxAgeSec: 43_200, maxCount: 500 }],
    ['30078=forever,10', { from: 30_078, to: 30_078, maxCount: 10 }],
    ['*=1y', { from: 0, to: 65_535, maxAgeSec: 365 * DAY }],
    ['7=forever', { from: 7, to: 7 }],
  ])('is read: %s', (text, rule) => {
    expect(parseRetentionRule(text)).toEqual(rule)
  })

  it.each([
    '',
    '1',
    '1=',
    '1=90',
    '1=d',
    '-1=3d',
    '2-1=3d',
    '65536=1d',
    '1-70000=1d',
    '1=0d',
    '1=3d,0',
    '1=3d,',
    '5=1d',
    '62=1d',
  ])('is refused in one line: %s', (text) => {
    expect(parseRetentionRule(text)).toMatch(/^[^\n]+$/)
  })

  it('is overruled by a narrower one, and none is about deletions or requests to vanish', () => {
    const rules = rulesOf('*=30d', '1-10=20d', '7=10d')

    const daysOf = (kind: number): number => (ruleFor(rules, kind)?.maxAgeSec ?? Infinity) / DAY

    expect([100, 1, 7, 5, 62].map(daysOf)).toEqual([30, 20, 10, Infinity, Infinity])
  })

  it('does not stand beside one that contradicts it', () => {
    expect(parseRetention(['1-3=1d', '2-4=2d'])).toBe('the rules for 1-3 and for 2-4 contradict each other')
    expect(parseRetention(['1=1d', '1=2d'])).toMatch(/contradict/)
    expect(parseRetention(['1-3=1d', '4-6=2d'])).toHaveLength(2)
  })
})

describe('what is older than its rule allows', () => {
  it('goes, the rest stays, and so does what no rule may touch', () => {
    const removed: [RemovalReason, number][] = []
    const store = open({ rules: rulesOf('*=30d', '7=1d'), onRemoved: (...what) => removed.push(what) })
    const kept = [made(1, 30 * DAY), made(7, DAY), made(5, 300 * DAY)]
    put(store, kept[0]!, kept[1]!, kept[2]!, made(1, 30 * DAY + 1), made(1, 90 * DAY), made(7, DAY + 1))
    put(store, paperAuthor('bob').sign({ kind: 62, created_at: (NOW - 300 * DAY) as UnixSec, tags: [['relay', 'x']] }))

    expect(runChores(store.chores)).toBe(3)

    expect(ids(ask(store, [{ kinds: [1, 5, 7] }])).sort()).toEqual(ids(kept).sort())
    expect(ask(store, [{ kinds: [62] }])).toHaveLength(1)
    expect(removed.map(([reason]) => reason)).toContain('retention')
    expect(removed.reduce((sum, [, events]) => sum + events, 0)).toBe(3)
  })

  it('is not taken in again, and what is young enough is', () => {
    const store = open({ rules: rulesOf('1=30d') })

    expect(told(store, made(1, 30 * DAY + 1))).toBe(`blocked: this relay keeps events of kind 1 for ${30 * DAY} s only`)
    expect(told(store, made(1, 30 * DAY))).toBeUndefined()
    expect(told(store, made(7, 300 * DAY))).toBeUndefined()
    expect(told(store, made(5, 300 * DAY))).toBeUndefined()
  })
})

describe('what is one too many of its kind', () => {
  it('goes, the oldest first, of each kind for itself', () => {
    const store = open({ rules: rulesOf('1-2=forever,3') })
    const ones = [10, 20, 30, 40, 50].map((age) => made(1, age))
    const twos = [10, 20].map((age) => made(2, age))
    put(store, ...ones, ...twos, made(4, 99))

    expect(runChores(store.chores)).toBe(2)

    expect(ids(ask(store, [{ kinds: [1] }]))).toEqual(ids(ones.slice(0, 3)))
    expect(store.count()).toBe(6)
  })

  it('is not taken in again, also after a restart, until more are allowed', () => {
    const file = `${folder()}/relay.sqlite`
    const first = open({ rules: rulesOf('1=forever,2') }, file)
    const events = [10, 20, 30].map((age) => made(1, age))
    put(first, ...events)
    runChores(first.chores)
    first.close()
    const same = open({ rules: rulesOf('1=forever,2') }, file)
    const answer = told(same, events[2]!)
    same.close()

    const more = open({ rules: rulesOf('1=forever,3') }, file)

    expect(answer).toBe(`blocked: this relay has no room any more for events of kind 1 up to created_at ${NOW - 30}`)
    expect(told(more, events[2]!)).toBeUndefined()
    more.close()
  })

  it('is found in small steps where there are many', () => {
    const store = open({ rules: rulesOf('1=forever,2500') })
    const events = Array.from({ length: 3_000 }, (_, i) => made(1, i, String(i)))
    for (let i = 0; i < events.length; i += 500) put(store, ...events.slice(i, i + 500))

    expect(runChores(store.chores)).toBe(500)

    expect(store.count()).toBe(2_500)
    expect(store.has(events[2_499]!.id)).toBe(true)
    expect(store.has(events[2_500]!.id)).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import { MAX_FILTER_VALUES, MAX_FILTER_VALUE_CHARS, matches, matchesAny, parseFilter } from '../../../src/core/match.js'
import type { Filter } from '../../../src/core/match.js'
import type { NostrEvent } from '../../../src/core/types.js'

const ID = 'a'.repeat(64)
const KEY = 'b'.repeat(64)
const OTHER = 'c'.repeat(64)
const event = {
  id: ID,
  pubkey: KEY,
  created_at: 100,
  kind: 1,
  tags: [['t', 'kapnet'], ['t', 'txxm', 'third'], ['p', OTHER], ['x']],
  content: '',
  sig: '',
} as unknown as NostrEvent

describe('matches', () => {
  it.each<[Filter, boolean]>([
    [{}, true],
    [{ ids: [ID] }, true],
    [{ ids: [OTHER] }, false],
    [{ ids: [] }, false],
    [{ authors: [OTHER, KEY] }, true],
    [{ authors: [OTHER] }, false],
    [{ kinds: [0, 1] }, true],
    [{ kinds: [2] }, false],
    [{ kinds: [] }, false],
    [{ since: 100 }, true],
    [{ since: 101 }, false],
    [{ until: 100 }, true],
    [{ until: 99 }, false],
    [{ since: 101, until: 99 }, false],
    [{ limit: 0 }, true],
    [{ '#t': ['kapnet'] }, true],
    [{ '#t': ['none', 'txxm'] }, true],
    [{ '#t': ['third'] }, false],
    [{ '#t': [] }, false],
    [{ '#T': ['kapnet'] }, false],
    [{ '#p': [OTHER], '#t': ['txxm'], kinds: [1] }, true],
    [{ '#p': [KEY], '#t': ['txxm'], kinds: [1] }, false],
    [{ '#x': [''] }, false],
    // Prefixes are long gone from NIP-01.
    [{ ids: ['aaaa'] }, false],
  ])('%j: %j', (filter, expected) => {
    expect(matches(filter, event)).toBe(expected)
  })

  it('one of several filters is enough, and none is not', () => {
    expect(matchesAny([{ kinds: [2] }, { kinds: [1] }], event)).toBe(true)
    expect(matchesAny([{ kinds: [2] }, { kinds: [3] }], event)).toBe(false)
    expect(matchesAny([], event)).toBe(false)
  })
})

describe('parseFilter', () => {
  it('takes what NIP-01 has, as a copy', () => {
    const filter = {
      ids: [ID],
      authors: [KEY],
      kinds: [1],
      since: 0,
      until: 5,
      limit: 9,
      '#t': ['a'],
      '#Z': ['b'],
      '#p': [KEY],
    }
    const parsed = parseFilter(filter)
    expect(parsed).toEqual({ ok: true, value: filter })
    expect((parsed as { value: Filter }).value.ids).not.toBe(filter.ids)
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['a text', 'x'],
    ['an unknown member', { search: 'x' }],
    ['a tag of two letters', { '#tt': ['x'] }],
    ['a tag that is a digit', { '#1': ['x'] }],
    ['__proto__', JSON.parse('{"__proto__":["x"]}')],
    ['a short id', { ids: ['aa'] }],
    ['an uppercase author', { authors: ['A'.repeat(64)] }],
    ['an npub in #p', { '#p': ['npub1'] }],
    ['kinds in quotes', { kinds: ['1'] }],
    ['a kind that is none', { kinds: [65_536] }],
    ['one kind instead of a list', { kinds: 1 }],
    ['half a second', { since: 0.5 }],
    ['a negative limit', { limit: -1 }],
    ['null for a number', { until: null }],
    ['a number among values', { '#t': [1] }],
    ['too many values', { kinds: Array(MAX_FILTER_VALUES + 1).fill(1) }],
    ['a value that is too long', { '#d': ['x'.repeat(MAX_FILTER_VALUE_CHARS + 1)] }],
  ])('refuses %s', (_, x) => {
    expect(parseFilter(x)).toMatchObject({ ok: false, refusal: { code: 'bad-schema' } })
  })
})

import { describe, expect, it } from 'vitest'
import { getEventHash, serializeEvent as theirs } from 'nostr-tools/pure'
import {
  MAX_STRINGS_PER_TAG,
  MAX_TAGS,
  checkEventShape,
  eventId,
  proofOf,
  serializeEvent,
  tagValue,
  tagValues,
} from '../../../src/core/event.js'
import type { NostrEvent } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

const event = (over: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 'a'.repeat(64),
  pubkey: 'b'.repeat(64),
  created_at: 1_780_000_000,
  kind: 30_078,
  tags: [['d', 'x'], ['t', 'kapnet'], ['t', 'txxm'], ['-']],
  content: 'hello',
  sig: 'c'.repeat(128),
  ...over,
})
const known = (over: Record<string, unknown> = {}): NostrEvent => event(over) as unknown as NostrEvent

describe('the id of an event', () => {
  it.each(['', 'plain', 'a "quoted"\\\n\r\t\b\f text', '\u0000\u0001\u001f\u007f\u2028', 'grüße 世界 \u{1f600}'])(
    'is what nostr-tools makes of content %j',
    (content) => {
      const e = known({ content, tags: [['d', content], []] })
      const forThem = { ...e, tags: e.tags.map((tag) => [...tag]) }
      expect(serializeEvent(e)).toBe(theirs(forThem))
      expect(eventId(e, nodeHashes)).toBe(getEventHash(forThem))
    },
  )
})

describe('the shape of an event', () => {
  it('is copied member by member: what does not belong stays behind', () => {
    const dirty = event({ extra: 1, __proto__: { also: 2 } })
    const checked = checkEventShape(dirty)
    expect(checked).toEqual({ ok: true, value: event() })
    const value = (checked as { value: NostrEvent }).value
    expect(Object.keys(value).sort()).toEqual(['content', 'created_at', 'id', 'kind', 'pubkey', 'sig', 'tags'])
    expect(value.tags).not.toBe(dirty.tags)
    expect(value.tags[0]).not.toBe((dirty.tags as unknown[])[0])
  })

  it.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['a text', 'event'],
    ['undefined', undefined],
    ['an uppercase id', event({ id: 'A'.repeat(64) })],
    ['a short id', event({ id: 'a'.repeat(63) })],
    ['a key in another form', event({ pubkey: 'npub1' })],
    ['a missing sig', event({ sig: undefined })],
    ['a sig of 64 digits', event({ sig: 'c'.repeat(64) })],
    ['a kind above 65535', event({ kind: 65_536 })],
    ['a negative kind', event({ kind: -1 })],
    ['half a kind', event({ kind: 1.5 })],
    ['a kind in quotes', event({ kind: '1' })],
    ['a negative time', event({ created_at: -1 })],
    ['a time beyond what a number holds', event({ created_at: 2 ** 53 })],
    ['content that is an object', event({ content: {} })],
    ['content with a lone surrogate', event({ content: '\ud800' })],
    ['tags that are an object', event({ tags: {} })],
    ['a tag that is a text', event({ tags: ['d'] })],
    ['an empty tag', event({ tags: [[]] })],
    ['a number in a tag', event({ tags: [['d', 1]] })],
    ['a lone surrogate in a tag', event({ tags: [['d', '\udc00']] })],
    ['too many tags', event({ tags: Array(MAX_TAGS + 1).fill(['t']) })],
    ['too many strings in a tag', event({ tags: [Array(MAX_STRINGS_PER_TAG + 1).fill('t')] })],
  ])('refuses %s', (_, x) => {
    expect(checkEventShape(x)).toMatchObject({ ok: false, refusal: { code: 'bad-event' } })
  })

  it('takes as many tags and strings as there may be, and kinds at both ends', () => {
    const tags = Array<string[]>(MAX_TAGS).fill(Array<string>(MAX_STRINGS_PER_TAG).fill('t'))
    expect(checkEventShape(event({ tags })).ok).toBe(true)
    expect(checkEventShape(event({ kind: 0, created_at: 0 })).ok).toBe(true)
    expect(checkEventShape(event({ kind: 65_535 })).ok).toBe(true)
  })

  it('makes 0 of -0', () => {
    const checked = checkEventShape(event({ created_at: -0, kind: -0 }))
    expect(checked).toMatchObject({ ok: true, value: { created_at: 0, kind: 0 } })
  })
})

describe('what is read off an event', () => {
  it('the proof is its id, key and signature', () => {
    expect(proofOf(known())).toEqual({ digest: 'a'.repeat(64), pubkey: 'b'.repeat(64), sig: 'c'.repeat(128) })
  })

  it('a tag value is the first of its name that has one', () => {
    const e = known({ tags: [['x'], ['x', ''], ['x', '2', '3'], ['X', '4']] })
    expect(tagValue(e, 'x')).toBe('')
    expect(tagValue(e, 'X')).toBe('4')
    expect(tagValue(e, 'y')).toBeUndefined()
    expect(tagValues(e, 'x')).toEqual(['', '2'])
    expect(tagValues(e, 'y')).toEqual([])
  })
})

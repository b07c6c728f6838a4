import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../relay/limits.js'
import { mayRead } from '../../../relay/policy/authorise.js'
import { defaultPolicy, refuseWrite } from '../../../relay/policy/policy.js'
import type { Policy } from '../../../relay/policy/policy.js'
import type { EventTemplate, Pubkey, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000 as UnixSec
const alice = paperAuthor('alice')
const policy = defaultPolicy({ maxEventTags: 3, maxContentChars: 5, maxFutureSec: 60 }, nodeHashes)
const viewer = { keys: new Set<Pubkey>() }
const judge = (over: Partial<EventTemplate>): string | undefined =>
  refuseWrite(policy, alice.sign(over), { viewer, now: NOW })

describe('the default write policy', () => {
  it('has no objection to an ordinary event', () => {
    expect(judge({ content: 'hello', tags: [['t', 'x']] })).toBeUndefined()
  })

  it.each<[string, Partial<EventTemplate>, string]>([
    ['too many tags', { tags: [['a'], ['b'], ['c'], ['d']] }, 'invalid: at most 3 tags'],
    ['too long a content', { content: '123456' }, 'invalid: at most 5 characters in content'],
    [
      'a time too far ahead',
      { created_at: (NOW + 61) as UnixSec },
      "invalid: created_at is more than 60 s ahead of this relay's clock",
    ],
    ['an AUTH event', { kind: 22_242 }, 'invalid: kind 22242 is for AUTH only'],
    [
      'a protected event',
      { tags: [['-']] },
      'auth-required: a protected event is taken from its authenticated author only',
    ],
    ['an expired event', { tags: [['expiration', String(NOW)]] }, 'invalid: the event has expired'],
    ['an expired ephemeral event', { kind: 20_000, tags: [['expiration', '5']] }, 'invalid: the event has expired'],
  ])('refuses %s', (_, over, reason) => {
    expect(judge(over)).toBe(reason)
  })

  it('takes what just fits', () => {
    expect(judge({ content: '12345', tags: [['a'], ['b'], ['c']], created_at: (NOW + 60) as UnixSec })).toBeUndefined()
    expect(judge({ tags: [['expiration', String(NOW + 1)]] })).toBeUndefined()
  })

  it('counts characters, not the two units that some of them take', () => {
    expect(judge({ content: '😀😀😀😀😀' })).toBeUndefined()
    expect(judge({ content: '😀😀😀😀😀😀' })).toBe('invalid: at most 5 characters in content')
  })

  it('refuses an id that is not the hash of the event', () => {
    const event = { ...alice.sign(), content: 'other' }

    expect(refuseWrite(policy, event, { viewer, now: NOW })).toBe('invalid: id is not the hash of the event')
  })

  it('takes ids over control characters as JSON.stringify writes them', () => {
    expect(judge({ content: '\u0001\b\f\u007f' })).toBeUndefined()
  })

  it('takes a protected event from its authenticated author', () => {
    const authed = { keys: new Set([alice.pubkey]) }

    expect(refuseWrite(policy, alice.sign({ tags: [['-']] }), { viewer: authed, now: NOW })).toBeUndefined()
  })

  it('takes a protected event from nobody else', () => {
    const bob = { keys: new Set([paperAuthor('bob').pubkey]) }

    expect(refuseWrite(policy, alice.sign({ tags: [['-']] }), { viewer: bob, now: NOW })).toMatch(/^restricted: /)
  })

  it.each([6, 16])('refuses a repost (kind %i) of a protected event, and takes one of any other', (kind) => {
    const standard = defaultPolicy(DEFAULT_LIMITS, nodeHashes)
    const repost = (content: string): string | undefined =>
      refuseWrite(standard, alice.sign({ kind, content }), { viewer, now: NOW })

    expect(repost(JSON.stringify(alice.sign({ tags: [['-']] })))).toBe('blocked: the event it reposts is protected')
    expect(repost(' {"tags":[["\\u002d"]]}')).toBe('blocked: the event it reposts is protected')
    expect(repost(JSON.stringify(alice.sign({ tags: [['t', '-']] })))).toBeUndefined()
    expect(repost('')).toBeUndefined()
    expect(repost('{no json')).toBeUndefined()
  })

  it('refuses a repost that is all structure unread: it would take fifty times as long as any other event', () => {
    const standard = defaultPolicy(DEFAULT_LIMITS, nodeHashes)
    const content = `{"tags":[],"more":[${'[],'.repeat(100_000)}0]}`

    expect(refuseWrite(standard, alice.sign({ kind: 6, content }), { viewer, now: NOW })).toBe(
      'invalid: the event it reposts: at most 50000 values, lists and objects in a message',
    )
    expect(refuseWrite(standard, alice.sign({ kind: 1, content }), { viewer, now: NOW })).toBeUndefined()
  })

  it('leaves an expired event that replaces or deletes others to the store', () => {
    expect(judge({ kind: 30_078, tags: [['expiration', '5']] })).toBeUndefined()
    expect(judge({ kind: 5, tags: [['expiration', '5']] })).toBeUndefined()
  })

  it('accepts every kind class with the default limits', () => {
    const standard = defaultPolicy(DEFAULT_LIMITS, nodeHashes)
    const reasons = [0, 1, 5, 41, 1059, 10_002, 20_001, 30_078, 30_500, 65_535].map((kind) =>
      refuseWrite(standard, alice.sign({ kind }), { viewer, now: NOW }),
    )

    expect(reasons.every((reason) => reason === undefined)).toBe(true)
  })
})

describe('a policy', () => {
  it('asks its rules in their order and stops at the first objection', () => {
    const asked: string[] = []
    const ordered: Policy = {
      write: [
        () => void asked.push('first'),
        () => {
          asked.push('second')
          return 'blocked: no'
        },
        () => void asked.push('third'),
      ],
      read: [],
    }

    expect(refuseWrite(ordered, alice.sign(), { viewer, now: NOW })).toBe('blocked: no')
    expect(asked).toEqual(['first', 'second'])
  })

  it('fails closed: a rule that throws refuses, on both roads', () => {
    const broken = (): never => {
      throw new Error('bug')
    }
    const policy: Policy = { write: [broken], read: [broken] }

    expect(refuseWrite(policy, alice.sign(), { viewer, now: NOW })).toBe('error: the policy of this relay failed')
    expect(mayRead(policy, viewer, alice.sign())).toBe(false)
  })

  it('may be read only where every read rule agrees', () => {
    const event = alice.sign()

    expect(mayRead({ write: [], read: [() => true, () => false] }, viewer, event)).toBe(false)
    expect(mayRead({ write: [], read: [() => true] }, viewer, event)).toBe(true)
  })
})

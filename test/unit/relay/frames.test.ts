import { describe, expect, it } from 'vitest'
import { parseFrame } from '../../../relay/session/frames.js'
import { paperAuthor } from '../../support/signed.js'

const LIMITS = { maxMessageBytes: 1_000, maxFilters: 3, maxFilterValues: 5 }
const KEY = 'ab'.repeat(32)

const parse = (message: unknown): ReturnType<typeof parseFrame> => {
  const text = typeof message === 'string' ? message : JSON.stringify(message)
  return parseFrame(text, Buffer.byteLength(text), LIMITS)
}
const answerTo = (message: unknown): unknown => {
  const parsed = parse(message)
  return parsed.ok ? undefined : JSON.parse(parsed.answer)
}

describe('frames from a client', () => {
  it('are read when they are right', () => {
    const event = paperAuthor('alice').sign()

    const event1 = parse(['EVENT', event])
    const req = parse(['REQ', 'sub', { kinds: [1] }, { '#t': ['x'], limit: 0 }])
    const close = parse(['CLOSE', 'sub'])

    expect(event1).toEqual({ ok: true, frame: { verb: 'EVENT', event } })
    expect(req).toEqual({
      ok: true,
      frame: { verb: 'REQ', id: 'sub', filters: [{ kinds: [1] }, { '#t': ['x'], limit: 0 }] },
    })
    expect(close).toEqual({ ok: true, frame: { verb: 'CLOSE', id: 'sub' } })
  })

  it.each([
    ['no JSON', '["EVENT"', 'invalid: the message is not JSON'],
    ['no array', '{"EVENT":1}', 'invalid: the message is not an array'],
    ['no type', '[]', 'invalid: the message does not start with its type'],
    ['a type that is no string', '[1]', 'invalid: the message does not start with its type'],
    ['a type nobody knows', '["HELLO"]', 'invalid: "HELLO" is not a type this relay knows'],
    ['a subscription id that is no string', '["REQ",1,{}]', 'invalid: the subscription id is not a string'],
    ['a CLOSE without an id', '["CLOSE"]', 'invalid: CLOSE needs a subscription id'],
  ])('get a NOTICE for %s', (_, text, words) => {
    expect(answerTo(text)).toEqual(['NOTICE', words])
  })

  it.each([
    ['no object', 5, '', 'invalid: not an object'],
    ['an id that is no string', { id: 5 }, '', 'invalid: id is not 64 lowercase hex'],
    ['an id in capitals', { id: 'AB'.repeat(32) }, 'AB'.repeat(32), 'invalid: id is not 64 lowercase hex'],
    [
      'a kind above 65535',
      { ...paperAuthor('a').sign(), kind: 65_536 },
      paperAuthor('a').sign().id,
      'invalid: kind is not a number from 0 to 65535',
    ],
    [
      'a tag without a string',
      { ...paperAuthor('a').sign(), tags: [[]] },
      paperAuthor('a').sign().id,
      'invalid: a tag is not a list of strings',
    ],
  ])('get OK false for an EVENT with %s', (_, event, id, words) => {
    expect(answerTo(['EVENT', event])).toEqual(['OK', id, false, words])
  })

  it('do not echo an id of any length', () => {
    const answer = answerTo(['EVENT', { id: 'x'.repeat(900) }]) as [string, string]

    expect(answer[1]).toHaveLength(256)
  })

  it.each([
    ['no filter', ['REQ', 'sub'], 'REQ needs at least one filter'],
    ['a filter that is no object', ['REQ', 'sub', []], 'filter is not an object'],
    ['a short id', ['REQ', 'sub', { ids: ['ab'] }], 'filter: ids is not a list of 64 lowercase hex'],
    [
      'an author in capitals',
      ['REQ', 'sub', { authors: [KEY.toUpperCase()] }],
      'filter: authors is not a list of 64 lowercase hex',
    ],
    ['an #e that is no id', ['REQ', 'sub', { '#e': ['x'] }], 'filter: #e is not a list of 64 lowercase hex'],
    ['a #p that is no key', ['REQ', 'sub', { '#p': ['npub1'] }], 'filter: #p is not a list of 64 lowercase hex'],
    ['a negative limit', ['REQ', 'sub', { limit: -1 }], 'filter: limit is not a whole number'],
    ['a member nobody knows', ['REQ', 'sub', { search: 'x' }], 'filter: unknown member'],
    ['too many filters', ['REQ', 'sub', {}, {}, {}, {}], 'at most 3 filters'],
    ['too many values', ['REQ', 'sub', { kinds: [1, 2, 3] }, { kinds: [4, 5, 6] }], 'at most 5 values in all filters'],
    ['an empty subscription id', ['REQ', '', {}], 'a subscription id has 1 to 64 characters'],
    ['a subscription id of 65', ['REQ', 'x'.repeat(65), {}], 'a subscription id has 1 to 64 characters'],
  ])('get CLOSED for a REQ with %s', (_, message, words) => {
    const parsed = parse(message)

    expect(parsed.ok).toBe(false)
    expect(answerTo(message)).toEqual(['CLOSED', message[1], `invalid: ${words}`])
    expect(!parsed.ok && parsed.ends).toBe(message[1])
  })

  it('take a subscription id of 64 characters', () => {
    expect(parse(['REQ', 'x'.repeat(64), {}]).ok).toBe(true)
  })

  it('that are too long are not read, but an EVENT gets the OK its sender waits for', () => {
    const event = paperAuthor('alice').sign({ content: 'x'.repeat(1_000) })

    const words = `invalid: the message has ${JSON.stringify(['EVENT', event]).length} bytes; at most 1000`
    expect(answerTo(['EVENT', event])).toEqual(['OK', event.id, false, words])
    expect(answerTo(`["REQ","${'x'.repeat(1_000)}"]`)).toEqual([
      'NOTICE',
      'invalid: the message has 1010 bytes; at most 1000',
    ])
  })
})

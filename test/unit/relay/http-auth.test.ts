import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventOfHeader, HTTP_AUTH_WINDOW_SEC, openUsedOnce } from '../../../relay/manage/http-auth.js'
import { isShallow } from '../../../relay/manage/json-depth.js'
import { addressParam, normalAddress } from '../../../relay/manage/params.js'
import type { UnixSec } from '../../../src/core/types.js'
import { paperAuthor } from '../../support/signed.js'

/** What stands before a call of management, piece by piece; the whole is in management.test.ts. */

const NOW = 1_800_000_000 as UnixSec
const later = (sec: number): UnixSec => (NOW + sec) as UnixSec

describe('the header', () => {
  const event = paperAuthor('admin').sign({ kind: 27_235 })
  const base64 = Buffer.from(JSON.stringify(event)).toString('base64')

  it('is read with and without padding, in either alphabet, whatever the case of its scheme', () => {
    const url = Buffer.from(JSON.stringify(event)).toString('base64url')
    const headers = [`Nostr ${base64}`, `nostr ${base64.replace(/=+$/, '')}`, `Nostr  ${url}`]

    expect(headers.map((header) => eventOfHeader(header)?.id)).toEqual(Array(3).fill(event.id))
  })

  it.each([
    [undefined],
    [''],
    ['Nostr'],
    ['Nostr '],
    ['Nostr !!!'],
    [`Bearer ${base64}`],
    [`Nostr ${base64} ${base64}`],
    [`Nostr ${btoa('{')}`],
    [`Nostr ${btoa('null')}`],
    [`Nostr ${btoa(JSON.stringify({ ...event, sig: 'x' }))}`],
    [`Nostr ${btoa(`${'['.repeat(500)}${']'.repeat(500)}`)}`],
    [`Nostr ${btoa(JSON.stringify({ ...event, content: 'x'.repeat(20_000) }))}`],
  ])('that is none is no event, and no exception', (header) => {
    expect(eventOfHeader(header)).toBeUndefined()
  })

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json().map((text) => `Nostr ${Buffer.from(text).toString('base64')}`),
        ),
        (header) => {
          eventOfHeader(header)
        },
      ),
    )
  })
})

describe('an event', () => {
  it('works once, for as long as it would be accepted again', () => {
    const used = openUsedOnce()

    const uses = [
      used.use('a', NOW),
      used.use('a', NOW),
      used.use('b', NOW),
      used.use('a', later(2 * HTTP_AUTH_WINDOW_SEC)),
    ]

    expect(uses).toEqual([true, false, true, false])
  })

  it('is remembered where it outlives this run, and forgotten there when it is over', () => {
    const rows = new Map<string, string>()
    const before = {
      entries: () => [...rows],
      put: (id: string, until: string) => void rows.set(id, until),
      drop: (over: readonly string[]) => over.forEach((id) => rows.delete(id)),
    }
    const first = openUsedOnce(10, before)
    first.use('b', later(1))
    first.use('a', NOW)

    const second = openUsedOnce(10, before)
    const again = [second.use('a', later(5)), second.use('b', later(5))]
    second.use('c', later(2 * HTTP_AUTH_WINDOW_SEC + 1))

    expect(again).toEqual([false, false])
    expect([...rows.keys()]).toEqual(['b', 'c'])
  })

  it('is refused where there is no room to remember it; room comes back with time', () => {
    const used = openUsedOnce(2)

    const full = [used.use('a', NOW), used.use('b', later(1)), used.use('c', later(2))]
    const after = used.use('c', later(2 * HTTP_AUTH_WINDOW_SEC + 1))

    expect(full).toEqual([true, true, false])
    expect(after).toBe(true)
  })
})

describe('the depth of JSON', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

  it('is what it is when it is parsed, whatever stands in strings', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 12 }), fc.integer({ min: 0, max: 12 }), (value, max) => {
        expect(isShallow(JSON.stringify(value), max)).toBe(depthOf(value) <= max)
      }),
    )
  })

  it('is not hidden by an escaped quote', () => {
    expect(isShallow('{"a\\\\":[[1]]}', 2)).toBe(false)
    expect(isShallow('{"a\\"[[[[":1}', 1)).toBe(true)
  })
})

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['::1', '::1'],
])('the address %s is told as %s, as a socket tells it', (text, normal) => {
  expect(addressParam(text)).toBe(normal)
  expect(normalAddress(normal)).toBe(normal)
})

it('what a socket may tell and a URL can not hold is left as it is', () => {
  expect(normalAddress('fe80::1%eth0')).toBe('fe80::1%eth0')
  expect(normalAddress('')).toBe('')
})

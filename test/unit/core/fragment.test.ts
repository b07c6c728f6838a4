import { describe, expect, it } from 'vitest'
import { fromBase64, toBase64 } from '../../../src/core/base64.js'
import {
  FRAGMENT_OVERHEAD_BYTES,
  MAX_FRAGMENTS,
  fragmentDataBytes,
  indexesIn,
  join,
  missingRanges,
  split,
} from '../../../src/core/fragment.js'
import type { Fragment } from '../../../src/core/envelope-types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

const pieces = (text: string, maxBytes: number): Fragment[] => {
  const cut = split(text, maxBytes, nodeHashes)
  if (!cut.ok) throw new Error(cut.refusal.message)
  return cut.value
}

describe('fragments', () => {
  it('make the text again in any order, and when some come twice', () => {
    const text = 'grüße, 世界 \u{1f600} '.repeat(40)
    const fragments = pieces(text, 7)
    expect(join([...fragments.toReversed(), ...fragments.slice(3, 9)], nodeHashes)).toEqual({ ok: true, value: text })
  })

  it('keep a byte order mark, for it was hashed', () => {
    expect(join(pieces('\ufeffx', 2), nodeHashes)).toEqual({ ok: true, value: '\ufeffx' })
  })

  it('are one for a text that fits and for an empty one', () => {
    expect(pieces('abc', 3)).toHaveLength(1)
    expect(pieces('', 3)).toHaveLength(1)
    expect(join(pieces('', 3), nodeHashes)).toEqual({ ok: true, value: '' })
  })

  it('are at most 256', () => {
    expect(pieces('x'.repeat(MAX_FRAGMENTS * 10), 10)).toHaveLength(MAX_FRAGMENTS)
    const tooMany = split('x'.repeat(MAX_FRAGMENTS * 10 + 1), 10, nodeHashes)
    expect(tooMany).toMatchObject({ ok: false, refusal: { code: 'too-large' } })
  })

  it.each([0, -1, 0.5, NaN, Infinity])('need room: %d bytes is none', (maxBytes) => {
    expect(split('x', maxBytes, nodeHashes)).toMatchObject({ ok: false, refusal: { code: 'too-large' } })
  })

  it('fit their envelope into what the road takes', () => {
    const road = 4_096
    const [fragment] = pieces('x'.repeat(100_000), fragmentDataBytes(road))
    const envelope = {
      kapnet: '0.2.0',
      type: 'fragment',
      version: 1,
      fragment: {
        ...fragment,
        index: 255,
        count: 256,
        sender: 'a'.repeat(64),
        nonce: '18446744073709551615',
        audience: ['b'.repeat(64)],
      },
      sha256: 'c'.repeat(64),
    }
    expect(Buffer.byteLength(JSON.stringify(envelope))).toBeLessThanOrEqual(road)
    expect(fragmentDataBytes(FRAGMENT_OVERHEAD_BYTES)).toBe(0)
    expect(fragmentDataBytes(0)).toBe(0)
  })

  it('are refused while nothing is there', () => {
    expect(join([], nodeHashes)).toMatchObject({ ok: false, refusal: { code: 'missing-fragment' } })
  })
})

describe('what is missing', () => {
  it('is told in inclusive ranges', () => {
    expect(missingRanges(8, [0, 3, 4, 7])).toEqual([
      [1, 2],
      [5, 6],
    ])
    expect(missingRanges(3, [])).toEqual([[0, 2]])
    expect(missingRanges(2, [0, 1])).toEqual([])
    expect(missingRanges(1e9, [])).toEqual([[0, MAX_FRAGMENTS - 1]])
  })

  it('is read back as indexes, whatever a peer put there', () => {
    expect(
      indexesIn(
        [
          [5, 6],
          [1, 2],
          [2, 2],
        ],
        8,
      ),
    ).toEqual([1, 2, 5, 6])
    expect(
      indexesIn(
        [
          [-5, 1e300],
          [3, 1],
        ],
        4,
      ),
    ).toEqual([0, 1, 2, 3])
    expect(indexesIn(Array<[number, number]>(100_000).fill([0, 1e9]), 1e9)).toHaveLength(MAX_FRAGMENTS)
    expect(indexesIn([[NaN, 3]], 4)).toEqual([])
  })
})

describe('base64', () => {
  it.each([0, 1, 2, 3, 4, 255, 256, 1_000])('is Node’s for %d bytes, both ways', (length) => {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) % 256)
    const text = Buffer.from(bytes).toString('base64')
    expect(toBase64(bytes)).toBe(text)
    expect(fromBase64(text)).toEqual(bytes)
  })

  it.each([
    'a',
    'ab',
    'abc',
    '=',
    '====',
    'a===',
    'ab=c',
    'a b=',
    'ab\n=',
    'ab-_',
    'abé=',
    'ex==',
    'ey8x=',
    'AB==CD==',
  ])('%j is refused', (text) => {
    expect(fromBase64(text)).toBeUndefined()
  })
})

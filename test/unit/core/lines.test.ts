import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineCutter, type LineError } from '../../../src/core/lines.js'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Cuts `data` into pieces of the given lengths and pushes them one by one. */
const pushAll = (
  data: Uint8Array,
  lengths: readonly number[],
  maxBytes: number,
): { lines: string[]; error?: LineError } => {
  const cutter = createLineCutter(maxBytes)
  const lines: string[] = []
  let at = 0
  for (const length of [...lengths, data.length]) {
    const answer = cutter.push(data.subarray(at, at + length))
    lines.push(...answer.lines)
    if (answer.error !== undefined) return { lines, error: answer.error }
    at += length
  }
  return { lines }
}

describe('cutting a stream into lines', () => {
  it('gives the same lines however the stream is cut', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => text.replaceAll('\n', ' '))
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 20 }),
        fc.array(fc.nat({ max: 30 }), { maxLength: 60 }),
        (lines, lengths) => {
          const data = bytes(lines.map((text) => text + '\n').join(''))
          expect(pushAll(data, lengths, 10_000)).toEqual({ lines })
        },
      ),
    )
  })

  it('keeps a character whole that comes in pieces', () => {
    const data = bytes('🜂\n')
    expect(pushAll(data, [1, 1, 1, 1], 10)).toEqual({ lines: ['🜂'] })
  })

  it('holds back what has no end yet', () => {
    const cutter = createLineCutter(10)
    expect(cutter.push(bytes('ab'))).toEqual({ lines: [] })
    expect(cutter.push(bytes('c\nd'))).toEqual({ lines: ['abc'] })
    expect(cutter.push(bytes('\n\n'))).toEqual({ lines: ['d', ''] })
  })

  it('takes a line of exactly the limit and none beyond, whole or in pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 30 }), (lengths) => {
        expect(pushAll(bytes('ok\n' + 'x'.repeat(20) + '\n'), lengths, 20)).toEqual({ lines: ['ok', 'x'.repeat(20)] })
        expect(pushAll(bytes('ok\n' + 'x'.repeat(21) + '\n'), lengths, 20)).toEqual({
          lines: ['ok'],
          error: 'too-long',
        })
        expect(pushAll(bytes('ok\n' + 'x'.repeat(21)), lengths, 20)).toEqual({ lines: ['ok'], error: 'too-long' })
      }),
    )
  })

  it('counts bytes, not characters', () => {
    expect(pushAll(bytes('ää\n'), [], 4)).toEqual({ lines: ['ää'] })
    expect(pushAll(bytes('äää\n'), [], 4)).toEqual({ lines: [], error: 'too-long' })
  })

  it('stops for good at bytes that are no UTF-8', () => {
    const cutter = createLineCutter(100)
    expect(cutter.push(Uint8Array.of(0x61, 0x0a, 0xc3, 0x28, 0x0a, 0x62, 0x0a))).toEqual({
      lines: ['a'],
      error: 'not-utf8',
    })
    expect(cutter.push(bytes('c\n'))).toEqual({ lines: [], error: 'not-utf8' })
  })

  it('does not swallow a byte order mark', () => {
    expect(pushAll(bytes('\ufeff{}\n'), [], 100)).toEqual({ lines: ['\ufeff{}'] })
  })
})

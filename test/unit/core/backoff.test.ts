import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../../src/core/backoff.js'

const limits = { minMs: 1_000, maxMs: 900_000 }

describe('backoff', () => {
  it('doubles its ceiling from the minimum to the maximum', () => {
    const almostOne = 1 - Number.EPSILON
    const ceilings = [0, 1, 2, 3, 9, 10, 100, 1e9].map((attempt) => backoffMs(attempt, limits, almostOne))
    expect(ceilings).toEqual([1_000, 2_000, 4_000, 8_000, 512_000, 900_000, 900_000, 900_000])
  })

  it('spreads over the whole range below the ceiling', () => {
    expect(backoffMs(5, limits, 0)).toBe(500)
    expect(backoffMs(5, limits, 0.5)).toBe(16_250)
  })

  it('takes an attempt that is none for the first', () => {
    for (const attempt of [-1, NaN, -Infinity]) expect(backoffMs(attempt, limits, 0.999)).toBe(1_000)
  })

  it('is a whole number of milliseconds between half the minimum and the maximum, always', () => {
    fc.assert(
      fc.property(
        fc.double(),
        fc.integer({ min: 1, max: 1e6 }),
        fc.integer({ min: 0, max: 1e9 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, minMs, more, fraction) => {
          const ms = backoffMs(attempt, { minMs, maxMs: minMs + more }, fraction)
          expect(Number.isInteger(ms)).toBe(true)
          expect(ms).toBeGreaterThanOrEqual(minMs / 2)
          expect(ms).toBeLessThanOrEqual(minMs + more)
        },
      ),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spend, type Bucket, type Rate } from '../../../src/core/bucket.js'
import type { UnixMs } from '../../../src/core/types.js'

const rates = fc.record({
  perSecond: fc.double({ min: 0.1, max: 10_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 1_000 }),
})
/** How many of these tries were let through. */
const passed = (times: readonly number[], rate: Rate): number => {
  let bucket: Bucket | undefined
  let count = 0
  for (const at of times) {
    const spent = spend(bucket, at as UnixMs, rate)
    bucket = spent.bucket
    if (spent.ok) count++
  }
  return count
}

describe('a token bucket', () => {
  it('is full at first and gives what comes in after that', () => {
    const rate = { perSecond: 10, burst: 3 }
    expect(passed([0, 0, 0, 0, 0], rate)).toBe(3)
    expect(passed([0, 0, 0, 100, 100], rate)).toBe(4)
    expect(passed([0, 0, 0, 99, 100], rate)).toBe(4)
    expect(passed([0, 0, 0, 1e9, 1e9, 1e9, 1e9], rate)).toBe(6)
  })

  it('never lets more through than rate × time + burst, however it is asked', () => {
    fc.assert(
      fc.property(rates, fc.array(fc.nat(2_000), { maxLength: 300 }), (rate, gaps) => {
        let now = 0
        const times = gaps.map((gap) => (now += gap))
        const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0)
        expect(passed(times, rate)).toBeLessThanOrEqual((spanMs / 1000) * rate.perSecond + rate.burst + 1e-6)
      }),
    )
  })

  it('wastes nothing: who asks all the time gets the rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (perSecond) => {
        const times = Array.from({ length: 10_001 }, (_, ms) => ms)
        expect(passed(times, { perSecond, burst: 2 })).toBeGreaterThanOrEqual(10 * perSecond)
      }),
      { numRuns: 20 },
    )
  })

  it('neither gives nor takes when the clock goes back, and never holds more than its burst', () => {
    fc.assert(
      fc.property(
        rates,
        fc.array(fc.integer({ min: -86_400_000, max: 86_400_000 }), { maxLength: 100 }),
        (rate, jumps) => {
          let bucket: Bucket | undefined
          let now = 0
          for (const jump of jumps) {
            const before = bucket?.tokens
            now += jump
            const spent = spend(bucket, now as UnixMs, rate)
            bucket = spent.bucket
            expect(bucket.tokens).toBeLessThanOrEqual(rate.burst)
            expect(bucket.tokens).toBeGreaterThanOrEqual(0)
            if (before !== undefined && jump <= 0) expect(bucket.tokens).toBe(spent.ok ? before - 1 : before)
          }
        },
      ),
    )
  })
})

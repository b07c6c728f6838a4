import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextLookMs, SLOW_MAX_MS, type Patience } from '../../../src/core/patience.js'

const PATIENCE: Patience = {
  receiptTimeoutMs: 30_000,
  backoff: { minMs: 1_000, maxMs: 15 * 60_000 },
  quickTries: 5,
}
const WEEK_MS = 7 * 24 * 60 * 60 * 1000

/** How many events one unanswered message costs in a week. */
const triesInAWeek = (calm: boolean, fraction: number): number => {
  let tries = 0
  for (let at = 0; at < WEEK_MS; tries++) at += nextLookMs(tries, calm, PATIENCE, fraction)
  return tries
}

describe('patience with an unanswered message', () => {
  it('asks again within minutes, five times, where an answer is to be expected', () => {
    const waits = [0, 1, 2, 3, 4].map((tries) => nextLookMs(tries, false, PATIENCE, 0.999))
    expect(waits.every((ms) => ms >= 30_500 && ms <= 46_000)).toBe(true)
    expect(waits.reduce((a, b) => a + b, 0)).toBeLessThan(4 * 60_000)
  })

  it('does not hurry where the peer sleeps or has the message already', () => {
    for (const fraction of [0, 0.5, 0.999]) {
      expect(nextLookMs(0, true, PATIENCE, fraction)).toBeGreaterThan(7 * 60_000)
      expect(nextLookMs(5, false, PATIENCE, fraction)).toBeGreaterThan(7 * 60_000)
    }
  })

  it('costs a hundred events in a week at most, on the average', () => {
    for (const calm of [true, false]) {
      expect(triesInAWeek(calm, 0.5)).toBeLessThan(100)
      // And it never gives a living peer up for more than six hours.
      expect(triesInAWeek(calm, 0.999)).toBeGreaterThan(28)
    }
  })

  it('is never shorter than the time a receipt may take, and never longer than that and the slowest wait', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.boolean(),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 10, max: 86_400_000 }),
        (tries, calm, fraction, maxMs) => {
          const ms = nextLookMs(tries, calm, { ...PATIENCE, backoff: { minMs: 10, maxMs } }, fraction)
          expect(Number.isSafeInteger(ms)).toBe(true)
          expect(ms).toBeGreaterThan(30_000)
          expect(ms).toBeLessThanOrEqual(30_000 + Math.max(SLOW_MAX_MS, maxMs))
        },
      ),
    )
  })
})

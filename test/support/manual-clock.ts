import type { UnixMs } from '../../src/core/types.js'
import type { Clock } from '../../src/ports.js'

/** A clock that goes when it is told to. Who sleeps on it wakes when its time has come, or when its signal aborts. */
export interface ManualClock extends Clock {
  /** Moves on, and wakes everybody whose time has come, in that order. */
  advance(ms: number): void
  /** As when somebody sets it: nobody wakes. */
  set(ms: number): void
  /** How long each of those who sleep has asked for. */
  readonly asleep: () => number[]
}

export const manualClock = (start = 1_750_000_000_000): ManualClock => {
  let now = start
  const sleepers = new Set<{ readonly until: number; readonly ms: number; readonly wake: () => void }>()
  return {
    now: () => now as UnixMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) {
          resolve()
          return
        }
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { until: now + ms, ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake, { once: true })
      }),
    advance: (ms) => {
      now += ms
      const due = [...sleepers].filter((s) => s.until <= now).sort((a, b) => a.until - b.until)
      for (const { wake } of due) wake()
    },
    set: (ms) => {
      now = ms
    },
    asleep: () => [...sleepers].map((s) => s.ms),
  }
}

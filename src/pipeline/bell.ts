/**
 * Wakes whoever waits for a name. A ring that nobody waits for is remembered once, so that none is lost between a look
 * at the store and the wait that follows it. The store holds the truth; a bell only saves the looking.
 */
export interface Bell {
  ring(name: string): void
  /** Resolves at the next ring, after `ms` (undefined: no limit), or when `signal` aborts. */
  wait(name: string, ms: number | undefined, signal: AbortSignal): Promise<void>
}

/** setTimeout takes no more than this; a longer wait is cut into several. */
const MAX_TIMER_MS = 2_147_483_647

export const createBell = (): Bell => {
  const rung = new Set<string>()
  const waiting = new Map<string, Set<() => void>>()
  return {
    ring: (name) => {
      const sleepers = waiting.get(name)
      if (sleepers === undefined) {
        rung.add(name)
        return
      }
      waiting.delete(name)
      for (const wake of sleepers) wake()
    },
    wait: (name, ms, signal) => {
      if (signal.aborted || rung.delete(name)) return Promise.resolve()
      return new Promise((resolve) => {
        const sleepers = waiting.get(name) ?? new Set()
        waiting.set(name, sleepers)
        const wake = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          sleepers.delete(wake)
          if (sleepers.size === 0 && waiting.get(name) === sleepers) waiting.delete(name)
          resolve()
        }
        const timer = ms === undefined ? undefined : setTimeout(wake, Math.min(Math.max(0, ms), MAX_TIMER_MS))
        sleepers.add(wake)
        signal.addEventListener('abort', wake, { once: true })
      })
    },
  }
}

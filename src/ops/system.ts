import { randomBytes } from 'node:crypto'
import type { UnixMs } from '../core/types.js'
import type { Clock, Random } from '../ports.js'

/** The machine's clock, shifted by `offsetMs` (a test clock; 0 otherwise). */
export const systemClock = (offsetMs = 0): Clock => ({
  now: () => (Date.now() + offsetMs) as UnixMs,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve()
        return
      }
      const end = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      signal?.addEventListener('abort', end, { once: true })
    }),
})

/** Cryptographic randomness for bytes; `fraction` serves jitter only. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  fraction: () => Math.random(),
}

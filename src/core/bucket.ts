import type { UnixMs } from './types.js'

/** A token bucket as plain data: what is left, and when that was known. */
export interface Bucket {
  readonly tokens: number
  readonly at: UnixMs
}

export interface Rate {
  readonly perSecond: number
  /** The most that can be spent at once. */
  readonly burst: number
}

/** Takes one token if there is one. A clock that goes back neither gives nor takes. */
export const spend = (bucket: Bucket | undefined, now: UnixMs, rate: Rate): { ok: boolean; bucket: Bucket } => {
  const before = bucket ?? { tokens: rate.burst, at: now }
  const elapsedSec = Math.max(0, now - before.at) / 1000
  const tokens = Math.min(rate.burst, before.tokens + elapsedSec * rate.perSecond)
  return tokens >= 1
    ? { ok: true, bucket: { tokens: tokens - 1, at: now } }
    : { ok: false, bucket: { tokens, at: now } }
}

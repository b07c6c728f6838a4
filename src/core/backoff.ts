export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/** 2^32 times any minimum is beyond any maximum; a power beyond it would only risk Infinity. */
const MAX_DOUBLINGS = 32

/**
 * How long to wait before the next try, in whole milliseconds: exponential with full jitter, so that many who failed together
 * don't come back together. The ceiling is `minMs` for attempt 0, doubles with each attempt and ends at `maxMs`; the
 * wait is anywhere between `minMs / 2` and the ceiling, as `fraction` (0 <= x < 1, from Random) says.
 */
export const backoffMs = (attempt: number, { minMs, maxMs }: BackoffLimits, fraction: number): number => {
  const doublings = attempt >= 1 ? Math.min(Math.floor(attempt), MAX_DOUBLINGS) : 0
  const floorMs = minMs / 2
  const ceilingMs = Math.max(Math.min(minMs * 2 ** doublings, maxMs), floorMs)
  return Math.ceil(floorMs + fraction * (ceilingMs - floorMs))
}

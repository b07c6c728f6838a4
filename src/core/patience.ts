import { backoffMs, type BackoffLimits } from './backoff.js'

/**
 * When to look again at a message that a relay has taken and no receipt has answered (delivery.md). A receipt that is lost
 * or a relay that lies show within a few quick tries. After that each further event only costs: the one before it stands
 * on the relay until the peer comes. So from then on, and from the start where the peer is known to be asleep or has the
 * message already, the waits begin at the longest quick one and double up to six hours: some sixty events in a week instead
 * of thirteen hundred, for each of maybe 100,000 messages to a peer that never comes back.
 */
export interface Patience {
  readonly receiptTimeoutMs: number
  readonly backoff: BackoffLimits
  /** How many tries are quick ones. */
  readonly quickTries: number
}

export const SLOW_MAX_MS = 6 * 60 * 60 * 1000

/** `tries` were made before this one. `calm`: that no answer comes is no failure. */
export const nextLookMs = (tries: number, calm: boolean, p: Patience, fraction: number): number => {
  if (!calm && tries < p.quickTries) return p.receiptTimeoutMs + backoffMs(tries, p.backoff, fraction)
  const slow = { minMs: p.backoff.maxMs, maxMs: Math.max(SLOW_MAX_MS, p.backoff.maxMs) }
  return p.receiptTimeoutMs + backoffMs(calm ? tries : tries - p.quickTries, slow, fraction)
}

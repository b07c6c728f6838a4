import { backoffMs, type BackoffLimits } from '../core/backoff.js'
import type { Fault } from '../core/fault.js'
import type { Clock, Delivery, Random, Store } from '../ports.js'
import type { AfterCommit } from './after-commit.js'
import { putOffMove } from './pump.js'

export interface PutOffOptions {
  readonly store: Pick<Store, 'commit'>
  readonly clock: Clock
  readonly random: Random
  readonly afterCommit: AfterCommit
  readonly backoff: BackoffLimits
}

/** A local port that comes back after an outage should have what waits for it soon. */
export const LOCAL_BACKOFF: BackoffLimits = { minMs: 1_000, maxMs: 60_000 }

/**
 * What failed on the way (a signer or a daemon that is away) is tried again ever more seldom: each try is a row, and may be
 * a question to somebody who has trouble already.
 */
export const createPutOff =
  (o: PutOffOptions) =>
  async (delivery: Delivery, fault: Fault): Promise<void> => {
    const limits = delivery.to.startsWith('port:') ? LOCAL_BACKOFF : o.backoff
    const waitMs = backoffMs(delivery.tries, limits, o.random.fraction())
    const why = { code: 'fault', reason: fault.message.slice(0, 200), try: true } as const
    o.afterCommit(await o.store.commit(() => ({ moves: [putOffMove(delivery, o.clock.now(), waitMs, why)] })))
  }

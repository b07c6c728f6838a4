import { spend, type Bucket } from '../core/bucket.js'
import type { Hashes } from '../core/hashes.js'
import type { Decision } from '../core/decision.js'
import { decideInbound, openCarried, type InboundContext } from '../core/inbound.js'
import { rememberRefusal } from '../core/refusal.js'
import type { EventId, Pubkey } from '../core/types.js'
import type { Arrival, Clock, Log, Store, Verifier } from '../ports.js'
import type { AfterCommit } from './after-commit.js'
import type { Tally } from './tally.js'

/**
 * Where everything that comes from a relay enters: open, verify the attestations in one batch, decide and commit.
 * Resolves after the group commit; rejects only with a Fault('store'), and then the transport offers the same again.
 */
export interface InboundOptions {
  readonly store: Pick<Store, 'commit'>
  readonly verifier: Verifier
  readonly hashes: Hashes
  readonly clock: Clock
  readonly log: Log
  readonly tally: Tally
  readonly afterCommit: AfterCommit
  readonly context: () => InboundContext
  readonly maxEnvelopeBytes: number
  /** Messages a second from one trusted carrier; `open` ones get a tenth. */
  readonly peerRatePerSecond: number
}

/** Carriers whose rate is kept in mind; the longest unused is forgotten first. */
const MAX_BUCKETS = 10_000
const BURST_SECONDS = 5
/** Events that are refused for now and have been answered; the oldest is forgotten first. */
const MAX_TOLD = 20_000

export const createInbound = (o: InboundOptions): ((arrivals: readonly Arrival[]) => Promise<void>) => {
  const buckets = new Map<Pubkey, Bucket>()
  /**
   * What is refused for now leaves no mark, so that it is looked at again. But an event is counted and answered once
   * (wire.md 2.4): else a relay that repeats a single one of a trusted peer could make us publish receipts without end.
   */
  const told = new Set<EventId>()

  const isToldAgain = (event: EventId, { refusal }: Decision): boolean =>
    refusal !== undefined && rememberRefusal(refusal.code) === 'not' && told.has(event)

  const tell = (event: EventId, { refusal }: Decision): void => {
    if (refusal === undefined || rememberRefusal(refusal.code) !== 'not') return
    told.add(event)
    if (told.size > MAX_TOLD) {
      const oldest = told.keys().next()
      if (oldest.done !== true) told.delete(oldest.value)
    }
  }

  const withinRate = (carrier: Pubkey, ctx: InboundContext): boolean => {
    const rate = ctx.roster.standing(carrier).receipts ? o.peerRatePerSecond : o.peerRatePerSecond / 10
    const bucket = buckets.get(carrier)
    buckets.delete(carrier)
    // A bucket that can't hold one whole token would never give one.
    const spent = spend(bucket, ctx.now, { perSecond: rate, burst: Math.max(1, rate * BURST_SECONDS) })
    buckets.set(carrier, spent.bucket)
    if (buckets.size > MAX_BUCKETS) {
      const oldest = buckets.keys().next()
      if (oldest.done !== true) buckets.delete(oldest.value)
    }
    return spent.ok
  }

  return async (arrivals) => {
    const ctx = o.context()
    o.tally.count('arrived', arrivals.length)
    const opened = arrivals
      .filter((a) => {
        const within = withinRate(a.carrier, ctx)
        // Not remembered: its sender's next try may find room.
        if (!within) o.tally.refused('rate-limited')
        return within
      })
      .map((a) => openCarried(a, o.maxEnvelopeBytes, o.hashes))

    const asked = opened.filter((x) => x.proof !== undefined)
    const held = await o.verifier.verify(asked.flatMap((x) => (x.proof === undefined ? [] : [x.proof])))
    const attested = new Set(asked.filter((_, i) => held[i] === true))

    const decisions = await Promise.all(
      opened.map((x) =>
        o.store.commit((view) => {
          const decision = decideInbound(x, attested.has(x), view, o.context())
          return isToldAgain(x.carried.event.id, decision) ? {} : decision
        }),
      ),
    )
    for (const [i, decision] of decisions.entries()) {
      const from = opened[i]?.carried
      if (from !== undefined) tell(from.event.id, decision)
      if (decision.fresh === true) o.tally.count('taken')
      else if (decision.fresh === false) o.tally.count('known')
      else if (decision.moves !== undefined) o.tally.count('receipts_in', decision.moves.length)
      else if (decision.refusal === undefined && decision.peer === undefined) o.tally.count('ignored')
      if (decision.refusal !== undefined) {
        o.log.info('inbound.refused', {
          code: decision.refusal.code,
          reason: decision.refusal.message,
          event: from?.event.id,
          carrier: from?.carrier,
          relay: from?.relay,
        })
      }
      o.afterCommit(decision)
    }
  }
}

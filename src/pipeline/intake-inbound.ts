import { spend, type Bucket } from '../core/bucket.js'
import type { Hashes } from '../core/hashes.js'
import type { Decision } from '../core/decision.js'
import { decideInbound, openCarried, type Carried, type InboundContext, type Opened } from '../core/inbound.js'
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
  /** Told of what came from somebody whom we don't trust: no mark is written for it. */
  readonly ofStranger: (event: EventId) => void
}

/**
 * What comes too fast from a peer that is trusted by name waits this long in all for room, and its relay with it: after an
 * outage a peer's backlog comes as fast as a relay can send it, and what is dropped of gossip nobody sends again.
 */
const MAX_PACED_MS = 1_000
/** A shorter wait is not worth the timer. */
const MIN_PACE_MS = 20
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

  const tell = (event: EventId): void => {
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

  /** Those that there is room for, now or very soon. */
  const paced = async (arrivals: readonly Arrival[]): Promise<Arrival[]> => {
    const taken: Arrival[] = []
    let leftMs = MAX_PACED_MS
    for (const a of arrivals) {
      let within = withinRate(a.carrier, o.context())
      while (!within && leftMs > 0 && o.context().roster.standing(a.carrier).receipts) {
        const waitMs = Math.max(Math.ceil(1_000 / o.peerRatePerSecond), MIN_PACE_MS)
        leftMs -= waitMs
        await o.clock.sleep(waitMs)
        within = withinRate(a.carrier, o.context())
      }
      if (within) taken.push(a)
      // Not remembered: its sender's next try may find room.
      else o.tally.refused('rate-limited')
    }
    return taken
  }

  /** Decides and commits one; what a stranger sent leaves no mark. */
  const take = async (opened: Opened, attested: boolean): Promise<Decision> => {
    const { event, carrier } = opened.carried
    const isStranger = !o.context().roster.standing(carrier).trusted
    const decision = await o.store.commit((view) => {
      const { marks, ...decided } = decideInbound(opened, attested, view, o.context())
      if (isToldAgain(event.id, decided)) return {}
      return marks === undefined || isStranger ? decided : { ...decided, marks }
    })
    const isForNow = decision.refusal !== undefined && rememberRefusal(decision.refusal.code) === 'not'
    if (isForNow) tell(event.id)
    else if (isStranger) o.ofStranger(event.id)
    return decision
  }

  const follow = (decision: Decision, from: Carried): void => {
    if (decision.fresh === true) o.tally.count('taken')
    else if (decision.fresh === false) o.tally.count('known')
    else if (decision.moves !== undefined) o.tally.count('receipts_in', decision.moves.length)
    else if (decision.refusal === undefined && decision.peer === undefined) o.tally.count('ignored')
    if (decision.refusal !== undefined) {
      o.log.info('inbound.refused', {
        code: decision.refusal.code,
        reason: decision.refusal.message,
        event: from.event.id,
        carrier: from.carrier,
        relay: from.relay,
      })
    }
    o.afterCommit(decision)
  }

  return async (arrivals) => {
    o.tally.count('arrived', arrivals.length)
    const opened = (await paced(arrivals)).map((a) => openCarried(a, o.maxEnvelopeBytes, o.hashes))

    const asked = opened.filter((x) => x.proof !== undefined)
    const held = await o.verifier.verify(asked.flatMap((x) => (x.proof === undefined ? [] : [x.proof])))
    const attested = new Set(asked.filter((_, i) => held[i] === true))

    // A batch may be written in two transactions: what the first one took must have its bells, also where the second failed.
    const settled = await Promise.allSettled(opened.map((x) => take(x, attested.has(x))))
    for (const [i, done] of settled.entries()) {
      const from = opened[i]?.carried
      if (done.status === 'fulfilled' && from !== undefined) follow(done.value, from)
    }
    const failed = settled.find((done) => done.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
}

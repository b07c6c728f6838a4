import { backoffMs, type BackoffLimits } from '../core/backoff.js'
import { Fault, reasonOf } from '../core/fault.js'
import type { EventId, NostrEvent } from '../core/types.js'
import type { Arrival, Clock, Log, Random } from '../ports.js'
import type { Admission, From, Incoming } from './admit.js'

/**
 * From a batch of one relay to the intake, once for all relays: an event that several relays send at the same time, or one
 * relay on several subscriptions, is worked on once. Whoever brought another copy waits for that work to end, because only
 * then can its relay be called read.
 *
 * Two keys: before the signature holds, only copies with the same signature are the same; after that, the id is enough.
 */
export interface TakeOptions {
  readonly admission: Admission
  readonly intake: (arrivals: Arrival[]) => Promise<void>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly retry: BackoffLimits
}

/** Resolves when all of the batch is taken or refused, copies under way elsewhere included. Rejects when stopped before. */
export type Take = (batch: readonly Incoming[], from: From, signal: AbortSignal) => Promise<void>

export const createTake = (o: TakeOptions): Take => {
  const checking = new Map<string, Promise<void>>()
  const taking = new Map<EventId, Promise<void>>()

  /** A disk that fails may come back. What is offered is held until it does, and the relay is made to wait meanwhile. */
  const offer = async (arrivals: Arrival[], signal: AbortSignal): Promise<void> => {
    for (let attempt = 0; ; attempt++) {
      try {
        await o.intake(arrivals)
        return
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        o.log.error('inbound.intake-failed', { reason: reasonOf(error), events: arrivals.length })
        await o.clock.sleep(backoffMs(attempt, o.retry, o.random.fraction()), signal)
        if (signal.aborted) throw error
      }
    }
  }

  return async (batch, from, signal) => {
    const elsewhere: Promise<void>[] = []
    const mine = new Map<string, NostrEvent>()
    for (const item of batch) {
      const event = o.admission.cheap(item, from)
      if (event === undefined) continue
      const key = event.id + event.sig
      const present = checking.get(key)
      if (present === undefined) mine.set(key, event)
      else elsewhere.push(present)
    }

    const ids: EventId[] = []
    const work = async (): Promise<void> => {
      const fresh: NostrEvent[] = []
      for (const event of await o.admission.prove([...mine.values()], from)) {
        const present = taking.get(event.id)
        if (present === undefined) {
          taking.set(event.id, own)
          ids.push(event.id)
          fresh.push(event)
        } else if (present !== own) elsewhere.push(present)
      }
      const arrivals = await Promise.all(fresh.map((event) => o.admission.open(event, from)))
      if (arrivals.length > 0) await offer(arrivals, signal)
    }
    // `own` never waits for work elsewhere, so two batches can't wait for each other.
    const own: Promise<void> = Promise.resolve()
      .then(work)
      .finally(() => {
        for (const key of mine.keys()) checking.delete(key)
        for (const id of ids) taking.delete(id)
      })
    for (const key of mine.keys()) checking.set(key, own)
    await own
    await Promise.all(elsewhere)
  }
}

import { reasonOf } from '../../src/core/fault.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import type { Log, Verifier } from '../../src/ports.js'
import { accepted, ACCEPTED, refused } from '../session/answers.js'
import type { Verdict } from '../session/answers.js'
import { expirationOf } from '../events/expiration.js'
import { classOf } from '../events/kind-class.js'
import type { RelayLimits } from '../limits.js'
import type { Meters } from '../ops/meters.js'
import { mayRead } from '../policy/authorise.js'
import { EXPIRED, refuseWrite } from '../policy/policy.js'
import type { Policy } from '../policy/policy.js'
import { openRates } from '../session/rate.js'
import { recentIds } from './recent-ids.js'
import type { Viewer } from '../session/session.js'
import type { EventStore } from '../store/store.js'
import type { Outcome } from '../store/store-write.js'
import type { LiveEvent, Subscriptions } from '../live/subscriptions.js'
import { verifyStage } from './verify.js'
import { writeStage } from './write.js'

/** The road of an event: policy -> known already? -> verify -> write -> fan out -> verdict. Cheap checks before dear ones. */
export interface Ingest {
  /** Resolves after the commit; never rejects. `bytes` is what the event holds in memory meanwhile. */
  submit(event: NostrEvent, bytes: number, viewer: Viewer): Promise<Verdict>
  /** Resolves when everything submitted has its verdict, and that was said. */
  idle(): Promise<void>
}

export interface IngestParts {
  readonly policy: Policy
  readonly verifier: Verifier
  readonly store: EventStore
  readonly subscriptions: Subscriptions
  readonly limits: Pick<RelayLimits, 'maxQueuedEvents' | 'maxQueuedBytes'> &
    Partial<Pick<RelayLimits, 'maxEventsPerSecOfKey'>>
  readonly now: () => UnixSec
  readonly log: Log
  /** Absent: nothing is counted. */
  readonly meters?: Meters
}

const MAX_RECENT_EPHEMERAL = 10_000
const MAX_RATED_KEYS = 50_000

export const openIngest = (parts: IngestParts): Ingest => {
  const { policy, store, subscriptions, limits, now, log, meters } = parts
  const verify = verifyStage(parts.verifier, parts.meters?.verify)
  const write = writeStage(store, now, parts.meters?.commit)
  const ephemeral = recentIds(MAX_RECENT_EPHEMERAL)
  const rates = openRates(limits.maxEventsPerSecOfKey ?? 0, MAX_RATED_KEYS, now)
  const idleWaiters: (() => void)[] = []
  let queuedEvents = 0
  let queuedBytes = 0
  let lastFailure: unknown

  const judge = async (event: NostrEvent, viewer: Viewer): Promise<Verdict> => {
    // To whom may not read it, only once its signature held: else they could guess at events and be told that they guessed right.
    const isKnown = store.has(event.id) || ephemeral.has(event.id)
    if (isKnown && mayRead(policy, viewer, event)) {
      await store.settled()
      return KNOWN
    }
    if (!(await verify(event))) return refused('invalid: the signature does not hold')
    // Only now: nobody can use up what another key may send.
    if (!rates.take(event.pubkey)) return refused('rate-limited: too many events of this author; try again later')
    const expiresAt = expirationOf(event)
    const live: LiveEvent = { event, json: JSON.stringify(event), ...(expiresAt === undefined ? {} : { expiresAt }) }
    if (classOf(event.kind) === 'ephemeral') return broadcast(live)
    const vanishCount = store.vanishCount()
    const outcome = await write(live)
    // What was banned while the disk was waited for is hidden by now.
    const isHidden = (seq: number): boolean => store.vanishCount() !== vanishCount && !store.isServed(seq)
    if (outcome.state === 'stored' && !isHidden(outcome.seq)) {
      const taken = subscriptions.publish({ ...live, seq: outcome.seq })
      if (meters !== undefined) meters.sent.live += taken
    }
    return verdictOn(outcome)
  }

  const broadcast = (live: LiveEvent): Verdict => {
    // Two copies may have been verified side by side; only one is sent on.
    if (!ephemeral.add(live.event.id)) return KNOWN
    const taken = subscriptions.publish(live)
    if (taken > 0) {
      if (meters !== undefined) {
        meters.events.ephemeral++
        meters.sent.live += taken
      }
      return ACCEPTED
    }
    ephemeral.forget(live.event.id)
    return refused('mute: nobody listens to this ephemeral event')
  }

  const wakeIdle = (): void => {
    if (queuedEvents === 0) for (const wake of idleWaiters.splice(0)) wake()
  }

  const leave = (bytes: number): void => {
    queuedEvents--
    queuedBytes -= bytes
    // Next turn, so that whoever waits for this verdict has said it by then.
    if (queuedEvents === 0 && idleWaiters.length > 0) setImmediate(wakeIdle)
  }

  return {
    submit: async (event, bytes, viewer) => {
      const reason = refuseWrite(policy, event, { viewer, now: now() })
      if (reason !== undefined) return refused(reason)
      if (queuedEvents >= limits.maxQueuedEvents || queuedBytes + bytes > limits.maxQueuedBytes) {
        return refused('rate-limited: the relay is busy; try again')
      }
      queuedEvents++
      queuedBytes += bytes
      try {
        return await judge(event, viewer)
      } catch (error) {
        // One failed commit is one line, not one for each of its events.
        if (error !== lastFailure) log.error('ingest-failed', { id: event.id, reason: reasonOf(error) })
        lastFailure = error
        return refused('error: the event could not be stored; try again')
      } finally {
        leave(bytes)
      }
    },
    idle: () =>
      queuedEvents === 0 ? Promise.resolve() : new Promise((resolve) => void idleWaiters.push(() => resolve())),
  }
}

const KNOWN = accepted('duplicate: already have this event')

const verdictOn = (outcome: Outcome): Verdict => {
  switch (outcome.state) {
    case 'stored':
      return ACCEPTED
    case 'duplicate':
      return KNOWN
    case 'superseded':
      // What the author wants to be seen is stored; where that is gone too, nothing stands for this event.
      return outcome.held
        ? accepted('duplicate: already have a newer version of this event')
        : refused('blocked: a newer version of this event is gone already')
    case 'deleted':
      return refused('blocked: its author deleted this event')
    case 'vanished':
      return refused('blocked: its author, or whom it is for, asked to vanish from this relay')
    case 'expired':
      return refused(EXPIRED)
    case 'banned':
      return refused('blocked: banned from this relay')
  }
}

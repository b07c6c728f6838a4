import { setImmediate as nextTurn } from 'node:timers/promises'
import { reasonOf } from '../../src/core/fault.js'
import type { Hashes } from '../../src/core/hashes.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import type { Log } from '../../src/ports.js'
import {
  ACCEPTED,
  authFrame,
  closedFrame,
  countFrame,
  eoseFrame,
  eventFrame,
  eventHead,
  okFrame,
  refused,
} from './answers.js'
import type { Reason, Verdict } from './answers.js'
import { refuseAuth } from './auth.js'
import { withoutLimit } from './count.js'
import { mayRead, mayReadKind, refuseAsk } from '../policy/authorise.js'
import { isExpired } from '../events/expiration.js'
import { gather } from './gather.js'
import type { Ingest } from '../ingest/ingest.js'
import type { RelayLimits } from '../limits.js'
import { countAction, countRefusal, countVerdict } from '../ops/count.js'
import type { Meters } from '../ops/meters.js'
import type { Policy } from '../policy/policy.js'
import { openSession } from './session.js'
import type { Judged } from './session.js'
import { openRates } from './rate.js'
import type { ScanOptions } from '../store/scan.js'
import type { EventStore } from '../store/store.js'
import { openSyncs } from './syncs.js'
import type { SyncRoom } from './syncs.js'
import type { Wire } from '../server/wire.js'
import type { LiveEvent, Subscriptions } from '../live/subscriptions.js'
import type { Job, Subscription } from './subscription.js'

export interface ConnectionParts {
  readonly limits: RelayLimits
  readonly policy: Policy
  readonly ingest: Ingest
  readonly store: Pick<EventStore, 'scan' | 'scanEntries' | 'lastSeq'>
  readonly syncRoom: SyncRoom
  readonly subscriptions: Subscriptions
  readonly now: () => UnixSec
  readonly log: Log
  readonly hashes: Hashes
  /** Whether the signature holds. */
  readonly verify: (event: NostrEvent) => Promise<boolean>
  /** For NIP-42: nobody can guess it. */
  readonly newChallenge: () => string
  /** Normalised URLs under which the relay is known. */
  readonly publicUrls: readonly string[]
  readonly meters: Meters
}

export interface Connection {
  receive(text: string, bytes: number): void
  closed(): void
}

/** A slice of a stored answer ends after this long, or when this much waits for its reader. */
const SLICE_MS = 5
const READER_LAG_BYTES = 256 * 1024

/** Does what a session says. Stored answers of one connection are made one after the other, in the order of their REQs. */
export const openConnection = (wire: Wire, parts: ConnectionParts): Connection => {
  const { limits, policy, ingest, store, subscriptions, now, log, meters } = parts
  const session = openSession(limits)
  const challenge = parts.newChallenge()
  const open = new Map<string, Subscription>()
  /** What has not begun. */
  const queue = new Set<Job>()
  const rates = openRates(limits.maxEventsPerSec, 1, now)
  let serving = false
  let inFlightEvents = 0
  let inFlightBytes = 0
  let pendingBytes = 0
  let paused = false
  let gone = false

  const send = (frame: string): void => {
    wire.send(frame)
    if (wire.bufferedBytes() > limits.maxBufferedBytes) wire.cut('slow-reader')
  }

  const readable = (event: NostrEvent): boolean => mayRead(policy, session.viewer, event)

  const readableKind = (kind: number): boolean | undefined => mayReadKind(policy, session.viewer, kind)

  const scanOptions = (): Omit<ScanOptions, 'upToSeq'> => ({
    maxLimit: Infinity,
    now,
    ...(policy.read.length === 0 ? {} : { mayRead: readable, mayReadKind: readableKind }),
  })

  const setPaused = (wanted: boolean): void => {
    if (wanted === paused) return
    paused = wanted
    if (paused) wire.pause()
    else wire.resume()
  }

  /** EVENT and AUTH alike: while too many of them wait for their answer, no more is read. */
  const answer = async (asked: Judged, bytes: number, judge: () => Promise<Verdict>): Promise<void> => {
    inFlightEvents++
    inFlightBytes += bytes
    if (inFlightEvents >= limits.maxInFlightEvents || inFlightBytes >= limits.maxInFlightBytes) setPaused(true)
    const verdict = await judge()
    countVerdict(meters, asked.do, verdict)
    inFlightEvents--
    inFlightBytes -= bytes
    send(okFrame(asked.event.id, verdict))
    if (inFlightEvents <= limits.maxInFlightEvents / 2 && inFlightBytes <= limits.maxInFlightBytes / 2) setPaused(false)
  }

  const isOurs = (url: string): boolean => parts.publicUrls.includes(url) || wire.urls.includes(url)

  /** Never rejects. */
  const authenticate = async (event: NostrEvent): Promise<Verdict> => {
    const reason = refuseAuth(event, { challenge, isOurs, now: now(), hashes: parts.hashes })
    if (reason !== undefined) return refused(reason)
    try {
      if (!(await parts.verify(event))) return refused('invalid: the signature does not hold')
    } catch (error) {
      log.error('auth-failed', { reason: reasonOf(error) })
      return refused('error: the signature could not be checked; try again')
    }
    if (session.authenticated(event.pubkey)) return ACCEPTED
    return refused(`restricted: at most ${limits.maxAuthedKeys} keys on one connection`)
  }

  const end = (subscription: Subscription | undefined): void => {
    if (subscription === undefined) return
    subscription.ended = true
    queue.delete(subscription.job)
    release(subscription)
    subscriptions.remove(subscription)
    if (open.get(subscription.id) === subscription) open.delete(subscription.id)
  }

  const endSaying = (subscription: Subscription, reason: Reason): void => {
    end(subscription)
    session.ended(subscription.id)
    send(closedFrame(subscription.id, reason))
  }

  const subscribe = (id: string, filters: readonly Filter[]): void => {
    end(open.get(id))
    const reason = refuseAsk(policy, session.viewer, filters)
    if (reason !== undefined) {
      countRefusal(meters.asks.req.refused, reason)
      session.ended(id)
      send(closedFrame(id, reason))
      return
    }
    const subscription: Subscription = {
      id,
      filters,
      head: eventHead(id),
      job: {
        run: () => serve(subscription),
        fail: () => endSaying(subscription, 'error: the stored events could not be read'),
      },
      fromSeq: 0,
      pending: [],
      ended: false,
      deliver: (live) => deliver(subscription, live),
    }
    open.set(id, subscription)
    enqueue(subscription.job)
  }

  const enqueue = (job: Job): void => {
    queue.add(job)
    // The promise can't be lost: `serveQueue` catches all that goes wrong.
    if (!serving) void serveQueue()
  }

  const count = (id: string, filters: readonly Filter[]): void => {
    const reason = queue.size >= limits.maxQueuedJobs ? BUSY : refuseAsk(policy, session.viewer, filters)
    if (reason !== undefined) {
      countRefusal(meters.asks.count.refused, reason)
      send(closedFrame(id, reason))
      return
    }
    const run = async (): Promise<void> => {
      let events = 0
      const source = store.scanEntries(filters.map(withoutLimit), { ...scanOptions(), upToSeq: store.lastSeq() })
      if (await gather(source, () => ++events > 0 && !gone)) send(countFrame(id, events))
    }
    enqueue({ run, fail: () => send(closedFrame(id, 'error: the stored events could not be read')) })
  }

  const syncs = openSyncs({
    limits,
    room: parts.syncRoom,
    hashes: parts.hashes,
    log,
    send,
    meters: meters.asks.neg,
    refuse: (filter) => refuseAsk(policy, session.viewer, [filter]),
    isBusy: () => queue.size >= limits.maxQueuedJobs,
    entries: (filter) =>
      store.scanEntries([filter], { ...scanOptions(), maxLimit: Infinity, upToSeq: store.lastSeq() }),
    // `run` catches all that goes wrong itself.
    enqueue: (run) => enqueue({ run, fail: () => undefined }),
  })

  const deliver = (subscription: Subscription, live: LiveEvent): boolean => {
    const isStoredPart = live.seq !== undefined && live.seq <= subscription.fromSeq
    if (subscription.ended || isStoredPart || !readable(live.event)) return false
    if (subscription.pending === undefined) send(eventFrame(subscription.head, live.json))
    else if (!holdBack(subscription.pending, live)) {
      endSaying(subscription, 'error: more came in than could wait for the stored events; ask again')
    }
    return !subscription.ended
  }

  /** False: it would be more than may wait. Half of a connection's memory at most, so that there is room to send it. */
  const holdBack = (pending: LiveEvent[], live: LiveEvent): boolean => {
    if (pending.length >= limits.maxPendingLive) return false
    if (2 * (pendingBytes + live.json.length) > limits.maxBufferedBytes) return false
    pendingBytes += live.json.length
    pending.push(live)
    return true
  }

  /** What waited, which then waits no more. */
  const release = (subscription: Subscription): LiveEvent[] => {
    const waited = subscription.pending ?? []
    subscription.pending = undefined
    for (const live of waited) pendingBytes -= live.json.length
    return waited
  }

  const serveQueue = async (): Promise<void> => {
    serving = true
    // A set may grow while it is walked: what was added meanwhile comes last.
    for (const next of queue) {
      queue.delete(next)
      try {
        await next.run()
      } catch (error) {
        log.error('query-failed', { reason: reasonOf(error) })
        next.fail()
      }
    }
    serving = false
  }

  const serve = async (subscription: Subscription): Promise<void> => {
    // In one turn: from here on every commit is either in the stored part (up to fromSeq) or delivered live.
    subscription.fromSeq = store.lastSeq()
    subscriptions.add(subscription)
    const events = store.scan(subscription.filters, {
      ...scanOptions(),
      upToSeq: subscription.fromSeq,
      maxLimit: limits.maxLimit,
    })
    while (!wire.together(() => serveSlice(subscription, events))) {
      await (wire.bufferedBytes() > READER_LAG_BYTES ? wire.drained() : nextTurn())
      if (subscription.ended) return
    }
  }

  /** True when the stored part has ended and the subscription is live. */
  const serveSlice = (subscription: Subscription, events: ReturnType<EventStore['scan']>): boolean => {
    const until = performance.now() + SLICE_MS
    while (performance.now() < until && wire.bufferedBytes() <= READER_LAG_BYTES) {
      const step = events.next()
      if (step.done === true) {
        goLive(subscription)
        return true
      }
      if (step.value === undefined) continue
      meters.sent.stored++
      send(eventFrame(subscription.head, step.value.json))
    }
    return false
  }

  const goLive = (subscription: Subscription): void => {
    send(eoseFrame(subscription.id))
    for (const live of release(subscription)) {
      if (!isExpired(live.expiresAt, now())) send(eventFrame(subscription.head, live.json))
    }
  }

  send(authFrame(challenge))

  return {
    receive: (text, bytes) => {
      for (const action of session.receive(text, bytes)) {
        countAction(meters, action.do)
        switch (action.do) {
          case 'send':
            send(action.frame)
            break
          case 'publish':
            // The promise can't be lost: `ingest.submit` never rejects.
            void answer(action, bytes, () =>
              rates.take('') ? ingest.submit(action.event, bytes, session.viewer) : TOO_OFTEN,
            )
            break
          case 'authenticate':
            // Nor does `authenticate`.
            void answer(action, bytes, () => authenticate(action.event))
            break
          case 'subscribe':
            subscribe(action.id, action.filters)
            break
          case 'count':
            count(action.id, action.filters)
            break
          case 'sync':
            syncs.open(action.id, action.filter, action.message)
            break
          case 'sync-on':
            syncs.message(action.id, action.message)
            break
          case 'sync-end':
            syncs.close(action.id)
            break
          case 'unsubscribe':
            end(open.get(action.id))
            break
        }
      }
    },
    closed: () => {
      gone = true
      for (const subscription of [...open.values()]) end(subscription)
      queue.clear()
      syncs.closeAll()
    },
  }
}

const TOO_OFTEN = Promise.resolve(refused('rate-limited: too many events on this connection; try again later'))
const BUSY: Reason = 'rate-limited: too many questions wait for their answer'

import { reasonOf } from '../../src/core/fault.js'
import type { Hashes } from '../../src/core/hashes.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import type { Log } from '../../src/ports.js'
import type { Ingest } from '../ingest/ingest.js'
import type { RelayLimits } from '../limits.js'
import type { Subscriptions } from '../live/subscriptions.js'
import { countAction, countVerdict } from '../ops/count.js'
import type { Meters } from '../ops/meters.js'
import type { Policy } from '../policy/policy.js'
import type { Wire } from '../server/wire.js'
import type { EventStore } from '../store/store.js'
import { ACCEPTED, authFrame, okFrame, refused } from './answers.js'
import type { Verdict } from './answers.js'
import { refuseAuth } from './auth.js'
import { openCounts } from './count.js'
import { openInFlight } from './in-flight.js'
import { openJobs } from './jobs.js'
import { openRates } from './rate.js'
import { openRequests } from './requests.js'
import { openSession } from './session.js'
import type { Action, Judged } from './session.js'
import { openSyncs } from './syncs.js'
import type { SyncRoom } from './syncs.js'
import { openView } from './view.js'

export interface ConnectionParts {
  readonly limits: RelayLimits
  readonly policy: Policy
  readonly ingest: Ingest
  readonly store: Pick<EventStore, 'answer' | 'scanEntries' | 'lastSeq' | 'isServed' | 'vanishCount'>
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

/** Does what a session says: joins the wire with what answers each type of message. */
export const openConnection = (wire: Wire, parts: ConnectionParts): Connection => {
  const { limits, policy, ingest, store, subscriptions, now, log, meters } = parts
  const session = openSession(limits)
  const challenge = parts.newChallenge()
  const rates = openRates(limits.maxEventsPerSec, 1, now)
  const inFlight = openInFlight(wire, limits)
  const jobs = openJobs(log)
  const view = openView(policy, session.viewer, now)

  const send = (frame: string): void => {
    wire.send(frame)
    if (wire.bufferedBytes() > limits.maxBufferedBytes) wire.cut('slow-reader')
  }

  const counts = openCounts({ limits, store, view, jobs, send, meters: meters.asks.count })
  const requests = openRequests({
    ...{ limits, wire, send, store, subscriptions, view, jobs, now, meters },
    onEnded: (id) => session.ended(id),
  })
  const syncs = openSyncs({
    ...{ limits, log, send, hashes: parts.hashes, room: parts.syncRoom, meters: meters.asks.neg },
    refuse: (filter) => view.refuse([filter]),
    isBusy: () => jobs.waiting >= limits.maxQueuedJobs,
    entries: (filter) =>
      store.scanEntries([filter], { ...view.scanOptions(), maxLimit: Infinity, upToSeq: store.lastSeq() }),
    vanishCount: () => store.vanishCount(),
    // `run` catches all that goes wrong itself.
    enqueue: (run) => jobs.add({ run, fail: () => undefined }),
  })

  /** EVENT and AUTH alike. */
  const answer = async (asked: Judged, bytes: number, judge: () => Promise<Verdict>): Promise<void> => {
    inFlight.enter(bytes)
    const verdict = await judge()
    countVerdict(meters, asked.do, verdict)
    send(okFrame(asked.event.id, verdict))
    inFlight.leave(bytes)
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

  const publish = (event: NostrEvent, bytes: number): Promise<Verdict> =>
    rates.take('') ? ingest.submit(event, bytes, session.viewer) : TOO_OFTEN

  const act = (action: Action, bytes: number): void => {
    countAction(meters, action.do)
    switch (action.do) {
      case 'send':
        send(action.frame)
        break
      case 'publish':
        // The promise can't be lost: `ingest.submit` never rejects.
        void answer(action, bytes, () => publish(action.event, bytes))
        break
      case 'authenticate':
        // Nor does `authenticate`.
        void answer(action, bytes, () => authenticate(action.event))
        break
      case 'subscribe':
        requests.open(action.id, action.filters)
        break
      case 'unsubscribe':
        requests.close(action.id)
        break
      case 'count':
        counts.count(action.id, action.filters)
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
    }
  }

  send(authFrame(challenge))

  return {
    receive: (text, bytes) => {
      for (const action of session.receive(text, bytes)) act(action, bytes)
    },
    closed: () => {
      jobs.dropAll()
      requests.closeAll()
      counts.closeAll()
      syncs.closeAll()
    },
  }
}

const TOO_OFTEN = Promise.resolve(refused('rate-limited: too many events on this connection; try again later'))

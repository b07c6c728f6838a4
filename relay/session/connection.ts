import { reasonOf } from '../../src/core/fault.js'
import type { Hashes } from '../../src/core/hashes.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import type { Log } from '../../src/ports.js'
import type { Ingest } from '../ingest/ingest.js'
import type { RelayLimits } from '../limits.js'
import type { Subscriptions } from '../live/subscriptions.js'
import { countAction, countRefusal, countVerdict } from '../ops/count.js'
import type { Meters } from '../ops/meters.js'
import type { Policy } from '../policy/policy.js'
import type { Wire } from '../server/wire.js'
import type { EventStore } from '../store/store.js'
import { ACCEPTED, authFrame, closedFrame, negErrFrame, noticeFrame, okFrame, refused } from './answers.js'
import type { Reason, Verdict } from './answers.js'
import { refuseAuth } from './auth.js'
import { openAllowance } from './allowance.js'
import { openCounts } from './count.js'
import { openGate } from './gate.js'
import { openInFlight } from './in-flight.js'
import { openJobs } from './jobs.js'
import type { Job } from './jobs.js'
import { openRates } from './rate.js'
import { openRequests } from './requests.js'
import { openRoom } from './room.js'
import { openSession } from './session.js'
import type { Action, Judged } from './session.js'
import type { Shared } from './shared.js'
import { openSyncs } from './syncs.js'
import { openToll } from './toll.js'
import { openView } from './view.js'

export interface ConnectionParts {
  readonly limits: RelayLimits
  readonly policy: Policy
  readonly ingest: Ingest
  readonly store: Pick<EventStore, 'answer' | 'scanEntries' | 'lastSeq' | 'isServed' | 'vanishCount'>
  readonly shared: Shared
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
  /** A message that is no text. */
  receiveBinary(bytes: number): void
  /** A ping, which the wire has answered by itself, or a pong that nobody asked for. */
  pinged(): void
  closed(): void
}

/** Does what a session says: joins the wire with what answers each type of message. */
export const openConnection = (wire: Wire, parts: ConnectionParts): Connection => {
  const { limits, policy, ingest, store, subscriptions, now, log, meters, shared } = parts
  const session = openSession(limits)
  const challenge = parts.newChallenge()
  const rates = openRates(limits.maxEventsPerSec, 1, now)
  const gate = openGate(wire)
  const toll = openToll(limits.maxTroublePerSec, gate)
  const inFlight = openInFlight(gate, limits)
  const allowance = openAllowance(limits, session.viewer, shared.keyAsks, now)
  const room = openRoom(limits.maxAskBytes, shared.askRoom)
  const jobs = openJobs(log)
  const { turns } = shared
  const view = openView(policy, session.viewer, now)

  const send = (frame: string): void => {
    wire.send(frame)
    look()
  }

  const memory = shared.memory.open({
    measure: () => wire.bufferedBytes() + wire.unfinishedBytes() + requests.pendingBytes,
    cut: () => wire.cut('memory'),
  })

  /** Whether what we said is read. */
  const look = (): void => {
    const bytes = wire.bufferedBytes()
    if (bytes > limits.maxBufferedBytes) wire.cut('slow-reader')
    memory.note(bytes + requests.pendingBytes)
  }

  const counts = openCounts({ limits, store, view, jobs, turns, room, send, meters: meters.asks.count })
  const requests = openRequests({
    ...{ limits, wire, send, store, subscriptions, view, jobs, turns, room, now, meters },
    onEnded: (id) => session.ended(id),
  })
  const syncs = openSyncs({
    ...{
      limits,
      log,
      send,
      hashes: parts.hashes,
      room: shared.syncRoom,
      askRoom: room,
      turns,
      meters: meters.asks.neg,
    },
    refuse: (filter) => view.refuse([filter]),
    isBusy: () => jobs.waiting >= limits.maxQueuedJobs,
    entries: (filter) =>
      store.scanEntries([filter], { ...view.scanOptions(), maxLimit: Infinity, upToSeq: store.lastSeq() }),
    vanishCount: () => store.vanishCount(),
    enqueue: (run, done) => {
      // `run` catches all that goes wrong itself.
      const job: Job = { run, fail: () => undefined, ...(done === undefined ? {} : { done }) }
      jobs.add(job)
      return () => jobs.drop(job)
    },
  })

  /** EVENT and AUTH alike. */
  const answer = async (asked: Judged, bytes: number, judge: () => Promise<Verdict>): Promise<void> => {
    inFlight.enter(bytes)
    const verdict = await judge()
    countVerdict(meters, asked.do, verdict)
    send(okFrame(asked.event.id, verdict))
    inFlight.leave(bytes)
    if (verdict.reason.startsWith('invalid:')) toll.charge(bytes)
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

  /** What would be too often is answered like any other refusal, and ends what it would have replaced. */
  const refuseOften = (action: Action, reason: Reason, bytes: number): void => {
    toll.charge(bytes)
    if (action.do === 'authenticate') {
      countVerdict(meters, action.do, refused(reason))
      send(okFrame(action.event.id, refused(reason)))
    } else if (action.do === 'sync') {
      syncs.close(action.id)
      countRefusal(meters.asks.neg.refused, reason)
      send(negErrFrame(action.id, reason))
    } else if (action.do === 'count' || action.do === 'subscribe') {
      if (action.do === 'subscribe') {
        requests.close(action.id)
        session.ended(action.id)
      }
      countRefusal(meters.asks[action.do === 'count' ? 'count' : 'req'].refused, reason)
      send(closedFrame(action.id, reason))
    }
  }

  const act = (action: Action, bytes: number): void => {
    countAction(meters, action.do)
    const often = allowance.refuse(action.do)
    if (often !== undefined) {
      refuseOften(action, often, bytes)
      return
    }
    switch (action.do) {
      case 'send':
        toll.charge(bytes)
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
        requests.open(action.id, action.filters, bytes)
        break
      case 'unsubscribe':
        requests.close(action.id)
        break
      case 'count':
        counts.count(action.id, action.filters, bytes)
        break
      case 'sync':
        syncs.open(action.id, action.filter, action.message, bytes)
        break
      case 'sync-on':
        toll.charge(bytes, syncs.cost(action.id))
        syncs.message(action.id, action.message, bytes)
        break
      case 'sync-end':
        if (!syncs.close(action.id)) toll.charge(bytes)
        break
    }
  }

  send(authFrame(challenge))

  return {
    receive: (text, bytes) => {
      const actions = session.receive(text, bytes)
      // CLOSE of what is not open.
      if (actions.length === 0) toll.charge(bytes)
      for (const action of actions) act(action, bytes)
    },
    receiveBinary: (bytes) => {
      toll.charge(bytes)
      send(noticeFrame('invalid: messages are text, not binary'))
    },
    pinged: () => {
      toll.charge(0)
      look()
    },
    closed: () => {
      toll.close()
      memory.leave()
      jobs.dropAll()
      requests.closeAll()
      counts.closeAll()
      syncs.closeAll()
    },
  }
}

const TOO_OFTEN = Promise.resolve(refused('rate-limited: too many events on this connection; try again later'))

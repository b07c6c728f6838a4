import type { Filter } from '../../src/core/match.js'
import type { UnixSec } from '../../src/core/types.js'
import { isExpired } from '../events/expiration.js'
import type { RelayLimits } from '../limits.js'
import type { LiveEvent, Subscriber, Subscriptions } from '../live/subscriptions.js'
import { countRefusal } from '../ops/count.js'
import type { Meters } from '../ops/meters.js'
import type { Wire } from '../server/wire.js'
import type { Answer, Completeness } from '../store/answer.js'
import type { EventStore } from '../store/store.js'
import { closedFrame, eoseFrame, eventFrame, eventHead } from './answers.js'
import type { Reason } from './answers.js'
import type { Job, Jobs } from './jobs.js'
import { NO_ROOM } from './count.js'
import { bytesOfFilters } from './room.js'
import type { Room } from './room.js'
import { SLICE_MS } from './turns.js'
import type { Turns } from './turns.js'
import type { View } from './view.js'

/** The subscriptions of one connection: what is stored, EOSE, then what comes in; nothing twice, nothing lost in between. */
export interface Requests {
  open(id: string, filters: readonly Filter[], bytes: number): void
  close(id: string): void
  closeAll(): void
  /** Of live events that wait for a stored part to end. */
  readonly pendingBytes: number
}

export interface RequestParts {
  readonly limits: Pick<RelayLimits, 'maxLimit' | 'maxPendingLive' | 'maxBufferedBytes'>
  readonly wire: Pick<Wire, 'bufferedBytes' | 'drained'>
  readonly send: (frame: string) => void
  readonly store: Pick<EventStore, 'answer' | 'lastSeq' | 'isServed'>
  readonly subscriptions: Subscriptions
  readonly view: View
  readonly jobs: Jobs
  readonly turns: Turns
  readonly room: Room
  readonly now: () => UnixSec
  readonly meters: Pick<Meters, 'asks' | 'sent'>
  /** The relay itself ended one: CLOSED was said. */
  readonly onEnded: (id: string) => void
}

/** A slice of a stored answer ends when this much waits for its reader. */
const READER_LAG_BYTES = 256 * 1024

interface Request extends Subscriber {
  readonly id: string
  readonly head: string
  /** Makes its stored part. */
  readonly job: Job
  /** Commits up to this one are the stored part's; later ones are live. */
  fromSeq: number
  /** Live events that wait for the stored part to end; undefined from then on. */
  pending: LiveEvent[] | undefined
  ended: boolean
  /** Of memory, for its filters. */
  readonly held: number
}

/** Asked anew after every pause. */
const hasEnded = (request: Request): boolean => request.ended

export const openRequests = (parts: RequestParts): Requests => {
  const { limits, wire, send, store, subscriptions, view, jobs, turns, room, now, meters, onEnded } = parts
  const open = new Map<string, Request>()
  let pendingBytes = 0

  const end = (request: Request | undefined): void => {
    if (request === undefined || request.ended) return
    request.ended = true
    room.give(request.held)
    jobs.drop(request.job)
    release(request)
    subscriptions.remove(request)
    if (open.get(request.id) === request) open.delete(request.id)
  }

  const refuse = (id: string, reason: Reason): void => {
    onEnded(id)
    countRefusal(meters.asks.req.refused, reason)
    send(closedFrame(id, reason))
  }

  const endSaying = (request: Request, reason: Reason): void => {
    end(request)
    refuse(request.id, reason)
  }

  const deliver = (request: Request, live: LiveEvent): boolean => {
    const isStoredPart = live.seq !== undefined && live.seq <= request.fromSeq
    if (request.ended || isStoredPart || !view.mayRead(live.event)) return false
    if (request.pending === undefined) send(eventFrame(request.head, live.json))
    else if (!holdBack(request.pending, live)) {
      endSaying(request, 'error: more came in than could wait for the stored events; ask again')
    }
    return !request.ended
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
  const release = (request: Request): LiveEvent[] => {
    const waited = request.pending ?? []
    request.pending = undefined
    for (const live of waited) pendingBytes -= live.json.length
    return waited
  }

  const serve = async (request: Request): Promise<void> => {
    await turns.first()
    if (hasEnded(request)) return
    // In one turn: from here on every commit is either in the stored part (up to fromSeq) or delivered live.
    request.fromSeq = store.lastSeq()
    subscriptions.add(request)
    const events = store.answer(request.filters, {
      ...view.scanOptions(),
      upToSeq: request.fromSeq,
      maxLimit: limits.maxLimit,
    })
    while (!serveSlice(request, events)) {
      await (wire.bufferedBytes() > READER_LAG_BYTES ? wire.drained() : turns.next())
      if (hasEnded(request)) return
    }
  }

  /** True when the stored part has ended and the subscription is live. */
  const serveSlice = (request: Request, events: Answer): boolean => {
    const until = performance.now() + SLICE_MS
    while (performance.now() < until && wire.bufferedBytes() <= READER_LAG_BYTES) {
      const step = events.next()
      if (step.done === true) {
        goLive(request, step.value)
        return true
      }
      if (step.value === undefined) continue
      meters.sent.stored++
      send(eventFrame(request.head, step.value.json))
    }
    return false
  }

  const goLive = (request: Request, completeness: Completeness): void => {
    send(eoseFrame(request.id, completeness))
    for (const live of release(request)) {
      // What was deleted or has vanished while it waited is served no more.
      const isGone = live.seq !== undefined && !store.isServed(live.seq)
      if (!isGone && !isExpired(live.expiresAt, now())) send(eventFrame(request.head, live.json))
    }
  }

  return {
    open: (id, filters, bytes) => {
      end(open.get(id))
      const held = bytesOfFilters(filters, bytes)
      const reason = view.refuse(filters) ?? (room.take(held) ? undefined : NO_ROOM)
      if (reason !== undefined) {
        refuse(id, reason)
        return
      }
      const request: Request = {
        id,
        filters,
        head: eventHead(id),
        job: {
          run: () => serve(request),
          fail: () => endSaying(request, 'error: the stored events could not be read'),
        },
        fromSeq: 0,
        pending: [],
        ended: false,
        held,
        deliver: (live) => deliver(request, live),
      }
      open.set(id, request)
      jobs.add(request.job)
    },
    close: (id) => end(open.get(id)),
    closeAll: () => {
      for (const request of [...open.values()]) end(request)
    },
    get pendingBytes() {
      return pendingBytes
    },
  }
}

import type { Filter } from '../../src/core/match.js'
import type { RelayLimits } from '../limits.js'
import { countRefusal } from '../ops/count.js'
import type { AskMeters } from '../ops/meters.js'
import type { EventStore } from '../store/store.js'
import { closedFrame, countFrame } from './answers.js'
import type { Reason } from './answers.js'
import { gather } from './gather.js'
import type { Jobs } from './jobs.js'
import { bytesOfFilters } from './room.js'
import type { Room } from './room.js'
import type { Turns } from './turns.js'
import type { View } from './view.js'

/** NIP-45 on one connection. */
export interface Counts {
  count(id: string, filters: readonly Filter[], bytes: number): void
  closeAll(): void
}

export interface CountParts {
  readonly limits: Pick<RelayLimits, 'maxQueuedJobs'>
  readonly store: Pick<EventStore, 'scanEntries' | 'lastSeq'>
  readonly view: View
  readonly jobs: Jobs
  readonly turns: Turns
  readonly room: Room
  readonly send: (frame: string) => void
  readonly meters: Pick<AskMeters, 'refused'>
}

export const openCounts = ({ limits, store, view, jobs, turns, room, send, meters }: CountParts): Counts => {
  let gone = false
  const refuse = (id: string, reason: Reason): void => {
    countRefusal(meters.refused, reason)
    send(closedFrame(id, reason))
  }
  return {
    count: (id, filters, bytes) => {
      const held = bytesOfFilters(filters, bytes)
      const isFull = jobs.waiting >= limits.maxQueuedJobs
      const reason = isFull ? BUSY : (view.refuse(filters) ?? (room.take(held) ? undefined : NO_ROOM))
      if (reason !== undefined) {
        refuse(id, reason)
        return
      }
      const run = async (): Promise<void> => {
        let events = 0
        const options = { ...view.scanOptions(), maxLimit: Infinity, upToSeq: store.lastSeq() }
        const source = store.scanEntries(filters.map(withoutLimit), options)
        if (await gather(source, turns, () => ++events > 0 && !gone)) send(countFrame(id, events))
      }
      jobs.add({
        run,
        fail: () => refuse(id, 'error: the stored events could not be read'),
        done: () => room.give(held),
      })
    },
    closeAll: () => {
      gone = true
    },
  }
}

const BUSY: Reason = 'rate-limited: too many questions wait for their answer'
export const NO_ROOM: Reason = 'rate-limited: the filters that are open hold too much; close some'

/** A limit says how much to send, and nothing of how much there is. */
export const withoutLimit = (filter: Filter): Filter =>
  Object.fromEntries(Object.entries(filter).filter(([name]) => name !== 'limit'))

import { statSync } from 'node:fs'
import type { EventStore } from '../store/store.js'
import type { RelayServer } from '../server/server.js'
import type { Subscriptions } from '../live/subscriptions.js'
import type { Gauges } from './exposition.js'
import type { LoopLag } from './loop-lag.js'

export interface Watched {
  readonly db: string
  readonly store: Pick<EventStore, 'count'>
  readonly subscriptions: Pick<Subscriptions, 'size'>
  readonly server: Pick<RelayServer, 'bufferedBytes' | 'traffic'>
  readonly loopLag: Pick<LoopLag, 'read'>
  readonly startedAtSec: number
}

/** To count them all takes longer the more there are: not for everybody who asks. */
const COUNT_AGAIN_AFTER_MS = 30_000

export const gaugesOf = ({ db, store, subscriptions, server, loopLag, startedAtSec }: Watched): Gauges => {
  let counted = 0
  let countedAtMs = -Infinity

  const storedEvents = (): number => {
    if (performance.now() - countedAtMs >= COUNT_AGAIN_AFTER_MS) {
      counted = store.count()
      countedAtMs = performance.now()
    }
    return counted
  }

  return {
    subscriptions: () => subscriptions.size,
    storedEvents,
    fileBytes: () => ({ database: bytesOf(db), wal: bytesOf(`${db}-wal`) }),
    bufferedBytes: () => server.bufferedBytes,
    traffic: () => server.traffic(),
    residentBytes: () => process.memoryUsage.rss(),
    loopLag: () => loopLag.read(),
    startedAtSec,
  }
}

const bytesOf = (file: string): number | undefined => statSync(file, { throwIfNoEntry: false })?.size

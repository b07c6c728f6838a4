import type { UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { openEventStore } from '../../relay/store/store.js'
import type { Incoming } from '../../relay/store/store-write.js'
import { topicOf, unsignedEvent } from './relay-events.js'
import { authorsOf, incomingOf } from './relay-fill.js'
import { quantile } from './relay-load-socket.js'
import { sayResult } from './relay-workplace.js'

/** What the relay's store alone can take in: group commits of one size, FULL durability, into a store of so many rows. */
export interface InsertsTask {
  readonly db: string
  /** That it holds already. */
  readonly rows: number
  readonly count: number
  readonly batch: number
}

export const run = ({ db, rows, count, batch }: InsertsTask): Promise<void> => {
  const store = openEventStore(db, nodeHashes)
  const now = Math.floor(Date.now() / 1000) as UnixSec
  const authors = authorsOf(rows)
  const batches: Incoming[][] = []
  // The first batch warms up: the compiler, and the pages of the indexes that every insert needs.
  for (let n = 0; n < count + batch; n++) {
    const author = authors[n % authors.length]
    if (n % batch === 0) batches.push([])
    if (author !== undefined) batches.at(-1)?.push(incomingOf(unsignedEvent(n, author, now, topicOf(n))))
  }
  const [warmUp = [], ...timed] = batches
  store.write(warmUp, now)
  const cpu = process.cpuUsage()
  const begin = performance.now()
  const commitsMs: number[] = []
  let stored = 0
  let sent = 0
  for (const items of timed) {
    const from = performance.now()
    const outcomes = store.write(items, now)
    commitsMs.push(performance.now() - from)
    stored += outcomes.filter(({ state }) => state === 'stored').length
    sent += items.length
  }
  const seconds = (performance.now() - begin) / 1000
  const { user, system } = process.cpuUsage(cpu)
  store.close()
  sayResult({
    figures: {
      perSec: stored / seconds,
      serverCpuUs: (user + system) / sent,
      p50Ms: quantile(commitsMs, 0.5),
      p99Ms: quantile(commitsMs, 0.99),
    },
    wrong: stored === sent ? {} : { 'not stored': sent - stored },
  })
  return Promise.resolve()
}

import type { NostrEvent, Pubkey, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { openEventStore } from '../../relay/store/store.js'
import type { Incoming } from '../../relay/store/store-write.js'
import { topicOf, unsignedEvent } from './relay-events.js'
import { sayResult } from './relay-workplace.js'

/** Fills a database of this relay, at the level of its store: nothing is signed, for nothing is checked there. */
export interface FillTask {
  readonly db: string
  readonly rows: number
}

/** Each author wrote as many: what a question for one author has to skip grows with the store. */
const EVENTS_PER_AUTHOR = 1_000
const DAY_SEC = 86_400
const DAY_MS = DAY_SEC * 1_000
const DAYS = 30
/** As large as a commit may be where nobody waits. */
export const FILL_BATCH = 2_000

export const authorsOf = (rows: number): Pubkey[] =>
  Array.from(
    { length: Math.max(1, Math.floor(rows / EVENTS_PER_AUTHOR)) },
    (_, n) => nodeHashes.sha256Hex(`ksp bench writer ${n}`) as Pubkey,
  )

/** The time of the n-th of so many rows, in seconds: over a month, and nothing of the last day. */
export const timeOfRow = (n: number, rows: number): number =>
  Math.floor(Date.now() / DAY_MS - DAYS - 1) * DAY_SEC + Math.floor((n * DAYS * DAY_SEC) / rows)

/** What a store of so many rows holds: the authors in turn. */
export function* storedEvents(rows: number): Generator<NostrEvent, void> {
  const authors = authorsOf(rows)
  for (let n = 0; n < rows; n++) {
    const author = authors[n % authors.length]
    if (author === undefined) return
    yield unsignedEvent(n, author, timeOfRow(n, rows), topicOf(n))
  }
}

export const incomingOf = (event: NostrEvent): Incoming => ({ event, json: JSON.stringify(event) })

export const run = ({ db, rows }: FillTask): Promise<void> => {
  const store = openEventStore(db, nodeHashes)
  const now = Math.floor(Date.now() / 1000) as UnixSec
  let batch: Incoming[] = []
  const write = (): void => {
    store.write(batch, now)
    batch = []
  }
  for (const event of storedEvents(rows)) {
    batch.push(incomingOf(event))
    if (batch.length === FILL_BATCH) write()
  }
  if (batch.length > 0) write()
  const count = store.count()
  store.close()
  if (count !== rows) throw new Error(`the store holds ${count} events, not ${rows}`)
  sayResult({ rows })
  return Promise.resolve()
}

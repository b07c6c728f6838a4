import { loadFanOut } from './relay-load-fan-out.js'
import { loadIngest } from './relay-load-ingest.js'
import { loadQuery } from './relay-load-query.js'
import { loadSync } from './relay-load-sync.js'
import { sayResult } from './relay-workplace.js'

/** The load generator: what one measurement does to a relay, and what it saw. */
export interface LoadTask {
  readonly question: keyof typeof QUESTIONS
  readonly url: string
  /** The relay's process. */
  readonly pid: number
  /** Signed events, one a line; the first `events` of them are used. */
  readonly file: string
  readonly events: number
  readonly connections: number
  /** Events without an answer, over all connections. */
  readonly window: number
  /** Of the events, where they are to be fanned out. */
  readonly topic: string
  readonly subscribers: number
  /** Events a second; 0: as fast as it goes. */
  readonly rate: number
  /** Events that the relay held before. */
  readonly stored: number
  readonly requests: number
  readonly limit: number
  /** Seconds; what takes part in a sync. */
  readonly since: number
  readonly until: number
}

/** Figures by name (relay-figures.ts), and what went otherwise than it should, by reason. */
export interface LoadResult {
  readonly figures: Readonly<Record<string, number>>
  readonly wrong: Readonly<Record<string, number>>
}

const QUESTIONS = {
  ingest: loadIngest,
  query: loadQuery,
  fanOut: loadFanOut,
  sync: loadSync,
} satisfies Record<string, (task: LoadTask) => Promise<LoadResult>>

/** An answer that never comes ends the measurement, not the patience of whoever waits for it. */
const TIMEOUT_MS = 180_000

export const run = async (task: LoadTask): Promise<void> => {
  setTimeout(() => {
    process.stderr.write(`not done within ${TIMEOUT_MS / 1000} s\n`)
    process.exit(1)
  }, TIMEOUT_MS)
  sayResult(await QUESTIONS[task.question](task))
  process.exit(0)
}

import { loadIngest } from './relay-load-ingest.js'
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
}

/** Figures by name (relay-figures.ts), and what went otherwise than it should, by reason. */
export interface LoadResult {
  readonly figures: Readonly<Record<string, number>>
  readonly wrong: Readonly<Record<string, number>>
}

const QUESTIONS = { ingest: loadIngest } satisfies Record<string, (task: LoadTask) => Promise<LoadResult>>

export const run = async (task: LoadTask): Promise<void> => {
  sayResult(await QUESTIONS[task.question](task))
  process.exit(0)
}

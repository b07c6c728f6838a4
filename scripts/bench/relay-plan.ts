import { rmSync } from 'node:fs'
import type { Contestant } from './relay-contestants.js'
import { urlOf } from './relay-contestants.js'
import type { Measurement } from './relay-figures.js'
import type { LoadResult, LoadTask } from './relay-load.js'
import type { BenchOptions } from './relay-options.js'
import type { Workplace } from './relay-workplace.js'
import { resultOf } from './relay-workplace.js'

/** Which figures are taken, of whom, in which order. */
export interface PlanParts {
  readonly workplace: Workplace
  readonly options: BenchOptions
  readonly contestants: readonly Contestant[]
  readonly native: boolean
  /** Signed events. */
  readonly events: string
}

/** Events without an answer, over all connections. */
export const WINDOW = 500

export const planOf = (parts: PlanParts): Measurement[] => {
  const { workplace, options, contestants, native, events } = parts
  const raw: Measurement[] = native
    ? [
        {
          ...{ question: 'raw', contestant: 'libsecp256k1', stored: 0, events: options.events },
          measure: () => resultOf<LoadResult>(workplace, 'raw', { file: events }),
        },
      ]
    : []
  const ingest = (connections: number): Measurement[] =>
    contestants.map((contestant) => {
      const count = Math.ceil(options.events / contestant.thinning)
      const task = { question: 'ingest', file: events, events: count, connections, window: WINDOW } as const
      return {
        ...{ question: `ingest_${connections}`, contestant: contestant.name, stored: 0, events: count },
        measure: () => measureLoad(workplace, contestant, task),
      }
    })
  return [...raw, ...ingest(10), ...ingest(1)]
}

/** One figure: the relay starts on a file of its own, is loaded, and ends. */
const measureLoad = async (
  workplace: Workplace,
  contestant: Contestant,
  task: Omit<LoadTask, 'url' | 'pid'>,
): Promise<LoadResult> => {
  const db = workplace.newFile('relay.sqlite')
  const relay = contestant.start(workplace, db)
  try {
    const url = await urlOf(relay)
    return await resultOf<LoadResult>(workplace, 'load', { ...task, url, pid: relay.pid })
  } finally {
    await relay.stop()
    for (const suffix of ['', '-wal', '-shm']) rmSync(db + suffix, { force: true })
  }
}

import { reasonOf } from '../../src/core/fault.js'
import type { LoadResult } from './relay-load.js'

/** What was measured, run by run, and what stands for it. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** One for each run; null where that one failed. */
  readonly runs: readonly (number | null)[]
}

export interface Row {
  readonly question: string
  readonly contestant: string
  /** Events that the store held before. */
  readonly stored: number
  /** Events that were sent, or questions that were asked. */
  readonly events: number
  /**
   * perSec; serverCpuUs, mainCpuUs and loadCpuUs: microseconds of processor time for each event or delivery, of the relay,
   * of its main thread, and of the load generator; p50Ms, p99Ms, maxMs; rssMb: the relay's memory at the end.
   */
  readonly figures: Readonly<Record<string, Spread>>
  /** What went otherwise than it should, over all runs: nothing, or the figures mean nothing. */
  readonly wrong: Readonly<Record<string, number>>
}

/** One figure's way to be taken again and again. */
export interface Measurement {
  readonly question: string
  readonly contestant: string
  readonly stored: number
  readonly events: number
  measure(): Promise<LoadResult>
}

const round = (value: number): number => Number(value.toPrecision(5))

export const spreadOf = (values: readonly (number | null)[]): Spread => {
  const runs = values.map((value) => (value === null || !Number.isFinite(value) ? null : round(value)))
  const sorted = runs.filter((value) => value !== null).sort((a, b) => a - b)
  const at = (index: number): number => sorted[index] ?? 0
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? at(middle) : round((at(middle - 1) + at(middle)) / 2)
  return { median, min: at(0), max: at(sorted.length - 1), runs }
}

/** Every measurement once in each run, so that all contestants see the machine's good and bad moments alike. */
export const takeAll = async (
  measurements: readonly Measurement[],
  runs: number,
  progress: (words: string) => void,
): Promise<Row[]> => {
  const results = measurements.map((): LoadResult[] => [])
  for (let run = 0; run < runs; run++) {
    for (const [i, { question, contestant, stored, measure }] of measurements.entries()) {
      // One that fails is told, and makes the report a bad one; the others are still worth to know.
      const result = await measure().catch((error: unknown) => ({ figures: {}, wrong: { [reasonOf(error)]: 1 } }))
      results[i]?.push(result)
      const figures = Object.entries(result.figures).map(([name, value]) => `${name} ${round(value)}`)
      const wrong = Object.keys(result.wrong).length === 0 ? '' : ` WRONG ${JSON.stringify(result.wrong)}`
      progress(`run ${run + 1}/${runs} ${question} at ${stored}, ${contestant}: ${figures.join(', ')}${wrong}`)
    }
  }
  return measurements.map(({ question, contestant, stored, events }, i) => ({
    ...{ question, contestant, stored, events },
    ...summaryOf(results[i] ?? []),
  }))
}

const summaryOf = (results: readonly LoadResult[]): Pick<Row, 'figures' | 'wrong'> => {
  const names = new Set(results.flatMap(({ figures }) => Object.keys(figures)))
  const figures: Record<string, Spread> = {}
  for (const name of names) figures[name] = spreadOf(results.map((result) => result.figures[name] ?? null))
  const wrong: Record<string, number> = {}
  for (const result of results) {
    for (const [reason, count] of Object.entries(result.wrong)) wrong[reason] = (wrong[reason] ?? 0) + count
  }
  return { figures, wrong }
}

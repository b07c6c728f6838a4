import type { LoadResult } from './relay-load.js'

/** What was measured, run by run, and what stands for it. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly runs: readonly number[]
}

export interface Row {
  readonly question: string
  readonly contestant: string
  /** Events that the store held before. */
  readonly stored: number
  readonly events: number
  /**
   * perSec; serverCpuUs and loadCpuUs: microseconds of processor time for each event, of the relay and of the load
   * generator; p50Ms, p99Ms; rssMb: the relay's memory at the end.
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
  measure(run: number): Promise<LoadResult>
}

const round = (value: number): number => Number(value.toPrecision(5))

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number): number => round(sorted[index] ?? Number.NaN)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? at(middle) : round((at(middle - 1) + at(middle)) / 2)
  return { median, min: at(0), max: at(sorted.length - 1), runs: values.map(round) }
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
      const result = await measure(run)
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
  const names = Object.keys(results[0]?.figures ?? {})
  const figures = names.map((name) => [name, spreadOf(results.map((r) => r.figures[name] ?? Number.NaN))])
  const wrong: Record<string, number> = {}
  for (const result of results) {
    for (const [reason, count] of Object.entries(result.wrong)) wrong[reason] = (wrong[reason] ?? 0) + count
  }
  return { figures: Object.fromEntries(figures) as Row['figures'], wrong }
}

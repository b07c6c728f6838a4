import { aimsOf, figureIn, ratiosOf } from './relay-aims.js'
import type { Aim, Ratio } from './relay-aims.js'
import { EVENT_BYTES } from './relay-events.js'
import type { Row } from './relay-figures.js'
import type { Machine } from './relay-machine.js'
import type { BenchOptions } from './relay-options.js'
import { QUERY_LIMIT, RATE, SUBSCRIBERS, WINDOW } from './relay-plan.js'

/** Everything that one run of the benchmark found; `--json` prints it as it is. */
export interface Report {
  /** Every event of every measurement was answered as it should. */
  readonly ok: boolean
  readonly machine: Machine
  readonly settings: Readonly<Record<string, number>>
  readonly ratios: readonly Ratio[]
  readonly aims: readonly Aim[]
  readonly rows: readonly Row[]
  /** What could not be measured here, and why. */
  readonly leftOut: Readonly<Record<string, string>>
}

export const reportOf = (
  rows: readonly Row[],
  options: Pick<BenchOptions, 'runs' | 'events' | 'rows'>,
  machine: Machine,
  leftOut: Readonly<Record<string, string>>,
): Report => {
  const figure = figureIn(rows, options.rows)
  const ratios = ratiosOf(figure)
  const workload = {
    eventBytes: EVENT_BYTES,
    window: WINDOW,
    subscribers: SUBSCRIBERS,
    paced: RATE,
    limit: QUERY_LIMIT,
  }
  return {
    ok: rows.length > 0 && rows.every(({ wrong }) => Object.keys(wrong).length === 0),
    machine,
    settings: { runs: options.runs, events: options.events, rows: options.rows, ...workload },
    ratios,
    aims: aimsOf(figure, ratios),
    rows,
    leftOut,
  }
}

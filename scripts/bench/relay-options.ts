import { parseArgs } from 'node:util'
import { reasonOf } from '../../src/core/fault.js'

export const USAGE = `usage: npm run bench:relay -- [options]

The bundled relay under load, side by side in one run with @nostr-relay, with the raw rate of libsecp256k1 on one core, and
with a ceiling probe. Progress goes to stderr.

  --runs N       how often each figure is taken; medians count (default 3)
  --events N     signed events that an ingest sends (default 20000)
  --quick        one run, 4000 events
  --json         one JSON object with every figure, ratio and aim
`

export interface BenchOptions {
  readonly runs: number
  readonly events: number
  readonly output: 'table' | 'json'
}

/** The options, or what to print instead: help, or what is wrong. */
export const readOptions = (
  argv: readonly string[],
): BenchOptions | { readonly words: string; readonly code: number } => {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        runs: { type: 'string' },
        events: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { words: USAGE, code: 0 }
    const { quick } = values
    return {
      runs: numberOf('--runs', values.runs, quick ? 1 : 3, 1, 99),
      events: numberOf('--events', values.events, quick ? 4_000 : 20_000, 100, 1_000_000),
      output: values.json ? 'json' : 'table',
    }
  } catch (error) {
    return { words: `${reasonOf(error)}\n\n${USAGE}`, code: 2 }
  }
}

const numberOf = (name: string, text: string | undefined, otherwise: number, min: number, max: number): number => {
  if (text === undefined) return otherwise
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new Error(`${name} needs a whole number from ${min} to ${max}`)
}

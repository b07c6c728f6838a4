import { parseArgs } from 'node:util'
import { reasonOf } from '../../src/core/fault.js'

export const USAGE = `usage: npm run bench:relay -- [options]

The bundled relay under load, side by side in one run with @nostr-relay, with the raw rate of libsecp256k1 on one core, and
with a ceiling probe. Progress goes to stderr.

  --runs N             how often each figure is taken; medians count (default 3)
  --events N           signed events that an ingest sends, and the rows of the small store (default 20000)
  --rows N             rows of the large store; 0 leaves it out (default 1000000)
  --quick              one run, 4000 events, no large store
  --stores FOLDER      keeps the filled stores there for the next time; empty it when the schema changes
  --questions LIST     only these: raw, ingest_10, ingest_1, query, fan_out, paced, sync, inserts_1000, ...
  --contestants LIST   only these: native, wasm, npm, ceiling, ceilingWorker, libsecp256k1, store
  --json               one JSON object with every figure, ratio and aim
  --markdown           the section of docs/benchmarks.md
  --write              the same, and puts it between its marks in docs/benchmarks.md
  --from FILE          measures nothing: prints what --json wrote to FILE before
  --profile            where our relay spends its time in one question (default ingest_10), by function
`

export interface BenchOptions {
  readonly runs: number
  readonly events: number
  /** 0: none. */
  readonly rows: number
  /** Where filled stores are kept. */
  readonly stores: string | undefined
  /** Empty: all. */
  readonly questions: readonly string[]
  readonly contestants: readonly string[]
  readonly output: 'table' | 'json' | 'markdown'
  readonly write: boolean
  readonly from: string | undefined
  readonly profile: boolean
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
        rows: { type: 'string' },
        stores: { type: 'string' },
        quick: { type: 'boolean', default: false },
        questions: { type: 'string', default: '' },
        contestants: { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        markdown: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        from: { type: 'string' },
        profile: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { words: USAGE, code: 0 }
    const { quick, write } = values
    return {
      runs: numberOf('--runs', values.runs, quick ? 1 : 3, 1, 99),
      events: numberOf('--events', values.events, quick ? 4_000 : 20_000, 100, 1_000_000),
      rows: numberOf('--rows', values.rows, quick ? 0 : 1_000_000, 0, 50_000_000),
      stores: values.stores,
      questions: listOf(values.questions),
      contestants: listOf(values.contestants),
      output: values.json ? 'json' : values.markdown || write ? 'markdown' : 'table',
      write,
      from: values.from,
      profile: values.profile,
    }
  } catch (error) {
    return { words: `${reasonOf(error)}\n\n${USAGE}`, code: 2 }
  }
}

const listOf = (text: string): string[] => text.split(',').filter((name) => name !== '')

const numberOf = (name: string, text: string | undefined, otherwise: number, min: number, max: number): number => {
  if (text === undefined) return otherwise
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new Error(`${name} needs a whole number from ${min} to ${max}`)
}

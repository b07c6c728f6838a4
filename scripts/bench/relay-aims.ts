import type { Row, Spread } from './relay-figures.js'
import { spreadOf } from './relay-figures.js'

/** Ratios between rows of one run, and what the relay is meant to reach. */
export interface Ratio {
  readonly name: string
  readonly words: string
  readonly spread: Spread
}

export interface Aim {
  readonly name: string
  readonly words: string
  readonly aim: string
  /** Absent: not measured in this run. */
  readonly figure?: number
  readonly met?: boolean
}

/** A figure of one question to one contestant; `large` on the store with the most rows, else on the other. */
type Figure = (question: string, contestant: string, name?: string, large?: boolean) => Spread | undefined

export const figureIn = (rows: readonly Row[], largeRows: number): Figure => {
  return (question, contestant, name = 'perSec', large = false) =>
    rows.find(
      (row) =>
        row.question === question &&
        row.contestant === contestant &&
        (largeRows > 0 && row.stored === largeRows) === large,
    )?.figures[name]
}

/** Run by run: what the machine did to the one in a run it did to the other. */
const ratioOf = (of: Spread | undefined, to: Spread | undefined): Spread | undefined => {
  if (of === undefined || to === undefined) return undefined
  return spreadOf(
    of.runs.map((value, run) => {
      const other = to.runs[run] ?? null
      return value === null || other === null ? null : value / other
    }),
  )
}

export const ratiosOf = (figure: Figure): Ratio[] => {
  const raw = figure('raw', 'libsecp256k1')
  const native = (question: string, name?: string, large?: boolean): Spread | undefined =>
    figure(question, 'native', name, large)
  const ingest = native('ingest_10')
  const npm = (question: string, large?: boolean): Spread | undefined =>
    ratioOf(native(question, 'perSec', large), figure(question, 'npm', 'perSec', large))
  const cpu = (name: string): Spread | undefined =>
    ratioOf(figure('raw', 'libsecp256k1', 'serverCpuUs'), native('ingest_10', name))
  const all: [string, string, Spread | undefined][] = [
    ['ingest_10_raw', 'ingest on 10 connections : raw verify rate of one core', ratioOf(ingest, raw)],
    ['ingest_1_raw', 'ingest on 1 connection : raw verify rate', ratioOf(native('ingest_1'), raw)],
    [
      'ingest_10_large_raw',
      'ingest on 10, large store : raw verify rate',
      ratioOf(native('ingest_10', 'perSec', true), raw),
    ],
    ['ingest_10_npm', 'ingest on 10 connections : `@nostr-relay`', npm('ingest_10')],
    ['ingest_1_npm', 'ingest on 1 connection : `@nostr-relay`', npm('ingest_1')],
    ['ingest_10_large_npm', 'ingest on 10, large store : `@nostr-relay`', npm('ingest_10', true)],
    ['ingest_10_ceiling', 'ingest on 10 : ceiling probe, one thread', ratioOf(ingest, figure('ingest_10', 'ceiling'))],
    [
      'ingest_10_ceiling_worker',
      'ingest on 10 : ceiling probe, worker',
      ratioOf(ingest, figure('ingest_10', 'ceilingWorker')),
    ],
    ['ingest_10_wasm', 'ingest on 10, native : WASM', ratioOf(ingest, figure('ingest_10', 'wasm'))],
    ['ingest_10_cpu', 'processor time of an event, raw verify : ingest on 10', cpu('serverCpuUs')],
    ['ingest_10_main_cpu', 'the same, its main thread alone', cpu('mainCpuUs')],
    ['query_npm', 'query : `@nostr-relay`', npm('query')],
    ['query_large_npm', 'query, large store : `@nostr-relay`', npm('query', true)],
    ['fan_out_npm', 'fan-out : `@nostr-relay`', npm('fan_out')],
    ['query_large', 'query, large store : small store', ratioOf(native('query', 'perSec', true), native('query'))],
    [
      'inserts_large',
      'store inserts in 1,000s, large store : small store',
      ratioOf(figure('inserts_1000', 'store', 'perSec', true), figure('inserts_1000', 'store')),
    ],
  ]
  return all.flatMap(([name, words, spread]) => (spread === undefined ? [] : [{ name, words, spread }]))
}

type Bound = readonly [sign: '>=' | '<=', value: number]

/** With `figure` where it could be taken. */
const aim = (name: string, words: string, [sign, value]: Bound, spread: Spread | undefined): Aim => {
  const figure = spread?.median
  const found = figure === undefined ? {} : { figure, met: sign === '>=' ? figure >= value : figure <= value }
  return { name, words, aim: `${sign} ${value.toLocaleString('en-US')}`, ...found }
}

export const aimsOf = (figure: Figure, ratios: readonly Ratio[]): Aim[] => {
  const ratio = (name: string): Spread | undefined => ratios.find((r) => r.name === name)?.spread
  const inserts = (batch: number): Spread | undefined => figure(`inserts_${batch}`, 'store', 'perSec', true)
  const native = (question: string, name?: string): Spread | undefined => figure(question, 'native', name)
  return [
    aim('ingest_raw', 'ingest on 10 connections, of the raw verify rate', ['>=', 0.5], ratio('ingest_10_raw')),
    aim('ingest_raw_stretch', 'the same, stretched', ['>=', 0.6], ratio('ingest_10_raw')),
    aim('ingest_npm', 'ingest on 10 connections, times `@nostr-relay`', ['>=', 40], ratio('ingest_10_npm')),
    aim('fan_out', 'fan-out to 20, deliveries a second', ['>=', 60_000], native('fan_out')),
    aim('live_p50', 'live latency at 200 a second, p50, ms', ['<=', 2], native('paced', 'p50Ms')),
    aim('live_p99', 'live latency at 200 a second, p99, ms', ['<=', 10], native('paced', 'p99Ms')),
    aim('inserts_1000', 'store inserts a second, large store, in batches of 1,000', ['>=', 10_000], inserts(1_000)),
    aim('inserts_500', 'the same, in batches of 500', ['>=', 10_000], inserts(500)),
    aim('rss', 'RSS after the ingest on 10 connections, MB', ['<=', 120], native('ingest_10', 'rssMb')),
  ]
}

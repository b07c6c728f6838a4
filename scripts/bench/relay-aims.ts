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

type Find = (question: string, contestant: string, stored?: number) => Row | undefined

export const finder =
  (rows: readonly Row[]): Find =>
  (question, contestant, stored) =>
    rows.find((r) => r.question === question && r.contestant === contestant && (stored ?? r.stored) === r.stored)

/** Run by run: what the machine did in one run to the one it did to the other. */
const ratioOf = (name: string, words: string, of?: Spread, to?: Spread): Ratio[] => {
  if (of === undefined || to === undefined) return []
  return [{ name, words, spread: spreadOf(of.runs.map((value, run) => value / (to.runs[run] ?? Number.NaN))) }]
}

export const ratiosOf = (rows: readonly Row[]): Ratio[] => {
  const find = finder(rows)
  const raw = find('raw', 'libsecp256k1')?.figures
  const figure = (question: string, contestant: string, name = 'perSec'): Spread | undefined =>
    find(question, contestant)?.figures[name]
  const native = figure('ingest_10', 'native')
  return [
    ...ratioOf('ingest_10_to_raw', 'ingest, 10 connections, to the raw verify rate', native, raw?.['perSec']),
    ...ratioOf(
      'ingest_1_to_raw',
      'ingest, 1 connection, to the raw verify rate',
      figure('ingest_1', 'native'),
      raw?.['perSec'],
    ),
    ...ratioOf('ingest_10_to_npm', 'ingest, 10 connections, to `@nostr-relay`', native, figure('ingest_10', 'npm')),
    ...ratioOf(
      'ingest_10_to_ceiling',
      'ingest, 10 connections, to the ceiling probe in one thread',
      native,
      figure('ingest_10', 'ceiling'),
    ),
    ...ratioOf(
      'ingest_10_to_ceiling_worker',
      'ingest, 10 connections, to the ceiling probe with a worker thread',
      native,
      figure('ingest_10', 'ceilingWorker'),
    ),
    ...ratioOf(
      'cpu_of_ingest_10_to_raw',
      'processor time of an event ingested to that of checking it',
      figure('ingest_10', 'native', 'serverCpuUs'),
      raw?.['serverCpuUs'],
    ),
  ]
}

const aim = (name: string, words: string, figure: number | undefined, atLeast: boolean, bound: number): Aim => ({
  name,
  words,
  aim: `${atLeast ? '>=' : '<='} ${bound}`,
  ...(figure === undefined ? {} : { figure, met: atLeast ? figure >= bound : figure <= bound }),
})

export const aimsOf = (rows: readonly Row[], ratios: readonly Ratio[]): Aim[] => {
  const ratio = (name: string): number | undefined => ratios.find((r) => r.name === name)?.spread.median
  const figure = (question: string, name: string): number | undefined =>
    finder(rows)(question, 'native')?.figures[name]?.median
  return [
    aim('ingest_raw', 'ingest, 10 connections, of the raw verify rate', ratio('ingest_10_to_raw'), true, 0.5),
    aim('ingest_raw_stretch', 'the same, stretched', ratio('ingest_10_to_raw'), true, 0.6),
    aim('ingest_npm', 'ingest, 10 connections, times `@nostr-relay`', ratio('ingest_10_to_npm'), true, 40),
    aim('rss', 'RSS after 20,000 events, MB', figure('ingest_10', 'rssMb'), false, 120),
  ]
}

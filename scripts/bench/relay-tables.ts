import { CONTESTANTS } from './relay-contestants.js'
import type { Row, Spread } from './relay-figures.js'
import type { Report } from './relay-report.js'

/** A report as people read it: ratios first, for they hold where the machine's speed does not. */

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
const short = (value: number): string => (value >= 100 ? whole(value) : String(Number(value.toPrecision(3))))

/** The median, and between what it lay where there was more than one run. */
const range = ({ median, min, max, runs }: Spread): string =>
  runs.length === 1 ? short(median) : `${short(median)} (${short(min)}..${short(max)})`

const WORDS: Readonly<Record<string, string>> = {
  raw: 'id and signature checked, one core',
  ingest_10: 'ingest, 10 connections',
  ingest_1: 'ingest, 1 connection',
  query: 'query, events delivered',
  fan_out: 'fan-out to 20, deliveries',
  paced: 'live at 200 events a second, to 20',
  sync: 'NEG-OPEN to the first answer',
  inserts_1000: 'store alone, batches of 1,000',
  inserts_500: 'store alone, batches of 500',
  inserts_100: 'store alone, batches of 100',
  libsecp256k1: 'libsecp256k1',
  store: 'this relay',
  ...Object.fromEntries(CONTESTANTS.map(({ name, words }) => [name, words])),
}
const wordsOf = (name: string): string => WORDS[name] ?? name

/** At a pace that is given there is no rate to be proud of. */
const rateOf = ({ question, figures }: Row): Spread | undefined =>
  question === 'paced' ? undefined : figures['perSec']

/** Of the relay in all, and of its main thread. */
const cpuOf = ({ figures }: Row): string =>
  [figures['serverCpuUs'], figures['mainCpuUs']]
    .flatMap((spread) => (spread === undefined ? [] : [short(spread.median)]))
    .join(' / ')

const cells = (row: Row): string[] => {
  const { figures } = row
  const rate = rateOf(row)
  const latency = [figures['p50Ms'], figures['p99Ms'] ?? figures['maxMs']]
  return [
    wordsOf(row.question),
    whole(row.stored),
    wordsOf(row.contestant),
    rate === undefined ? '' : range(rate),
    cpuOf(row),
    figures['loadCpuUs'] === undefined ? '' : short(figures['loadCpuUs'].median),
    latency
      .map((spread) => (spread === undefined ? '' : short(spread.median)))
      .join(' / ')
      .replace(/^ \/ $/, ''),
    figures['rssMb'] === undefined ? '' : short(figures['rssMb'].median),
  ]
}

const HEAD = ['', 'stored', 'who', 'a second', 'us CPU / main', 'load us', 'p50 / p99 ms', 'RSS MB']

const aimCells = ({ words, aim, figure, met }: Report['aims'][number]): string[] => [
  words,
  aim,
  figure === undefined ? 'not measured' : short(figure),
  met === undefined ? '' : met ? 'met' : 'missed',
]

const columns = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => Array.from(row[i] ?? '').length)))
  return rows.map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
}

const wrongs = (report: Report): string[] => [
  ...report.rows.flatMap(({ question, stored, contestant, wrong }) =>
    Object.entries(wrong).map(
      ([reason, times]) => `WRONG: ${question} at ${stored}, ${contestant}, ${times} times: ${reason}`,
    ),
  ),
  ...Object.entries(report.leftOut).map(([name, why]) => `${name} is left out: ${why}`),
]

/** A machine that had other work to do makes every rate smaller than it is. */
const othersLine = ({ machine }: Report): string[] =>
  machine.loadBefore < machine.cores / 2
    ? []
    : [
        `The machine had other work: a load of ${machine.loadBefore} when it began. Rates are too low, latencies too high.`,
      ]

const machineLine = ({ machine }: Report): string => {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`)
  return `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGb} GB, ${machine.system}, ${versions.join(', ')}${
    machine.library === undefined ? '' : `, ${machine.library}`
  }`
}

export const tableOf = (report: Report): string =>
  [
    machineLine(report),
    `${whole(report.settings['events'] ?? 0)} events of ${report.settings['eventBytes'] ?? 0} bytes; medians of ${
      report.settings['runs'] ?? 0
    } runs`,
    ...othersLine(report),
    ...['', 'ratios', ...columns(report.ratios.map(({ words, spread }) => [words, range(spread)]))],
    ...['', 'aims', ...columns(report.aims.map(aimCells))],
    ...['', 'figures', ...columns([HEAD, ...report.rows.map(cells)])],
    ...wrongs(report),
  ].join('\n')

const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${head.join(' | ')} |`.replace('|  |', '| |'),
  `|${head.map(() => '---|').join('')}`,
  ...rows.map((row) =>
    `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
      .replaceAll('|  |', '| |')
      .replaceAll('|  |', '| |'),
  ),
]

/** What stands between the marks in docs/benchmarks.md. */
export const markdownOf = (report: Report): string => {
  const { settings } = report
  const of = (name: string): string => whole(settings[name] ?? 0)
  const lines = [
    // A page is read in a terminal too: the versions get a line of their own.
    `Machine: ${machineLine(report).replace(', sqlite ', ',\nsqlite ')}.`,
    `${of('events')} signed events of ${of('eventBytes')} bytes, ${of('window')} without an answer; medians of`,
    `${of('runs')} runs, in brackets the least and the most.`,
    ...othersLine(report),
    '',
    ...markdownTable(
      ['ratio', ''],
      report.ratios.map(({ words, spread }) => [words, range(spread)]),
    ),
    '',
    ...markdownTable(['aim', '', 'found', ''], report.aims.map(aimCells)),
    '',
    ...markdownTable(HEAD, report.rows.map(cells)),
    ...wrongs(report).flatMap((line) => ['', line]),
  ]
  return lines.join('\n')
}

import { cpus, totalmem } from 'node:os'
import type { Aim, Ratio } from './relay-aims.js'
import type { Row, Spread } from './relay-figures.js'
import type { BenchOptions } from './relay-options.js'

/** Everything that one run of the benchmark found; `--json` prints it as it is. */
export interface Report {
  /** Every event of every measurement was answered as it should. */
  readonly ok: boolean
  readonly machine: Machine
  readonly settings: Pick<BenchOptions, 'runs' | 'events'> & { readonly eventBytes: number; readonly window: number }
  readonly ratios: readonly Ratio[]
  readonly aims: readonly Aim[]
  readonly rows: readonly Row[]
  /** What could not be measured here, and why. */
  readonly leftOut: Readonly<Record<string, string>>
}

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  readonly library?: string
  readonly versions: Readonly<Record<string, string>>
}

export const machineOf = (library: string | undefined, versions: Machine['versions']): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${process.arch}`,
  node: process.version,
  ...(library === undefined ? {} : { library }),
  versions,
})

const count = (value: number): string => Math.round(value).toLocaleString('en-US')
const fine = (value: number): string => (value >= 100 ? count(value) : String(Number(value.toPrecision(3))))
const range = (spread: Spread): string => `${fine(spread.median)} (${fine(spread.min)}..${fine(spread.max)})`

export const tableOf = (report: Report): string => {
  const lines: string[] = []
  const { machine, settings } = report
  lines.push(`${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB, node ${machine.node}`)
  lines.push(
    `medians of ${settings.runs} runs (least..most); ${count(settings.events)} events of ${settings.eventBytes} bytes`,
  )
  lines.push('', 'ratios')
  for (const { words, spread } of report.ratios) lines.push(`  ${words.padEnd(70)} ${range(spread)}`)
  lines.push('', 'aims')
  for (const { words, aim, figure, met } of report.aims) {
    const found = figure === undefined ? 'not measured' : `${fine(figure)}: ${met === true ? 'met' : 'MISSED'}`
    lines.push(`  ${`${words} ${aim}`.padEnd(70)} ${found}`)
  }
  lines.push('', 'figures')
  for (const row of report.rows) {
    const figures = Object.entries(row.figures).map(([name, spread]) => `${name} ${range(spread)}`)
    lines.push(`  ${`${row.question} at ${count(row.stored)}, ${row.contestant}`.padEnd(40)} ${figures.join('  ')}`)
    for (const [reason, times] of Object.entries(row.wrong)) lines.push(`    WRONG, ${times} times: ${reason}`)
  }
  for (const [name, why] of Object.entries(report.leftOut)) lines.push(`${name} is left out: ${why}`)
  return lines.join('\n')
}

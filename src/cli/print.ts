import { Fault, reasonOf } from '../core/fault.js'
import { ConfigError, type Mistake } from '../config/report.js'
import { IdentityError } from '../identity/identity-error.js'

/**
 * The only place that prints. What was asked for goes to stdout, everything else to stderr; with `--json` stdout holds
 * JSON and nothing else.
 */

/** 0 it is done, 1 it failed at run time, 2 wrong usage or configuration (a service manager need not try again). */
export type ExitCode = 0 | 1 | 2

/** An end with a reason that a person can act on. */
export class CliError extends Error {
  readonly code: string
  readonly hint: string
  readonly exit: 1 | 2
  readonly mistakes: readonly Mistake[]

  constructor(
    code: string,
    message: string,
    options: { hint?: string; exit?: 1 | 2; mistakes?: readonly Mistake[]; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'CliError'
    this.code = code
    this.hint = options.hint ?? ''
    this.exit = options.exit ?? 1
    this.mistakes = options.mistakes ?? []
  }
}

/** Wrong usage: exit code 2. */
export const usageError = (message: string, hint = ''): CliError => new CliError('usage', message, { hint, exit: 2 })

/** What peers and relays say is shown, never obeyed: a terminal would take control characters for commands. */
const harmless = (text: string): string => text.replaceAll(/[^\P{Cc}\t\n]/gu, '\ufffd')

export const printLine = (text = ''): void => void process.stdout.write(`${harmless(text)}\n`)

/** For a person who watches: progress, warnings, next steps. */
export const printNote = (text: string): void => void process.stderr.write(`${harmless(text)}\n`)

export const printWarning = (text: string): void => printNote(`warning: ${text}`)

/** A question; the answer is typed behind it. */
export const printQuestion = (text: string): void => void process.stderr.write(harmless(text))

/** One line of JSON: the whole answer, or one of many (JSON Lines). */
export const printJson = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

/** Columns as wide as their widest cell; the last one is left as it is. */
export const printTable = (head: readonly string[], rows: readonly (readonly string[])[]): void => {
  const all = [head, ...rows].map((row) => row.map((cell) => harmless(cell).replaceAll('\n', ' ')))
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)))
  for (const row of all) {
    const cells = row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
    printLine(cells.join('  ').trimEnd())
  }
}

/** Prints why it ended, as text on stderr or as JSON on stdout, and says the exit code. */
export const printError = (thrown: unknown, json: boolean): ExitCode => {
  const error = cliErrorOf(thrown)
  if (json) {
    const { code, message, hint, mistakes } = error
    printJson({ error: { code, message, hint, ...(mistakes.length === 0 ? {} : { mistakes }) } })
    return error.exit
  }
  // One line, where the message is one.
  const [first, ...more] = error.message.split('\n')
  const hint = error.hint === '' ? '' : `; ${error.hint}`
  if (more.length === 0) printNote(`ksp: ${error.message}${hint}`)
  else printNote([`ksp: ${first ?? ''}`, ...more, ...(error.hint === '' ? [] : [`ksp: ${error.hint}`])].join('\n'))
  // A bug is the one thing that the reader can't mend: what we need to find it is all there is to give.
  if (error.code === 'internal' && thrown instanceof Error) printNote(thrown.stack ?? '')
  return error.exit
}

const cliErrorOf = (thrown: unknown): CliError => {
  if (thrown instanceof CliError) return thrown
  if (thrown instanceof ConfigError) {
    const { code, message, hint, mistakes } = thrown
    return new CliError(code, message, { hint, exit: 2, mistakes })
  }
  if (thrown instanceof IdentityError) {
    // Trying again helps only where another process was in the way.
    return new CliError(thrown.code, thrown.message, { hint: thrown.hint, exit: thrown.code === 'busy' ? 1 : 2 })
  }
  if (thrown instanceof Fault && thrown.area === 'crypto') {
    // No engine for signatures: it stays like that until a person installs one or asks for another.
    return new CliError('crypto', thrown.message, { hint: 'crypto.engine: auto takes what works here', exit: 2 })
  }
  if (thrown instanceof Fault) return new CliError(thrown.area, thrown.message)
  const system = systemErrorOf(thrown)
  if (system !== undefined) return new CliError('system', system)
  return new CliError('internal', `a mistake of ours: ${reasonOf(thrown)}`, { hint: 'please report it' })
}

/** A disk that is full, a folder that may not be written: no bug of ours. */
const systemErrorOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'syscall' in thrown && 'code' in thrown ? thrown.message : undefined

/** `ksp status | head` ends when the reader has seen enough; that is no error. */
export const endQuietlyWithReader = (): void => {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit(0)
  })
}

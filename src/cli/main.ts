#!/usr/bin/env node
import { suggest } from '../config/suggest.js'
import { endQuietlyWithReader, printError, printLine, usageError, type ExitCode } from './print.js'
import { PROGRAMS, VERBS, type Program, type Verb } from './verbs.js'
import { kspVersion } from './version.js'

/** The command `ksp`: finds the verb, loads it, and turns whatever is thrown into one clear line and an exit code. */
export const main = async (args: readonly string[]): Promise<number> => {
  // Before anything is parsed: also a mistake in the arguments themselves is told as JSON to who wants JSON.
  const end = args.indexOf('--')
  const json = (end < 0 ? args : args.slice(0, end)).includes('--json')
  try {
    return await dispatch(args)
  } catch (error) {
    return printError(error, json)
  }
}

const dispatch = async (args: readonly string[]): Promise<number> => {
  const [word, ...rest] = args
  if (word === '--version' || word === '-V' || word === 'version') {
    printLine(kspVersion())
    return 0
  }
  if (word === undefined || word === '--json') throw usageError('a verb is missing', 'see: ksp --help')
  if (word === '--help' || word === '-h' || (word === 'help' && rest.length === 0)) {
    const { topHelp } = await import('./commands.js')
    printLine(topHelp())
    return 0
  }
  if (word === 'help') return dispatch([...rest, '--help'])
  const program = own(PROGRAMS, word)
  if (program !== undefined) return runProgram(word, program, rest)
  const verb = own(VERBS, word)
  if (verb !== undefined) return runVerb(verb, args)
  throw unknownVerb(word)
}

const own = <T>(table: Readonly<Record<string, T>>, word: string): T | undefined =>
  Object.hasOwn(table, word) ? table[word] : undefined

const runVerb = async (verb: Verb, args: readonly string[]): Promise<ExitCode> => {
  const [{ runCommand }, { register }] = await Promise.all([import('./commands.js'), verb.load()])
  await runCommand(register, args)
  return process.exitCode === 1 || process.exitCode === 2 ? process.exitCode : 0
}

const runProgram = async (name: string, program: Program, args: readonly string[]): Promise<number> => {
  const module: unknown = await import(new URL(program.module, import.meta.url).href)
  const run: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, program.run) : undefined
  if (typeof run !== 'function') throw new Error(`the program ${name} has no ${program.run}`)
  // Declared in verbs.ts; the path is computed so that this room depends on no program.
  return (run as (argv: readonly string[]) => Promise<number>)(args)
}

const unknownVerb = (word: string): Error => {
  const words = [...Object.keys(VERBS), ...Object.keys(PROGRAMS)]
  const near = suggest(word, words)
  const what = word.startsWith('-') ? 'option' : 'verb'
  const meant = near === undefined ? '' : `; did you mean ksp ${near}?`
  return usageError(`unknown ${what} ${JSON.stringify(word.slice(0, 64))}${meant}`, 'see: ksp --help')
}

endQuietlyWithReader()
// Not process.exit: what is still on its way to a pipe would be cut off.
process.exitCode = await main(process.argv.slice(2))

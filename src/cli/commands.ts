import { Command, CommanderError } from 'commander'
import { OPTION_PATHS, rowOf } from '../config/options.js'
import type { Flags } from '../config.js'
import { printLine, usageError } from './print.js'
import { PROGRAMS, VERBS } from './verbs.js'

/** What all verbs have in common on the command line. */

/** A program that throws instead of printing and exiting by itself. */
const newProgram = (): Command =>
  new Command('ksp')
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => printLine(text.trimEnd()),
      // The same words come with the error that is thrown; main prints them, as JSON where that is wanted.
      writeErr: () => undefined,
    })

/** Registers one verb and runs it. Rejects with a usage error for whatever does not parse. */
export const runCommand = async (register: (program: Command) => void, args: readonly string[]): Promise<void> => {
  const program = newProgram()
  register(program)
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return
    if (error.code === 'commander.help') {
      const name = args[0] ?? ''
      const group = program.commands.find((command) => command.name() === name)
      const names = group?.commands.map((command) => command.name()).join(', ') ?? ''
      throw usageError(`ksp ${name} needs one of: ${names}`, `see: ksp ${name} --help`)
    }
    throw usageError(error.message.replace(/^error: /, '').replaceAll('\n', ' '), `see: ksp ${args[0] ?? ''} --help`)
  }
}

export const topHelp = (): string => {
  const rows = Object.entries({ ...VERBS, ...PROGRAMS })
  const width = Math.max(...rows.map(([name]) => name.length))
  return [
    'Usage: ksp VERB [options]',
    '',
    'One process beside each Herm: its agents work with those of other Herms over any Nostr relay.',
    '',
    'Verbs:',
    ...rows.map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'ksp VERB --help tells more. ksp --version tells the version.',
    '',
    'Example:',
    '  $ ksp init --id herm-a --relay wss://relay.example',
  ].join('\n')
}

/** Below the help of a verb: one example. */
export const withExample = (command: Command, example: string): Command =>
  command.addHelpText('after', `\nExample:\n  $ ${example}`)

export const withJson = (command: Command): Command =>
  command.option('--json', 'print JSON, and nothing else, on stdout')

export const withConfig = (command: Command): Command =>
  command.option('--config <file>', 'ksp.yaml to use (default: $KSP_CONFIG, ./ksp.yaml, ~/.config/ksp/ksp.yaml)')

/** A flag that may be given several times, or with several values separated by commas. */
export const collect = (value: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  ...value.split(',').filter((part) => part !== ''),
]

/** `--config`, and every option of the table that has a flag. */
export const withConfigFlags = (command: Command): Command => {
  withConfig(command)
  for (const path of OPTION_PATHS) {
    const { flag, about, type } = rowOf(path)
    if (flag === undefined) continue
    if (path.includes('[]')) command.option(`${flag} <value>`, `${about} May be given several times.`, collect)
    else command.option(`${flag} <value>`, `${about} (${type.name})`)
  }
  return command
}

/** What was given for the flags that `withConfigFlags` made, as the configuration takes them. */
export const flagsOf = (options: Readonly<Record<string, unknown>>): Flags => {
  const flags: Record<string, string | readonly string[]> = {}
  for (const path of OPTION_PATHS) {
    const { flag } = rowOf(path)
    if (flag === undefined) continue
    const value = options[flag.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())]
    if (typeof value === 'string') flags[flag] = value
    else if (Array.isArray(value)) flags[flag] = value.map(String)
  }
  return flags
}

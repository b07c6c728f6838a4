import { parseArgs } from 'node:util'
import { shown } from './readers.js'
import { Wrong } from './row.js'
import type { Options, ValuesOf } from './row.js'

export type Parsed<O extends Options> =
  | { readonly ok: true; readonly values: ValuesOf<O>; readonly words: readonly string[] }
  | { readonly ok: 'help' }
  /** Everything that is wrong, not only the first thing. */
  | { readonly ok: false; readonly mistakes: readonly string[] }

/** Arguments that stand without a flag, by what the help calls them. */
export interface Words {
  readonly needed: readonly string[]
  readonly optional?: readonly string[]
}

const MAX_MISTAKES = 10

/** What was typed, as the table of a command has it. `--help` and `-h` are known to all. */
export const parseOptions = <const O extends Options>(
  options: O,
  argv: readonly string[],
  expected: Words = { needed: [] },
): Parsed<O> => {
  const mistakes: string[] = []
  const typed = new Map<string, string[]>()
  const words: string[] = []
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: {
      ...Object.fromEntries(
        Object.entries(options).map(([name, { value }]) => [
          name,
          { type: value === undefined ? 'boolean' : 'string' } as const,
        ]),
      ),
      help: { type: 'boolean', short: 'h' },
    },
  })

  // A word after a flag that nobody knows, or that was taken for a value, may be that flag's value: one mistake, not two.
  let afterWrong = false
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      if (!afterWrong) words.push(token.value)
      afterWrong = false
      continue
    }
    if (token.name === 'help') return { ok: 'help' }
    const row = Object.hasOwn(options, token.name) ? options[token.name] : undefined
    const lacksValue =
      row?.value !== undefined && (token.value === undefined || (!token.inlineValue && token.value.startsWith('--')))
    afterWrong = (row === undefined || lacksValue) && !token.inlineValue
    if (row === undefined) mistakes.push(`Unknown option '${shown(token.rawName)}'`)
    else if (row.value === undefined && token.value !== undefined) mistakes.push(`${token.rawName} takes no value`)
    else if (lacksValue) mistakes.push(`${token.rawName} needs ${row.value}`)
    else typed.set(token.name, [...(typed.get(token.name) ?? []), token.value ?? ''])
  }

  const { needed, optional = [] } = expected
  for (const word of words.slice(needed.length + optional.length)) {
    mistakes.push(`Unexpected argument '${shown(word)}'`)
  }
  for (const missing of needed.slice(words.length)) mistakes.push(`${missing} is missing`)

  const values: Record<string, unknown> = {}
  for (const [name, row] of Object.entries(options)) {
    const texts = typed.get(name) ?? []
    const read = (text: string): unknown => {
      const value = row.read(text)
      if (!(value instanceof Wrong)) return value
      mistakes.push(`--${name} ${value.reason}`)
      return undefined
    }
    const max = row.max ?? 1
    if (texts.length > max) {
      mistakes.push(max === 1 ? `--${name} is given twice` : `--${name} is given more than ${max} times`)
    } else if (row.presence === 'list') values[name] = texts.map(read)
    else if (row.presence === 'switch') values[name] = texts.length > 0
    else {
      const text = texts[0] ?? row.default
      values[name] = text === undefined ? undefined : read(text)
    }
  }
  if (mistakes.length > 0) return { ok: false, mistakes: mistakes.slice(0, MAX_MISTAKES) }
  // Every row was read by its own reader, by presence as ValuesOf has it.
  return { ok: true, values: values as ValuesOf<O>, words }
}

import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { reasonOf } from '../core/fault.js'
import type { Environment } from './find-config.js'
import { inputOfText, type Input } from './input.js'
import { OPTION_PATHS, rowOf, type OptionPath } from './options.js'
import type { Report } from './report.js'
import { suggest } from './suggest.js'

/** Values of flags, by the name of the flag: `--relay` -> what was given to it. */
export type Flags = Readonly<Record<string, string | readonly string[] | undefined>>

export interface Override {
  readonly path: OptionPath
  readonly input: Input
}

/** Read by other parts of the program, or never to be commented on. */
const OTHER = ['KSP_CONFIG', 'KSP_TEST_CLOCK_OFFSET_S']
const MAX_VALUE_BYTES = 64 * 1024

/** What the environment and the flags say, weakest first. Paths in them are relative to the working directory. */
export const overridesOf = (env: Environment, flags: Flags, cwd: string, report: Report): Override[] => {
  const over: Override[] = []
  const known = new Set(OTHER)
  for (const path of OPTION_PATHS) {
    const { env: name } = rowOf(path)
    if (name === undefined) continue
    known.add(name).add(`${name}_FILE`)
    const value = valueOf(name, env, cwd, report)
    if (value !== undefined) over.push({ path, input: inputOfText(value, { source: name, dir: cwd }) })
  }
  complain(env, known, cwd, report)
  for (const path of OPTION_PATHS) {
    const { flag } = rowOf(path)
    const given = flag === undefined ? undefined : flags[flag]
    if (flag === undefined || given === undefined) continue
    const text = typeof given === 'string' ? given : given.join(' ')
    over.push({ path, input: inputOfText(text, { source: flag, dir: cwd }) })
  }
  return over
}

/** `NAME`, or what stands in the file that `NAME_FILE` names. An empty variable is an absent one. */
const valueOf = (name: string, env: Environment, cwd: string, report: Report): string | undefined => {
  const direct = env[name] === '' ? undefined : env[name]
  const fileName = `${name}_FILE`
  const file = env[fileName] === '' ? undefined : env[fileName]
  if (file === undefined) return direct
  if (direct !== undefined) {
    report.mistake({ source: fileName, dir: cwd }, '', `${name} and ${fileName} are both set; unset one`)
    return undefined
  }
  try {
    const from = resolve(cwd, file)
    if (statSync(from).size > MAX_VALUE_BYTES) throw new Error(`it has more than ${MAX_VALUE_BYTES} bytes`)
    return readFileSync(from, 'utf8').trim()
  } catch (error) {
    report.mistake({ source: fileName, dir: cwd }, '', `${file} can't be read: ${reasonOf(error)}`)
    return undefined
  }
}

const complain = (env: Environment, known: ReadonlySet<string>, cwd: string, report: Report): void => {
  const names = [...known]
  for (const name of Object.keys(env)) {
    if (!name.startsWith('KSP_') || known.has(name)) continue
    const place = { source: name, dir: cwd }
    if (name === 'KSP_PASSPHRASE') {
      report.mistake(
        place,
        '',
        'a passphrase is not taken from the environment, which leaks; name a file in KSP_PASSPHRASE_FILE',
      )
      continue
    }
    const near = suggest(name, names)
    if (near !== undefined) report.warn(place, '', `is no variable of ksp; did you mean ${near}?`)
  }
}

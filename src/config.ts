import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import { buildConfig } from './config/build-config.js'
import type { Config } from './config/config-type.js'
import { findConfig, type Environment } from './config/find-config.js'
import { inputOfYaml } from './config/input.js'
import { overridesOf, type Flags } from './config/overrides.js'
import { readOptions, type Origin } from './config/read-options.js'
import { ConfigError, inFileOrder, lineOf, openReport, type Mistake } from './config/report.js'
import { reasonOf } from './core/fault.js'

export type { Config, LogLevel, RelayConfig } from './config/config-type.js'
export type { Environment } from './config/find-config.js'
export type { Flags } from './config/overrides.js'
export type { Mistake } from './config/report.js'
export { findConfig } from './config/find-config.js'
export { fingerprint } from './config/fingerprint.js'
export { nodeInfoOf } from './config/node-info.js'
export { ConfigError, lineOf } from './config/report.js'
export { socketPath } from './config/socket-path.js'

export interface LoadOptions {
  readonly env?: Environment
  readonly flags?: Flags
  readonly cwd?: string
}

export interface LoadedConfig {
  readonly config: Config
  readonly warnings: readonly Mistake[]
  /** Where each value came from, by key path. */
  readonly origins: ReadonlyMap<string, Origin>
}

const MAX_FILE_BYTES = 1024 * 1024

/** Finds and reads ksp.yaml. Throws a ConfigError that holds all mistakes at once, or says that there is no file. */
export const readConfig = (path?: string, options: LoadOptions = {}): LoadedConfig => {
  const env = options.env ?? process.env
  const cwd = options.cwd ?? process.cwd()
  const file = findConfig(path, env, cwd)
  return parseConfig(readText(file), file, { ...options, env, cwd })
}

/** As readConfig, where nobody asks for warnings. */
export const loadConfig = (path?: string, options: LoadOptions = {}): Config => readConfig(path, options).config

/** The same for a text that is at hand; `file` is where it stands, or would stand. */
export const parseConfig = (text: string, file: string, options: LoadOptions = {}): LoadedConfig => {
  const env = options.env ?? {}
  const cwd = options.cwd ?? process.cwd()
  const absolute = resolve(cwd, file)
  const dir = dirname(absolute)
  const source = shownPath(absolute, cwd)
  const report = openReport()
  const input = inputOfYaml(text, { source, dir }, report)
  if (input === undefined) throw badConfig(source, report.mistakes)

  const over = overridesOf(env, options.flags ?? {}, cwd, report)
  const values = readOptions(
    { file: input.form === 'empty' ? { ...input, form: 'map', entries: [] } : input, over },
    report,
  )
  const runtimeDir = env['XDG_RUNTIME_DIR'] === '' ? undefined : env['XDG_RUNTIME_DIR']
  const config = buildConfig(values, report, { file: absolute, dir, runtimeDir })
  if (report.mistakes.length > 0) throw badConfig(source, report.mistakes)
  return { config: freeze(config), warnings: inFileOrder(report.warnings), origins: values.origins }
}

const badConfig = (source: string, found: readonly Mistake[]): ConfigError => {
  const mistakes = inFileOrder(found)
  const count = mistakes.length === 1 ? '1 mistake' : `${mistakes.length} mistakes`
  const message = `${count} in the configuration:\n${mistakes.map(lineOf).join('\n')}`
  return new ConfigError('bad-config', message, `mend ${source}, then run: ksp config check`, mistakes)
}

/** Relative where that is shorter and stays below the working directory. */
const shownPath = (file: string, cwd: string): string => {
  const short = relative(cwd, file)
  return short === '' || short.startsWith('..') ? file : short
}

const readText = (file: string): string => {
  const unreadable = (why: string): ConfigError =>
    new ConfigError('bad-config', `${file} can't be read: ${why}`, `name another one with --config`, [
      { source: basename(file), key: '', message: `can't be read: ${why}` },
    ])
  let bytes: Buffer
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`)
    bytes = readFileSync(file)
  } catch (error) {
    throw unreadable(reasonOf(error))
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unreadable('it is not UTF-8')
  }
}

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(freeze)
  }
  return value
}

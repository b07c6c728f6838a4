/** Mistakes and warnings are collected, never thrown one by one: a person mends a file once (style 11). */

/** Where a value stands: a line of a file, a variable of the environment, or a flag. */
export interface Place {
  /** As shown to a person: `ksp.yaml`, `KSP_RELAYS`, `--relay`. */
  readonly source: string
  readonly line?: number
  /** What relative paths in it are relative to. Absolute. */
  readonly dir: string
}

export interface Mistake {
  readonly source: string
  readonly line?: number
  /** The key path, such as `relays[0].url`; empty where it is about the whole file. */
  readonly key: string
  readonly message: string
}

export interface Report {
  readonly mistakes: Mistake[]
  readonly warnings: Mistake[]
  mistake(place: Place, key: string, message: string): void
  warn(place: Place, key: string, message: string): void
}

/** A hostile or broken file must not flood the terminal. */
const MAX_LISTED = 100

export const openReport = (): Report => {
  const mistakes: Mistake[] = []
  const warnings: Mistake[] = []
  const add = (list: Mistake[], place: Place, key: string, message: string): void => {
    if (list.length >= MAX_LISTED) return
    list.push({ source: place.source, ...(place.line === undefined ? {} : { line: place.line }), key, message })
  }
  return {
    mistakes,
    warnings,
    mistake: (place, key, message) => add(mistakes, place, key, message),
    warn: (place, key, message) => add(warnings, place, key, message),
  }
}

/** `ksp.yaml:12: relays[0].url: must start with wss://` */
export const lineOf = (m: Mistake): string => {
  const where = m.line === undefined ? m.source : `${m.source}:${m.line}`
  return m.key === '' ? `${where}: ${m.message}` : `${where}: ${m.key}: ${m.message}`
}

export const inFileOrder = (list: readonly Mistake[]): Mistake[] =>
  [...list].sort((a, b) => (a.source === b.source ? (a.line ?? 0) - (b.line ?? 0) : 0))

/** The configuration can't be used. `mistakes` are all of them, in the order of the file; `code` and `hint` are for a person. */
export class ConfigError extends Error {
  readonly code: 'no-config' | 'bad-config'
  readonly mistakes: readonly Mistake[]
  readonly hint: string

  constructor(code: 'no-config' | 'bad-config', message: string, hint: string, mistakes: readonly Mistake[] = []) {
    super(message)
    this.name = 'ConfigError'
    this.code = code
    this.hint = hint
    this.mistakes = mistakes
  }
}

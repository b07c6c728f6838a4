import type { Input } from './input.js'
import { itemsOf } from './option-lists.js'
import { LATER, OPTION_PATHS, rowOf, SECTIONS, type OptionPath, type ReadOf } from './options.js'
import type { Place, Report } from './report.js'
import { suggest } from './suggest.js'

/** Where a value came from, for `ksp config show`. */
export interface Origin {
  readonly source: string
  readonly line?: number
}

/** What the file, the environment and the flags say, by place such as `relays[0].url`. */
export interface Values {
  /** The value of an option; `indexes` fill its `[]` from the left. Undefined where it is absent or wrong. */
  readonly get: <P extends OptionPath>(path: P, ...indexes: readonly number[]) => ReadOf<P> | undefined
  /** True where something stands in this section. */
  has(section: string): boolean
  /** How many entries a list of maps has. */
  count(section: string, ...indexes: readonly number[]): number
  placeOf(key: string): Place
  readonly origins: ReadonlyMap<string, Origin>
}

export interface Sources {
  readonly file: Input
  /** Stronger than the file, weakest first: the environment, then the flags. */
  readonly over: readonly { readonly path: OptionPath; readonly input: Input }[]
}

const filled = (path: string, indexes: readonly number[]): string => {
  let i = 0
  return path.replaceAll('[]', () => `[${indexes[i++] ?? 0}]`)
}

/** The names that may stand directly in a section (`''` is the whole file). */
const namesIn = (section: string): string[] => {
  const prefix = section === '' ? '' : `${section}.`
  const all = [...OPTION_PATHS, ...Object.keys(LATER)].filter((path) => path.startsWith(prefix))
  return [...new Set(all.map((path) => path.slice(prefix.length).split('.')[0]?.replace('[]', '') ?? ''))]
}

const isOption = (path: string): path is OptionPath => OPTION_PATHS.some((known) => known === path)

/** Reads everything there is and reports every mistake. Defaults are filled in; what is needed and absent is a mistake. */
export const readOptions = (sources: Sources, report: Report): Values => {
  const values = new Map<string, unknown>()
  const origins = new Map<string, Origin>()
  const places = new Map<string, Place>()
  const counts = new Map<string, number>()
  /** Read, right or wrong: what is wrong is not reported as missing too. */
  const seen = new Set<string>()

  const read = (path: OptionPath, key: string, input: Input): void => {
    seen.add(key)
    places.set(key, input.place)
    const { source, line } = input.place
    origins.set(key, { source, ...(line === undefined ? {} : { line }) })
    const value = rowOf(path).type.read(input, key, report)
    if (value === undefined) values.delete(key)
    else values.set(key, value)
  }

  const readList = (section: string, key: string, input: Input): void => {
    const list = SECTIONS[section]?.list
    const items = itemsOf(input)
    if (list === undefined || items === undefined) {
      report.mistake(input.place, key, `must be a list, each entry on a line of its own: - ${list?.word ?? ''}: ...`)
      return
    }
    if (items.length > list.max) {
      report.mistake(input.place, key, `has ${items.length} entries; at most ${list.max} are taken`)
      return
    }
    forget(key)
    places.set(key, input.place)
    counts.set(key, items.length)
    for (const [i, item] of items.entries()) {
      const itemKey = `${key}[${i}]`
      places.set(itemKey, item.place)
      const word = `${section}.${list.word}`
      if (item.form === 'text' && isOption(word)) read(word, `${itemKey}.${list.word}`, item)
      else readSection(section, itemKey, item)
    }
  }

  /** A list that comes from a stronger source replaces the whole list. */
  const forget = (key: string): void => {
    for (const map of [values, origins, places]) {
      for (const known of map.keys()) if (known.startsWith(`${key}[`)) map.delete(known)
    }
    for (const known of seen) if (known.startsWith(`${key}[`)) seen.delete(known)
  }

  const readSection = (section: string, key: string, input: Input): void => {
    if (input.form === 'empty') {
      // `trust:` with everything under it commented out is a section without wishes.
      places.set(key, input.place)
      seen.add(key)
      return
    }
    if (input.form !== 'map') {
      report.mistake(input.place, key, `must be a map of ${namesIn(section).join(', ')}`)
      return
    }
    places.set(key, input.place)
    seen.add(key)
    const dot = (base: string, name: string): string => (base === '' ? name : `${base}.${name}`)
    for (const entry of input.entries) {
      const path = dot(section, entry.key)
      const here = dot(key, entry.key.slice(0, 64))
      const later = Object.hasOwn(LATER, path) ? LATER[path] : undefined
      if (later !== undefined) report.mistake(entry.place, here, `is not available in this version; ${later}`)
      else if (isOption(path)) read(path, here, entry.value)
      else if (Object.hasOwn(SECTIONS, `${path}[]`)) readList(`${path}[]`, here, entry.value)
      else if (Object.hasOwn(SECTIONS, path)) readSection(path, here, entry.value)
      else report.mistake(entry.place, here, unknownKey(section, entry.key))
    }
  }

  readSection('', '', sources.file)
  for (const { path, input } of sources.over) {
    const list = Object.keys(SECTIONS).find((s) => SECTIONS[s]?.list !== undefined && path.startsWith(`${s}.`))
    if (list !== undefined) readList(list, list.replace('[]', ''), input)
    else read(path, path, input)
  }

  /** Every place an option of this path stands at, one for each entry of the lists on its way. */
  const instances = (path: string): string[] => {
    const at = path.indexOf('[]')
    if (at < 0) return [path]
    const list = path.slice(0, at)
    const rest = path.slice(at + 2)
    return Array.from({ length: counts.get(list) ?? 0 }, (_, i) => `${list}[${i}]${rest}`)
  }

  const placeOf = (key: string): Place => {
    for (let k = key; k !== ''; k = k.replace(/(?:\.|^|\[)[^.[]*$/, '')) {
      const place = places.get(k)
      if (place !== undefined) return place
    }
    return { source: sources.file.place.source, dir: sources.file.place.dir }
  }
  const parentOf = (key: string): string => key.split('.').slice(0, -1).join('.')

  for (const path of OPTION_PATHS) {
    const row = rowOf(path)
    for (const key of instances(path)) {
      if (seen.has(key)) continue
      const parent = parentOf(key)
      if (row.default !== undefined) {
        const text = row.default.replace(/^\[(.*)\]$/, '$1')
        const place = { source: 'default', dir: sources.file.place.dir }
        values.set(key, row.type.read({ form: 'text', place, text, bare: true }, key, report))
        origins.set(key, { source: 'default' })
      } else if (row.presence === 'needed' && (parent === '' || places.has(parent))) {
        report.mistake(placeOf(parent), key, `is missing: ${row.about} For example: ${leafOf(key)}: ${row.example}`)
      }
    }
  }
  for (const [section, { needed }] of Object.entries(SECTIONS)) {
    if (needed === true && ![...seen].some((key) => key === section || key.startsWith(`${section}.`))) {
      report.mistake(placeOf(''), section, `is missing: ${exampleOf(section)}`)
    }
  }

  return {
    // What was stored under an option's key was read by that option's type.
    get: <P extends OptionPath>(path: P, ...indexes: readonly number[]) =>
      values.get(filled(path, indexes)) as ReadOf<P> | undefined,
    has: (section) => places.has(section),
    count: (section, ...indexes) => counts.get(filled(section, indexes)) ?? 0,
    placeOf,
    origins,
  }
}

const leafOf = (key: string): string => key.split('.').at(-1) ?? key

const exampleOf = (section: string): string => {
  const rows = OPTION_PATHS.filter((path) => path.startsWith(`${section}.`))
  return `${section}: { ${rows.map((path) => `${leafOf(path)}: ${rowOf(path).example}`).join(', ')} }`
}

const unknownKey = (section: string, key: string): string => {
  const shown = JSON.stringify(key.slice(0, 64))
  const here = namesIn(section)
  const near = suggest(key, here)
  if (near !== undefined) return `unknown key ${shown}; did you mean ${near}?`
  const elsewhere = OPTION_PATHS.find((path) => leafOf(path) === key)
  if (elsewhere !== undefined) return `unknown key ${shown} here; it belongs to ${elsewhere.replaceAll('[]', '')}`
  return `unknown key ${shown}; known here: ${here.join(', ')}`
}

import { isHex32 } from './names.js'
import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'
import type { NostrEvent } from './types.js'

/** NIP-01 filters. */
export interface Filter {
  readonly ids?: readonly string[]
  readonly authors?: readonly string[]
  readonly kinds?: readonly number[]
  /** Unix seconds, both ends included. */
  readonly since?: number
  readonly until?: number
  readonly limit?: number
  /** Single-letter tags. `e` and `p` hold 64 lowercase hex. */
  readonly [tag: `#${string}`]: readonly string[] | undefined
}

/** Values in one list of a filter, and characters in one value. Relays set tighter limits of their own. */
export const MAX_FILTER_VALUES = 10_000
export const MAX_FILTER_VALUE_CHARS = 4_096

/**
 * `bad-schema` for what is no filter. An unknown member is refused too: to ignore a condition would be to answer with more
 * than was asked for (NIP-01: "unsupported: filter contains unknown elements").
 */
export const parseFilter = (x: unknown): Result<Filter> => {
  if (typeof x !== 'object' || x === null || Array.isArray(x)) return refuse('bad-schema', 'filter is not an object')
  const filter: Record<string, readonly unknown[] | number> = {}
  for (const [name, value] of Object.entries(x)) {
    const why = wrongWith(name, value)
    if (why !== undefined) return refuse('bad-schema', `filter: ${why}`)
    filter[name] = Array.isArray(value) ? [...(value as unknown[])] : (value as number)
  }
  return ok(filter as Filter)
}

const wrongWith = (name: string, value: unknown): string | undefined => {
  switch (name) {
    case 'ids':
    case 'authors':
    case '#e':
    case '#p':
      return isListOf(value, isKeyOrId) ? undefined : `${name} is not a list of 64 lowercase hex`
    case 'kinds':
      return isListOf(value, isKind) ? undefined : 'kinds is not a list of numbers from 0 to 65535'
    case 'since':
    case 'until':
    case 'limit':
      return isCount(value) ? undefined : `${name} is not a whole number`
    default:
      if (!/^#[a-zA-Z]$/.test(name)) return 'unknown member'
      return isListOf(value, isValue) ? undefined : `${name} is not a list of strings`
  }
}

const isListOf = (x: unknown, is: (value: unknown) => boolean): boolean =>
  Array.isArray(x) && x.length <= MAX_FILTER_VALUES && x.every(is)

const isKeyOrId = (x: unknown): boolean => typeof x === 'string' && isHex32(x)
const isValue = (x: unknown): boolean => typeof x === 'string' && x.length <= MAX_FILTER_VALUE_CHARS
const isCount = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 0
const isKind = (x: unknown): boolean => isCount(x) && (x as number) <= 65_535

/** `limit` says how much to send of what is stored, and nothing about one event. An empty list matches nothing. */
export const matches = (f: Filter, e: NostrEvent): boolean => {
  if (f.ids !== undefined && !f.ids.includes(e.id)) return false
  if (f.kinds !== undefined && !f.kinds.includes(e.kind)) return false
  if (f.since !== undefined && e.created_at < f.since) return false
  if (f.until !== undefined && e.created_at > f.until) return false
  if (f.authors !== undefined && !f.authors.includes(e.pubkey)) return false
  for (const name in f) {
    if (!name.startsWith('#')) continue
    const wanted = f[name as `#${string}`]
    if (wanted !== undefined && !hasTag(e, name.slice(1), wanted)) return false
  }
  return true
}

/** Only a tag's first value is indexed (NIP-01). */
const hasTag = (e: NostrEvent, name: string, wanted: readonly string[]): boolean => {
  // Thousands of tags and thousands of values: millions of comparisons, and somebody who knows it.
  const values =
    e.tags.length * wanted.length > MANY_PAIRS ? new Set(wanted) : { has: (v: string) => wanted.includes(v) }
  return e.tags.some((tag) => tag[0] === name && tag[1] !== undefined && values.has(tag[1]))
}
const MANY_PAIRS = 1_000

export const matchesAny = (filters: readonly Filter[], e: NostrEvent): boolean => filters.some((f) => matches(f, e))

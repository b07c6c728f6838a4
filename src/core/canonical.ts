import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'
import type { JsonObject, JsonValue } from './types.js'
import { isWellFormed } from './well-formed.js'

/**
 * Reading I-JSON (RFC 7493) and writing it in its one canonical form (RFC 8785), as wire.md 1 wants it.
 *
 * `JSON.parse` is the fastest parser there is here, but it keeps the last of two equal keys, turns 1e400 into Infinity and
 * lets lone surrogates through. Two cheap passes around it find these:
 *
 * 1. Before: one scan of the text counts the colons outside strings, which in valid JSON is the number of members, and the
 *    depth, so that nothing deep is ever parsed.
 * 2. After: one walk of the value counts the members that are left. Fewer than colons: some key was there twice, however it
 *    was written (`"a"` and `"\u0061"` are one key). The same walk sees numbers and strings as they came out.
 *
 * Neither pass recurses, so no input can overflow the stack.
 */

/** wire.md 1: how deep arrays and objects may be nested. `[]` is 1 deep. */
export const MAX_JSON_DEPTH = 64

/** Beyond any depth that `parseJson` lets through; only a bug gets there, and it must not be a stack overflow. */
const MAX_CANONICAL_DEPTH = 1_000

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Refuses with `bad-json`: no JSON, duplicate keys, too deep, lone surrogates, numbers that no double can hold. */
export const parseJson = (text: string, maxDepth: number = MAX_JSON_DEPTH): Result<JsonValue> => {
  const members = countColons(text, maxDepth)
  if (typeof members === 'string') return refuse('bad-json', members)
  if (!isWellFormed(text)) return refuse('bad-json', 'a lone surrogate')
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    // The parser's own words quote the text, and a refusal never holds content.
    return refuse('bad-json', 'not JSON')
  }
  // A well-formed text can only hide a lone surrogate in an escape.
  const why = checkValue(value, members, text.includes('\\u'))
  return why === undefined ? ok(value) : refuse('bad-json', why)
}

/** The number of colons outside strings, or what is wrong. Where the text is no JSON, `JSON.parse` will say so. */
const countColons = (text: string, maxDepth: number): number | string => {
  let colons = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at)
        if (at === -1) return 'a string without an end'
        break
      case 0x3a: // :
        colons++
        break
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > maxDepth) return `nested more than ${maxDepth} deep`
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
        break
    }
  }
  return colons
}

/** Where the string ends that starts at `start`; -1 where it does not. Linear: a run of backslashes is read once. */
const endOfString = (text: string, start: number): number => {
  let end = text.indexOf('"', start + 1)
  while (end !== -1) {
    let before = end - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    // An even number of backslashes escape one another; an odd one escapes the quote.
    if ((end - before) % 2 === 1) return end
    end = text.indexOf('"', end + 1)
  }
  return -1
}

const checkValue = (root: JsonValue, members: number, checkStrings: boolean): string | undefined => {
  const open: (JsonValue[] | JsonObject)[] = []
  let counted = 0
  let why: string | undefined
  const see = (value: JsonValue): void => {
    if (typeof value === 'object') {
      if (value !== null) open.push(value)
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) why = 'a number that is too large'
    } else if (checkStrings && typeof value === 'string' && !isWellFormed(value)) {
      why = 'a lone surrogate'
    }
  }
  see(root)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (Array.isArray(next)) {
      for (const element of next) see(element)
      continue
    }
    for (const key of Object.keys(next)) {
      counted++
      if (checkStrings) see(key)
      see(next[key] as JsonValue)
    }
  }
  return why ?? (counted === members ? undefined : 'a key twice in one object')
}

/**
 * RFC 8785. What went through `parseJson` always has a form. Throws a TypeError for what is not I-JSON (non-finite numbers,
 * lone surrogates, undefined) and a RangeError beyond 1,000 levels: both are bugs of the caller.
 */
export const canonical = (value: JsonValue): string => write(value, 0)

const write = (value: JsonValue, depth: number): string => {
  switch (typeof value) {
    case 'string':
      return writeString(value)
    case 'number':
      // ECMAScript's own form is RFC 8785's, -0 as 0 included.
      if (!Number.isFinite(value)) throw new TypeError('not I-JSON: a number that is not finite')
      return String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth >= MAX_CANONICAL_DEPTH) throw new RangeError(`nested more than ${MAX_CANONICAL_DEPTH} deep`)
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1)
    default:
      throw new TypeError(`not I-JSON: ${typeof value}`)
  }
}

/** Without these a string stands as it is. DEL and U+2028 do not have to be escaped (RFC 8785 3.2.2.2). */
// eslint-disable-next-line no-control-regex
const SPECIAL = /[\u0000-\u001f"\\\ud800-\udfff]/

const writeString = (text: string): string => {
  if (!SPECIAL.test(text)) return `"${text}"`
  if (!isWellFormed(text)) throw new TypeError('not I-JSON: a lone surrogate')
  return JSON.stringify(text)
}

const writeArray = (list: readonly JsonValue[], depth: number): string => {
  let out = '['
  for (let i = 0; i < list.length; i++) {
    if (i > 0) out += ','
    out += write(list[i] as JsonValue, depth)
  }
  return out + ']'
}

const writeObject = (object: JsonObject, depth: number): string => {
  // Without a comparison function `sort` compares UTF-16 code units, which is what RFC 8785 3.2.3 asks for.
  const keys = Object.keys(object).sort()
  let out = '{'
  for (const key of keys) {
    if (out.length > 1) out += ','
    out += writeString(key) + ':' + write(object[key] as JsonValue, depth)
  }
  return out + '}'
}

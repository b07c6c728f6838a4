import { canonical } from '../core/canonical.js'
import { DEPENDENCY_KINDS } from '../core/envelope-types.js'
import type { Hashes } from '../core/hashes.js'
import { isHex32 } from '../core/names.js'
import { utf8Length } from '../core/text.js'
import type { Hex32, JsonObject, JsonValue } from '../core/types.js'

/** What the daemon knows of a TXXM: enough for its braid, nothing of what it means. */
export interface NewTxxm {
  readonly id: Hex32
  /** RFC 8785 text; `id` is its SHA-256. */
  readonly body: string
  /** The TXXMs that it names as causal parents. */
  readonly parents: readonly Hex32[]
}

export const MAX_BODY_BYTES = 1_048_576
const MAX_DEPENDENCIES = 64

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The TXXM, or why it can't be one, for a person. */
export const readTxxm = (value: JsonValue, hashes: Hashes): NewTxxm | { readonly reason: string } => {
  if (!isObject(value)) return { reason: 'the TXXM is not an object' }
  const parents = parentsOf(value['dependencies'])
  if (typeof parents === 'string') return { reason: parents }
  const body = canonical(value)
  const bytes = utf8Length(body)
  if (bytes > MAX_BODY_BYTES) return { reason: `the TXXM is ${bytes} bytes, at most ${MAX_BODY_BYTES} are taken` }
  return { id: hashes.sha256Hex(body), body, parents }
}

/** wire.md 2.1. A wrong list would give the braid wrong tips for ever. */
const parentsOf = (list: JsonValue | undefined): Hex32[] | string => {
  if (list === undefined) return []
  if (!Array.isArray(list)) return 'dependencies is not a list'
  if (list.length > MAX_DEPENDENCIES) return `more than ${MAX_DEPENDENCIES} dependencies`
  const parents = new Set<Hex32>()
  for (const entry of list) {
    if (!isObject(entry)) return 'a dependency is not an object'
    const { kind, hash } = entry
    if (typeof hash !== 'string' || !isHex32(hash)) return 'the hash of a dependency is not 64 lowercase hex characters'
    if (!DEPENDENCY_KINDS.some((known) => known === kind)) return 'a dependency of an unknown kind'
    if (kind === 'causal-parent') parents.add(hash)
  }
  return [...parents]
}

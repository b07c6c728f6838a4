import type { Hashes } from './hashes.js'
import type { Hex32, KorName } from './types.js'

/** KOR names: what they look like, and whose namespace serves which target (wire.md 1 and 5). */

const MAX_KOR_CHARS = 253
/** Both cases, spelt out: `toLowerCase` alone would let U+212A, the Kelvin sign, become a `k`. */
const KOR = /^[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*$/

/** The name in lowercase, the one form it is compared in; undefined where it is no KOR name. */
export const normalKor = (s: string): KorName | undefined =>
  s.length <= MAX_KOR_CHARS && KOR.test(s) ? (s.toLowerCase() as KorName) : undefined

/** True where the namespace equals the target or is a suffix of it by whole labels. */
export const korServes = (namespace: string, target: string): boolean => {
  const server = normalKor(namespace)
  const served = normalKor(target)
  return server !== undefined && served !== undefined && isSuffix(server, served)
}

const isSuffix = (namespace: string, target: string): boolean =>
  namespace === target || target.endsWith(`.${namespace}`)

/** The values of the longest namespace that serves the target; of several equal ones all, in the order of the entries. */
export const longestKor = <T>(target: string, entries: readonly { readonly kor: string; readonly value: T }[]): T[] => {
  const served = normalKor(target)
  if (served === undefined) return []
  let longest = 0
  let found: T[] = []
  for (const { kor, value } of entries) {
    const namespace = normalKor(kor)
    if (namespace === undefined || namespace.length < longest || !isSuffix(namespace, served)) continue
    if (namespace.length > longest) found = []
    longest = namespace.length
    found.push(value)
  }
  return found
}

/** KAP-010's namespace_id: SHA-256 of the name in lowercase. */
export const namespaceId = (name: string, hashes: Hashes): Hex32 => hashes.sha256Hex(name.toLowerCase())

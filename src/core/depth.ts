import type { JsonValue } from './types.js'

/** Are there more levels than this? It stops looking there: what nests without end must not fill the stack. */
export const isDeeper = (value: JsonValue, levels: number): boolean => {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((member) => isDeeper(member, levels - 1))
}

import type { BodyType, Fragment, Receipt, Txxm } from './envelope-types.js'
import type { JsonValue } from './types.js'

/**
 * What a JSON Schema cannot say because it takes two members to tell (kinds/README.md lists these rules). Only for a body
 * that fits its schema. The answer is what is wrong, or undefined.
 */
export const brokenRule = (type: BodyType, body: JsonValue): string | undefined => {
  switch (type) {
    case 'txxm-envelope':
      return brokenTxxm(body as unknown as Txxm)
    case 'fragment': {
      const { index, count } = body as unknown as Fragment
      return index < count ? undefined : '/index is not below /count'
    }
    case 'receipt':
      return (Array.isArray(body) ? body : [body]).some((one) => hasBackwardGap(one as unknown as Receipt))
        ? '/missing holds a gap that ends before it starts'
        : undefined
    case 'task-envelope':
    case 'task-result':
    case 'braid':
    case 'heartbeat':
    case 'knot':
      return undefined
  }
}

/** KAP-010: both make a TXXM invalid. */
const brokenTxxm = ({ valid_from, valid_until, dependencies }: Txxm): string | undefined => {
  if (valid_from !== undefined && valid_until !== undefined && valid_until < valid_from) {
    return '/valid_until is before /valid_from'
  }
  if (dependencies === undefined || dependencies.length < 2) return undefined
  // The schema compares whole members; an unknown one beside kind and hash would hide a duplicate from it.
  const seen = new Set(dependencies.map(({ kind, hash }) => kind + hash))
  return seen.size === dependencies.length ? undefined : '/dependencies holds one twice'
}

const hasBackwardGap = ({ missing }: Receipt): boolean => missing?.some(([first, last]) => last < first) ?? false

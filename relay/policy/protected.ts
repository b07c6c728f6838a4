import type { NostrEvent } from '../../src/core/types.js'
import { tooMuchStructure } from '../session/structure.js'
import type { WriteRule } from './policy.js'

/** NIP-70: an event that only its author may publish, authenticated as such, and nobody may pass on. */
const isProtected = (event: Pick<NostrEvent, 'tags'>): boolean => event.tags.some(([name]) => name === '-')

export const fromItsAuthorOnly: WriteRule = (event, { viewer }) => {
  if (!isProtected(event) || viewer.keys.has(event.pubkey)) return undefined
  return viewer.keys.size === 0
    ? 'auth-required: a protected event is taken from its authenticated author only'
    : 'restricted: a protected event is taken from its authenticated author only'
}

/** NIP-18. */
const REPOSTS: ReadonlySet<number> = new Set([6, 16])

/** A repost may carry the whole event in its content; whether it is a whole one is not asked. It is read as carefully as a message. */
export const noProtectedRepost: WriteRule = (event) => {
  if (!REPOSTS.has(event.kind) || !event.content.trimStart().startsWith('{')) return undefined
  const wrong = tooMuchStructure(event.content)
  if (wrong !== undefined) return `invalid: the event it reposts: ${wrong}`
  let inner: unknown
  try {
    inner = JSON.parse(event.content)
  } catch {
    return undefined
  }
  if (typeof inner !== 'object' || inner === null || !('tags' in inner) || !Array.isArray(inner.tags)) return undefined
  const hasMark = inner.tags.some((tag: unknown) => Array.isArray(tag) && tag[0] === '-')
  return hasMark ? 'blocked: the event it reposts is protected' : undefined
}

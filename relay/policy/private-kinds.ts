import type { NostrEvent, Pubkey } from '../../src/core/types.js'
import { EPHEMERAL_GIFT_WRAP, GIFT_WRAP } from '../events/kind-class.js'
import type { AskRule, ReadRule } from './policy.js'
import type { Viewer } from '../session/session.js'

/** NIP-59: that somebody wrote to a key is the key's own business. */
export const PRIVATE_KINDS: ReadonlySet<number> = new Set([GIFT_WRAP, EPHEMERAL_GIFT_WRAP])

const isFor = (event: NostrEvent, keys: ReadonlySet<Pubkey>): boolean =>
  keys.size > 0 && event.tags.some(([name, value]) => name === 'p' && value !== undefined && keys.has(value as Pubkey))

/** Private kinds are read by those they name in a `p` tag, authenticated, and by nobody else: not even by their author. */
export const readByRecipientOnly: ReadRule = Object.assign(
  (viewer: Viewer, event: NostrEvent): boolean => !PRIVATE_KINDS.has(event.kind) || isFor(event, viewer.keys),
  { byKind: (_: Viewer, kind: number): boolean | undefined => (PRIVATE_KINDS.has(kind) ? undefined : true) },
)

/**
 * Says so where nothing but private events was asked for and none of them could be served. Where other events were asked
 * for as well, those are served and the private ones are left out.
 */
export const sayWhatIsPrivate: AskRule = (viewer, filters) => {
  const onlyPrivate = filters.every(({ kinds }) => kinds !== undefined && kinds.length > 0 && kinds.every(isPrivate))
  if (!onlyPrivate) return undefined
  if (viewer.keys.size === 0) return 'auth-required: these kinds are served to the one they are for'
  const someOwn = filters.some(
    ({ '#p': named }) => named === undefined || named.some((key) => viewer.keys.has(key as Pubkey)),
  )
  return someOwn ? undefined : 'restricted: these kinds are served to the one they are for'
}

const isPrivate = (kind: number): boolean => PRIVATE_KINDS.has(kind)

import type { Moderation } from '../store/moderation.js'
import type { Keys } from './access.js'
import type { Access, WriteRule } from './policy.js'

/** NIP-86: what admins do not want. Before every list of who may: a ban wins over all of them. */
export const notModerated =
  (moderation: Pick<Moderation, 'has'>): WriteRule =>
  (event) => {
    if (moderation.has('banned-key', event.pubkey)) return 'blocked: this key is banned from this relay'
    if (moderation.has('banned-event', event.id)) return 'blocked: this event is banned from this relay'
    if (moderation.has('refused-kind', String(event.kind))) return 'blocked: this relay takes no events of this kind'
    return undefined
  }

/**
 * The operator's lists with what admins decided: who is allowed may write besides those in the file of --allow-write, and
 * who is banned may nothing that a list gives, whatever file it stands in.
 */
export const withModeration = (access: Access, moderation: Pick<Moderation, 'has'>): Access => {
  const { writers, readers, kapnetWriters } = access
  const unbanned = (keys: Keys): Keys => ({ has: (key) => !moderation.has('banned-key', key) && keys.has(key) })
  return {
    ...access,
    moderation,
    ...(writers === undefined
      ? {}
      : { writers: unbanned({ has: (key) => writers.has(key) || moderation.has('allowed-key', key) }) }),
    ...(readers === undefined ? {} : { readers: unbanned(readers) }),
    ...(kapnetWriters === undefined ? {} : { kapnetWriters: unbanned(kapnetWriters) }),
  }
}

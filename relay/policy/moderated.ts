import type { Moderation } from '../store/moderation.js'
import type { WriteRule } from './policy.js'

/** NIP-86: what admins do not want. Before every list of who may: a ban wins over all of them. */
export const notModerated =
  (moderation: Pick<Moderation, 'has'>): WriteRule =>
  (event) => {
    if (moderation.has('banned-key', event.pubkey)) return 'blocked: this key is banned from this relay'
    if (moderation.has('banned-event', event.id)) return 'blocked: this event is banned from this relay'
    if (moderation.has('refused-kind', String(event.kind))) return 'blocked: this relay takes no events of this kind'
    return undefined
  }

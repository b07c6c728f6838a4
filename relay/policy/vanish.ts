import { normalRelayUrl } from '../server/place.js'
import type { WriteRule } from './policy.js'
import { VANISH } from '../events/kind-class.js'

const ALL_RELAYS = 'ALL_RELAYS'

/** NIP-62: a request that names other relays is not for us. What it asks for is done by the store. */
export const vanishFromHere =
  (isOurs: (url: string) => boolean): WriteRule =>
  (event) => {
    if (event.kind !== VANISH) return undefined
    const isForUs = event.tags.some(([name, value]) => {
      if (name !== 'relay' || value === undefined) return false
      const url = normalRelayUrl(value)
      return value === ALL_RELAYS || (url !== undefined && isOurs(url))
    })
    return isForUs ? undefined : 'blocked: the request to vanish does not name this relay'
  }

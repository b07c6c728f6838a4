import { nodeHashes } from '../crypto/hashes.js'
import type { RelayAccess } from '../identity/publish.js'
import { systemClock } from '../ops/system.js'
import type { Signer } from '../ports.js'
import { fetchEvents, publishOnce } from '../transports/fetch.js'

const TIMEOUT_MS = 15_000

/** Reaches relays for a command that asks and ends; `signer` answers a relay that wants to know who asks. */
export const relayAccess = (signer: Pick<Signer, 'signEvent'>): RelayAccess => {
  const once = { clock: systemClock(), timeoutMs: TIMEOUT_MS, signer }
  return {
    publish: (relay, events) => publishOnce(relay, events, once),
    fetch: (relay, ids) => fetchEvents(relay, [{ ids }], { ...once, hashes: nodeHashes }),
  }
}

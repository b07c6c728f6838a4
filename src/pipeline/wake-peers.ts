import { SLOW_MAX_MS } from '../core/patience.js'
import type { Roster } from '../core/peers.js'
import type { Pubkey, UnixMs } from '../core/types.js'
import type { Clock, Store } from '../ports.js'

/** Trusted peers that were asleep, or unseen, under the one roster and are awake under the other. */
export const wokenPeers = (before: Roster, after: Roster, now: UnixMs): Pubkey[] =>
  after.trustedKeys().filter((key) => after.isFresh(key, now) && !before.isFresh(key, now))

/**
 * A peer that wakes reads from its relays what waits for it there. What a relay has lost meanwhile would come with the
 * next slow try, up to six hours later: those tries are brought forward, spread over the longest quick wait.
 */
export const hastenFor = async (
  peers: readonly Pubkey[],
  o: { readonly store: Pick<Store, 'hasten'>; readonly clock: Clock; readonly withinMs: number },
): Promise<void> => {
  for (const peer of peers) await o.store.hasten(peer, o.clock.now(), SLOW_MAX_MS, o.withinMs)
}

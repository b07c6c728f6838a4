import { spend } from '../../src/core/bucket.js'
import type { Bucket } from '../../src/core/bucket.js'
import { toMs } from '../../src/core/types.js'
import type { UnixSec } from '../../src/core/types.js'

/** How often somebody may do something: so many a second, and ten seconds' worth at once. */
export interface Rates {
  /** False: too often. */
  take(who: string): boolean
}

const BURST_SEC = 10

/** `perSecond` 0: as often as one likes. Remembers the last `maxKeys`; who is forgotten starts afresh. */
export const openRates = (perSecond: number, maxKeys: number, now: () => UnixSec): Rates => {
  const buckets = new Map<string, Bucket>()
  const rate = { perSecond, burst: perSecond * BURST_SEC }
  return {
    take: (who) => {
      if (perSecond === 0) return true
      const { ok, bucket } = spend(buckets.get(who), toMs(now()), rate)
      buckets.delete(who)
      buckets.set(who, bucket)
      if (buckets.size > maxKeys) for (const oldest of buckets.keys()) return buckets.delete(oldest) && ok
      return ok
    },
  }
}

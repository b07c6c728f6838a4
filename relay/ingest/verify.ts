import { proofOf } from '../../src/core/event.js'
import type { NostrEvent } from '../../src/core/types.js'
import type { Verifier } from '../../src/ports.js'
import type { Meters } from '../ops/meters.js'
import { inBatches } from './batch.js'

/** Large enough to share among threads and to make a good commit; small enough that the first of them need not wait long. */
const MAX_BATCH = 192

/** The stage that costs most. What comes in one turn is verified together; the id must have been recomputed before. */
export const verifyStage = (verifier: Verifier, meters?: Meters['verify']): ((event: NostrEvent) => Promise<boolean>) =>
  inBatches(MAX_BATCH, async (events) => {
    const held = await verifier.verify(events.map(proofOf))
    if (meters === undefined) return held
    meters.batch.observe(events.length)
    meters.checked += events.length
    for (const one of held) if (!one) meters.failed++
    return held
  })

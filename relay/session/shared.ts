import type { UnixSec } from '../../src/core/types.js'
import type { RelayLimits } from '../limits.js'
import { openMemory } from './memory.js'
import type { Memory } from './memory.js'
import { openRates } from './rate.js'
import type { Rates } from './rate.js'
import { openRoom } from './room.js'
import type { Room } from './room.js'
import type { SyncRoom } from './syncs.js'
import { openTurns } from './turns.js'
import type { Turns } from './turns.js'

/** What all connections share, so that many clients can do no more harm than one. */
export interface Shared {
  readonly turns: Turns
  readonly memory: Memory
  /** For the filters of all that is asked. */
  readonly askRoom: Room
  readonly syncRoom: SyncRoom
  /** How often a key may ask, on whichever connection. */
  readonly keyAsks: Rates
}

const MAX_RATED_KEYS = 50_000

export const openShared = (limits: RelayLimits, now: () => UnixSec): Shared => ({
  turns: openTurns(),
  memory: openMemory(limits.maxBufferedBytesInAll),
  askRoom: openRoom(limits.maxAskBytesInAll),
  syncRoom: { used: 0 },
  keyAsks: openRates(limits.maxAsksPerSecOfKey, MAX_RATED_KEYS, now),
})

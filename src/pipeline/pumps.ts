import type { Destination, Pubkey } from '../core/types.js'
import type { Log, Store } from '../ports.js'
import type { Bell } from './bell.js'

/**
 * Keeps one pump running for every destination that something is owed to, and one for the receipts of every peer. A pump
 * that has nothing left ends by itself; the bell `pumps` starts it again.
 */
export interface PumpsOptions {
  readonly store: Pick<Store, 'owedTo' | 'receiptsOwedTo'>
  readonly bell: Bell
  readonly log: Log
  readonly pump: (to: Destination, signal: AbortSignal) => Promise<void>
  readonly receipts: (to: Pubkey, signal: AbortSignal) => Promise<void>
  /** Not pumped: what waits for something else than time (`kor:` names). */
  readonly isPumped: (to: Destination) => boolean
  readonly onBug: (error: unknown) => void
}

/** A wait that no bell ends: what was missed by a bug somewhere is found at the latest then. */
const LOOK_AGAIN_MS = 60_000

export const runPumps = async (o: PumpsOptions, signal: AbortSignal): Promise<void> => {
  const running = new Map<string, Promise<void>>()
  const keep = (name: string, start: () => Promise<void>): void => {
    if (running.has(name)) return
    // Never lost: awaited at the end, and a bug in it stops the process.
    const work = start()
      .catch((error: unknown) => o.onBug(error))
      .finally(() => {
        running.delete(name)
        // Something may have been owed between its last look and its end.
        o.bell.ring('pumps')
      })
    running.set(name, work)
  }
  while (!signal.aborted) {
    for (const to of o.store.owedTo()) {
      if (o.isPumped(to)) keep(to, () => o.pump(to, signal))
    }
    for (const to of o.store.receiptsOwedTo()) keep(`receipts ${to}`, () => o.receipts(to, signal))
    await o.bell.wait('pumps', LOOK_AGAIN_MS, signal)
  }
  await Promise.all(running.values())
}

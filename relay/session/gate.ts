import type { Wire } from '../server/wire.js'

/** Whether a connection is read: while anybody keeps it shut, it is not, and TCP makes the client wait. */
export interface Gate {
  shut(who: Keeper): void
  open(who: Keeper): void
}

export type Keeper = 'in-flight' | 'toll'

export const openGate = (wire: Pick<Wire, 'pause' | 'resume'>): Gate => {
  const keepers = new Set<Keeper>()
  return {
    shut: (who) => {
      keepers.add(who)
      if (keepers.size === 1) wire.pause()
    },
    open: (who) => {
      if (keepers.delete(who) && keepers.size === 0) wire.resume()
    },
  }
}

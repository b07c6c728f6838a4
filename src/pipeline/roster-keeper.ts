import { makeRoster, type PeerRule, type Roster, type TrustMode } from '../core/peers.js'
import type { HermId, Pubkey } from '../core/types.js'
import type { Log, Store } from '../ports.js'

/** Holds the present roster and configuration generation, and makes both anew when what they rest on has changed. */
export interface RosterKeeper {
  roster(): Roster
  generation(): number
  /** A node-info or a pin was written. Cheap enough to be called for each: rebuilds keep a distance. */
  changed(): void
  /** Nothing is rebuilt after this. */
  close(): void
  /** The operator's rules or approvals changed: everything refused under the old ones is looked at again. */
  reconfigure(rules: TrustRules): Promise<void>
}

export interface TrustRules {
  readonly mode: TrustMode
  readonly peers: readonly PeerRule[]
  /** Over all that decides what is accepted; a new one is a new generation. */
  readonly fingerprint: string
}

export interface RosterKeeperOptions {
  readonly me: Pubkey
  readonly myId: HermId
  readonly rules: TrustRules
  readonly store: Pick<Store, 'peers' | 'pins' | 'grants' | 'generation'>
  readonly log: Log
  /** Called after each rebuild. `trust`: the set of trusted keys is another one. `before`: the roster until now. */
  readonly onChange: (change: { trust: boolean; generation: boolean; before: Roster }) => void
  readonly onBug: (error: unknown) => void
}

/** A rebuild reads every node-info there is; others decide how often they change. */
const REST_MS = 250

export const createRosterKeeper = async (o: RosterKeeperOptions): Promise<RosterKeeper> => {
  let rules = o.rules
  let generation = await o.store.generation(rules.fingerprint)
  const make = (): Roster =>
    makeRoster({
      me: o.me,
      myId: o.myId,
      mode: rules.mode,
      rules: rules.peers,
      grants: o.store.grants(),
      pins: o.store.pins(),
      infos: o.store.peers(),
    })
  let roster = make()
  let asked = false
  let closed = false
  /** The look that is coming, or the end of the rest after a rebuild. */
  let next: NodeJS.Timeout | undefined

  const rebuild = (generationMoved: boolean): void => {
    const before = roster
    roster = make()
    const trust = roster.trustedKeys().join() !== before.trustedKeys().join()
    if (trust) o.log.info('trust.changed', { trusted: roster.trustedKeys().length })
    o.onChange({ trust, generation: generationMoved, before })
  }

  /** At once after a rest; what comes during the rest is waited for to its end. */
  const rebuildSoon = (): void => {
    next = undefined
    if (!asked || closed) return
    asked = false
    next = setTimeout(rebuildSoon, REST_MS)
    try {
      rebuild(false)
    } catch (error) {
      o.onBug(error)
    }
  }

  return {
    roster: () => roster,
    generation: () => generation,
    changed: () => {
      asked = true
      next ??= setTimeout(rebuildSoon, 0)
    },
    close: () => {
      closed = true
      clearTimeout(next)
    },
    reconfigure: async (next) => {
      rules = next
      const before = generation
      generation = await o.store.generation(next.fingerprint)
      rebuild(generation !== before)
    },
  }
}

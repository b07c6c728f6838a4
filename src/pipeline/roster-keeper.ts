import { makeRoster, type PeerRule, type Roster, type TrustMode } from '../core/peers.js'
import type { HermId, Pubkey } from '../core/types.js'
import type { Log, Store } from '../ports.js'

/** Holds the present roster and configuration generation, and makes both anew when what they rest on has changed. */
export interface RosterKeeper {
  roster(): Roster
  generation(): number
  /** A node-info or a pin was written. Cheap enough to be called for each, coalesced to one rebuild a turn. */
  changed(): void
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
  /** Called after each rebuild. `trust`: the set of trusted keys is another one. */
  readonly onChange: (change: { trust: boolean; generation: boolean }) => void
}

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

  const rebuild = (generationMoved: boolean): void => {
    const before = roster.trustedKeys().join()
    roster = make()
    const trust = roster.trustedKeys().join() !== before
    if (trust) o.log.info('trust.changed', { trusted: roster.trustedKeys().length })
    o.onChange({ trust, generation: generationMoved })
  }

  return {
    roster: () => roster,
    generation: () => generation,
    changed: () => {
      if (asked) return
      asked = true
      setImmediate(() => {
        asked = false
        rebuild(false)
      })
    },
    reconfigure: async (next) => {
      rules = next
      const before = generation
      generation = await o.store.generation(next.fingerprint)
      rebuild(generation !== before)
    },
  }
}

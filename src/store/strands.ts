import type { NewStrand } from '../core/decision.js'
import type { UnixMs } from '../core/types.js'
import type { Counters } from './counters.js'
import type { Messages } from './messages.js'
import type { Parents } from './parents.js'
import type { Scopes } from './scopes.js'

export interface Strands {
  /**
   * Puts a TXXM into the braid. Putting it again changes nothing, except that it joins scopes it was not in: the same
   * strand may reach us in gossip after a peer sent it to us.
   */
  readonly put: (strand: NewStrand, now: UnixMs) => void
}

export const createStrands = (messages: Messages, parents: Parents, scopes: Scopes, counters: Counters): Strands => ({
  put: (strand, now) => {
    const { seq, fresh } = messages.insertStrand(strand, now)
    if (fresh) {
      counters.add('strands', 1)
      parents.link(seq, strand.id, strand.author, strand.parents, now)
    }
    for (const name of strand.scopes) {
      const scope = scopes.join(name, seq, strand.id)
      if (scope !== undefined) parents.joined(scope, seq)
    }
  },
})

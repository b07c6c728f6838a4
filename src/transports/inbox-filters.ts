import { WIRE_KIND, WIRE_KINDS } from '../core/wire.js'
import type { Filter } from '../core/match.js'
import type { Pubkey, Road } from '../core/types.js'

/** What is asked of a relay under one name: one live subscription, and the pages of its past. */
export interface Source {
  readonly name: string
  readonly filter: Filter
  /** The same for one trusted author each, where a page can't hold all of a second. */
  readonly narrower: readonly Filter[]
}

export interface InboxOptions {
  readonly me: Pubkey
  readonly roads: readonly Road[]
  readonly trusted: readonly Pubkey[]
}

/** Relays limit a filter's lists; 500 keys are 33 KB of REQ. */
const MAX_AUTHORS = 500
const MAX_NARROWER = 64

/** Kinds by what a relay carries (wire.md 3): 30078 on public ones, the Kapnet kinds on private ones. */
export const inboxKinds = (roads: readonly Road[]): number[] => [
  ...(roads.includes('public') || roads.includes('nip44') ? [WIRE_KIND] : []),
  ...(roads.includes('private') ? [...new Set(Object.values(WIRE_KINDS.private))].sort((a, b) => a - b) : []),
]

/**
 * The inbox of wire.md 3: what is p-tagged to us, what trusted keys write, and discovery. `#p` finds also those whom we
 * don't trust yet; `authors` finds what nobody can hide behind a flood of junk that is p-tagged to us.
 */
export const inboxSources = ({ me, roads, trusted }: InboxOptions): Source[] => {
  const kinds = inboxKinds(roads)
  const sources: Source[] = []
  if (kinds.length > 0) {
    const oneByOne = (filter: Filter, authors: readonly Pubkey[]): Filter[] =>
      authors.slice(0, MAX_NARROWER).map((author) => ({ ...filter, authors: [author] }))
    const toUs: Filter = { kinds, '#p': [me] }
    sources.push({ name: 'to-us', filter: toUs, narrower: oneByOne(toUs, trusted) })
    for (let at = 0; at < trusted.length; at += MAX_AUTHORS) {
      const authors = trusted.slice(at, at + MAX_AUTHORS)
      const filter: Filter = { kinds, authors, '#t': ['kapnet'] }
      sources.push({ name: `authors-${at / MAX_AUTHORS}`, filter, narrower: oneByOne(filter, authors) })
    }
  }
  sources.push({ name: 'discovery', filter: { kinds: [WIRE_KIND], '#t': ['ksp-service'] }, narrower: [] })
  return sources
}

import type { Filter } from '../../src/core/match.js'
import type { NostrEvent } from '../../src/core/types.js'

/**
 * What a relay must answer, read off NIP-01 and NIP-67 sentence by sentence and as slowly as they are written: no index, no
 * early end, nothing of the relay's own code. What the relay does is compared with this.
 */

const isPresent = <T>(x: T | undefined): x is T => x !== undefined

/** "Only the first value in any given tag is indexed"; "a filter's conditions are all to be met". */
export const naiveMatch = (filter: Filter, event: NostrEvent): boolean => {
  const conditions: boolean[] = []
  for (const [name, wanted] of Object.entries(filter) as [string, unknown][]) {
    if (name === 'ids') conditions.push((wanted as string[]).some((id) => id === event.id))
    if (name === 'authors') conditions.push((wanted as string[]).some((key) => key === event.pubkey))
    if (name === 'kinds') conditions.push((wanted as number[]).some((kind) => kind === event.kind))
    if (name === 'since') conditions.push((wanted as number) <= event.created_at)
    if (name === 'until') conditions.push(event.created_at <= (wanted as number))
    if (!name.startsWith('#')) continue
    const letter = name.slice(1)
    const firstValues = event.tags.filter((tag) => tag[0] === letter).map((tag) => tag[1])
    conditions.push(firstValues.filter(isPresent).some((value) => (wanted as string[]).some((w) => w === value)))
  }
  return conditions.every((met) => met)
}

/** "Newest first; in the case of ties, the event with the lowest id first." */
const inOrder = (events: readonly NostrEvent[]): NostrEvent[] =>
  [...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))

export interface NaiveLimits {
  /** What the relay gives of one filter at most. */
  readonly maxLimit: number
  /** NIP-67: no second is cut in two. What was made in the second of the last one comes too, up to so many. */
  readonly maxTies: number
}

export interface NaiveAnswer {
  readonly events: readonly NostrEvent[]
  /** Every event that any of the filters asks for is among them. */
  readonly complete: boolean
}

export const naiveAnswer = (
  filters: readonly Filter[],
  stored: readonly NostrEvent[],
  { maxLimit, maxTies }: NaiveLimits,
): NaiveAnswer => {
  const asked = new Set<NostrEvent>()
  const answered = new Set<NostrEvent>()
  for (const filter of filters) {
    const all = inOrder(stored.filter((event) => naiveMatch(filter, event)))
    const limit = Math.min(filter.limit ?? maxLimit, maxLimit)
    const last = limit === 0 ? undefined : all[limit - 1]
    const ties = all.slice(limit).filter((event) => event.created_at === last?.created_at)
    for (const event of all) asked.add(event)
    for (const event of all.slice(0, limit)) answered.add(event)
    if (ties.length <= maxTies) for (const event of ties) answered.add(event)
  }
  return { events: inOrder([...answered]), complete: asked.size === answered.size }
}

/** NIP-17, NIP-59, and an operator's list of readers. */
export const naiveReadable = (
  event: NostrEvent,
  keys: readonly string[],
  readers: readonly string[] | undefined,
): boolean => {
  if (readers !== undefined && !keys.some((key) => readers.includes(key))) return false
  if (event.kind !== 1059 && event.kind !== 21_059) return true
  return event.tags.some((tag) => tag[0] === 'p' && keys.some((key) => key === tag[1]))
}

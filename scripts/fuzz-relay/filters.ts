import type { Filter } from '../../src/core/match.js'
import type { NostrEvent } from '../../src/core/types.js'
import type { Chance } from '../kill9/chance.js'
import { ALL_KINDS, AUTHORS, FAR_TIMES, LETTERS, NOW, oneIn, TEXTS } from './events.js'

/** Filters that mostly find something, and sometimes ask at the very edge, for nothing, or for very much at once. */

/** Half a character: JSON can say it, UTF-8 and so an event can't. */
const BROKEN_TEXT = '\ud800'

type Draft = Record<string, unknown>

/** Whom and when filters ask for. */
export interface About {
  readonly authors: readonly string[]
  readonly nowSec: number
}

export const makeFilters = (
  chance: Chance,
  events: readonly NostrEvent[],
  about: About = { authors: AUTHORS, nowSec: NOW },
): Filter[] => {
  const count = oneIn(chance, 3) ? 1 + chance.below(oneIn(chance, 10) ? 16 : 4) : 1
  const filters: Draft[] = []
  while (filters.length < count) {
    const earlier = filters.length === 0 ? undefined : chance.pick(filters)
    // The same one again, or the same but for its limit: overlaps whose ends differ.
    if (earlier !== undefined && oneIn(chance, 4)) filters.push({ ...earlier, ...limitFor(chance, events) })
    else filters.push(makeFilter(chance, events, about))
  }
  return filters as Filter[]
}

const makeFilter = (chance: Chance, events: readonly NostrEvent[], about: About): Draft => {
  if (oneIn(chance, 400)) return manyPairs(chance, about)
  if (events.length > 0 && oneIn(chance, 3)) return aboutOne(chance, chance.pick(events), about)
  const filter: Draft = {}
  if (oneIn(chance, 8)) filter['ids'] = listOf(chance, () => anId(chance, events, about))
  if (oneIn(chance, 3)) filter['authors'] = listOf(chance, () => chance.pick(about.authors))
  if (oneIn(chance, 3)) filter['kinds'] = listOf(chance, () => chance.pick(ALL_KINDS))
  for (let n = oneIn(chance, 2) ? 1 + chance.below(2) : 0; n > 0; n--) {
    const letter = chance.pick(LETTERS)
    filter[`#${letter}`] = listOf(chance, () => aValue(chance, letter, events, about))
  }
  return { ...filter, ...timesFor(chance, about), ...limitFor(chance, events) }
}

/** Conditions that one event fulfils, all of them or all but one. */
const aboutOne = (chance: Chance, event: NostrEvent, about: About): Draft => {
  const filter: Draft = {}
  if (oneIn(chance, 6)) filter['ids'] = [event.id]
  if (oneIn(chance, 2)) filter['authors'] = [event.pubkey]
  if (oneIn(chance, 2)) filter['kinds'] = [event.kind]
  if (oneIn(chance, 3)) filter['since'] = event.created_at
  if (oneIn(chance, 3)) filter['until'] = event.created_at
  for (const [name = '', value] of event.tags) {
    if (value === undefined || !/^[a-zA-Z]$/.test(name) || oneIn(chance, 2)) continue
    if (/^[ep]$/.test(name) && !/^[0-9a-f]{64}$/.test(value)) continue
    filter[`#${name}`] = oneIn(chance, 3)
      ? [value, ...listOf(chance, () => aValue(chance, name, [event], about))]
      : [value]
  }
  if (oneIn(chance, 4)) return { ...filter, kinds: [chance.pick(ALL_KINDS)] }
  return filter
}

/** Around the number of pairs beyond which the store goes by authors alone. */
const manyPairs = (chance: Chance, about: About): Draft => {
  const authors = [...about.authors]
  while (authors.length < 40) authors.push(authors.length.toString(16).padStart(64, 'b'))
  const kinds = [...ALL_KINDS]
  for (let kind = 100; kinds.length < (oneIn(chance, 2) ? 50 : 51); kind++) kinds.push(kind)
  return { authors: chance.shuffled(authors), kinds: chance.shuffled(kinds) }
}

const listOf = <T>(chance: Chance, one: () => T): T[] => {
  const most = oneIn(chance, 100) ? 400 : oneIn(chance, 6) ? 20 : 3
  return Array.from({ length: oneIn(chance, 15) ? 0 : 1 + chance.below(most) }, one)
}

const anId = (chance: Chance, events: readonly NostrEvent[], { authors }: About): string =>
  events.length === 0 || oneIn(chance, 6) ? chance.pick([...authors, '0'.repeat(64)]) : chance.pick(events).id

const aValue = (chance: Chance, letter: string, events: readonly NostrEvent[], about: About): string => {
  if (letter === 'e') return anId(chance, events, about)
  if (letter === 'p') return chance.pick(about.authors)
  if (oneIn(chance, 30)) return BROKEN_TEXT
  if (events.length > 0 && !oneIn(chance, 3)) {
    // What stands there somewhere: mostly as a first value of this very tag, sometimes as a second or under another letter.
    const event = chance.pick(events)
    const tag = event.tags.find(([name]) => name === letter) ?? event.tags[0]
    const value = tag?.[oneIn(chance, 8) ? 2 : 1]
    if (value !== undefined) return value
  }
  return chance.pick(TEXTS)
}

const timesFor = (chance: Chance, { nowSec }: About): Draft => {
  const time = (): number => (oneIn(chance, 6) ? chance.pick(FAR_TIMES) : nowSec - 3 + chance.below(6))
  return { ...(oneIn(chance, 3) ? { since: time() } : {}), ...(oneIn(chance, 3) ? { until: time() } : {}) }
}

const limitFor = (chance: Chance, events: readonly NostrEvent[]): Draft => {
  if (!oneIn(chance, 2)) return {}
  return { limit: chance.pick([0, 1, 1, 2, 3, 5, 8, 9, chance.below(events.length + 2), 500, Number.MAX_SAFE_INTEGER]) }
}

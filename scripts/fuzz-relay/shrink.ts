import type { Filter } from '../../src/core/match.js'
import type { World } from './case.js'

/**
 * Cuts a counterexample down: whatever can be left out while it still fails is left out. Events, filters, members of
 * filters, values in their lists, tags.
 */
export const shrink = (world: World, fails: (smaller: World) => boolean): World => {
  let smallest = world
  for (let shrunk = true; shrunk;) {
    shrunk = false
    for (const smaller of smallerWorlds(smallest)) {
      if (!fails(smaller)) continue
      smallest = smaller
      shrunk = true
      break
    }
  }
  return smallest
}

function* smallerWorlds(world: World): Generator<World> {
  // Halves first: a set of hundreds is small after a few tries.
  for (const events of without(world.events)) yield { ...world, events }
  if (world.batch !== 1_000) yield { ...world, batch: 1_000 }
  if (world.swept) yield { ...world, swept: false }
  const { readers, ...open } = world
  if (readers !== undefined) yield open
  for (const [i, query] of world.queries.entries()) {
    const queries = (over: Partial<typeof query>): World['queries'] => world.queries.with(i, { ...query, ...over })
    for (const filters of without(query.filters)) yield { ...world, queries: queries({ filters }) }
    for (const [n, filter] of query.filters.entries()) {
      for (const smaller of smallerFilters(filter)) {
        yield { ...world, queries: queries({ filters: query.filters.with(n, smaller) }) }
      }
    }
    for (const viewer of without(query.viewer)) yield { ...world, queries: queries({ viewer }) }
    if (query.maxLimit !== 5_000) yield { ...world, queries: queries({ maxLimit: 5_000 }) }
    if (query.upTo !== Infinity) yield { ...world, queries: queries({ upTo: Infinity }) }
    if (query.laterSec !== 0) yield { ...world, queries: queries({ laterSec: 0 }) }
  }
  for (const [i, event] of world.events.entries()) {
    const tagsLess = without(event.tags)
    for (const tags of tagsLess) yield { ...world, events: world.events.with(i, { ...event, tags }) }
    if (event.content !== '') yield { ...world, events: world.events.with(i, { ...event, content: '' }) }
  }
}

function* smallerFilters(filter: Filter): Generator<Filter> {
  for (const [name, value] of Object.entries(filter)) {
    const others = Object.entries(filter).filter(([other]) => other !== name)
    yield Object.fromEntries(others)
    if (!Array.isArray(value)) continue
    for (const fewer of without<unknown>(value)) yield Object.fromEntries([...others, [name, fewer]])
  }
}

/** The list without its halves, quarters and so on, down to each single item. */
function* without<T>(list: readonly T[]): Generator<T[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)]
  }
}

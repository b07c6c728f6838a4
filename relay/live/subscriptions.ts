import { matchesAny } from '../../src/core/match.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { isIndexedTag } from '../store/index-keys.js'
import { tagConditions } from '../store/lanes.js'

/** An event on its way to those who listen. */
export interface LiveEvent {
  readonly event: NostrEvent
  readonly json: string
  /** The commit's number; absent for an ephemeral event. */
  readonly seq?: number
  readonly expiresAt?: UnixSec
}

export interface Subscriber {
  readonly filters: readonly Filter[]
  /** False: it did not take the event. */
  deliver(live: LiveEvent): boolean
}

export interface Subscriptions {
  add(subscriber: Subscriber): void
  remove(subscriber: Subscriber): void
  /** Offers the event to every subscriber that asked for it, once, and says how many took it. */
  publish(live: LiveEvent): number
  readonly size: number
}

/**
 * Live subscriptions, found by what they ask for. Every filter is filed under the values of its one most selective
 * condition, so that an event is compared with a few subscriptions and not with all.
 */
export const openSubscriptions = (): Subscriptions => {
  const filed = new Map<string, Set<Subscriber>>()
  const all = new Set<Subscriber>()

  const keysOf = (subscriber: Subscriber): Set<string> => new Set(subscriber.filters.flatMap(filingKeys))

  return {
    add: (subscriber) => {
      all.add(subscriber)
      for (const key of keysOf(subscriber)) {
        const shelf = filed.get(key)
        if (shelf === undefined) filed.set(key, new Set([subscriber]))
        else shelf.add(subscriber)
      }
    },
    remove: (subscriber) => {
      if (!all.delete(subscriber)) return
      for (const key of keysOf(subscriber)) {
        const shelf = filed.get(key)
        if (shelf?.delete(subscriber) === true && shelf.size === 0) filed.delete(key)
      }
    },
    publish: (live) => {
      if (all.size === 0) return 0
      const asked = new Set<Subscriber>()
      let taken = 0
      for (const key of eventKeys(live.event)) {
        for (const subscriber of filed.get(key) ?? []) {
          if (asked.has(subscriber)) continue
          asked.add(subscriber)
          if (matchesAny(subscriber.filters, live.event) && subscriber.deliver(live)) taken++
        }
      }
      return taken
    },
    get size() {
      return all.size
    },
  }
}

const EVERYTHING = '*'

const filingKeys = (filter: Filter): string[] => {
  if (filter.ids !== undefined) return filter.ids.map((id) => `id:${id}`)
  const [firstTag, ...otherTags] = tagConditions(filter)
  if (firstTag !== undefined) {
    const [letter, values] = otherTags.reduce((least, tag) => (tag[1].length < least[1].length ? tag : least), firstTag)
    return values.map((value) => `#${letter}:${value}`)
  }
  if (filter.authors !== undefined) return filter.authors.map((author) => `author:${author}`)
  if (filter.kinds !== undefined) return filter.kinds.map((kind) => `kind:${kind}`)
  return [EVERYTHING]
}

const eventKeys = (event: NostrEvent): Set<string> => {
  const keys = new Set([EVERYTHING, `id:${event.id}`, `author:${event.pubkey}`, `kind:${event.kind}`])
  for (const [name, value] of event.tags) if (value !== undefined && isIndexedTag(name)) keys.add(`#${name}:${value}`)
  return keys
}

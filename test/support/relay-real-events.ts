import { AUTHORS, NOW } from '../../scripts/fuzz-relay/events.js'
import type { EventTemplate, NostrEvent, UnixSec } from '../../src/core/types.js'
import type { Author } from './signed.js'

/** As far ahead of the relay's clock as it takes an event. */
const FUTURE_SEC = 3_600

export interface RealWishes {
  /** Who takes the place of each of AUTHORS, in tags too. */
  readonly authors: readonly Pick<Author, 'pubkey' | 'sign'>[]
  /** What takes the place of NOW. */
  readonly nowSec: number
  /** Signs an event instead of its author: a throw-away key of a gift wrap. */
  readonly otherAuthor?: (event: NostrEvent) => Pick<Author, 'sign'> | undefined
  readonly content?: (event: NostrEvent) => string
}

/**
 * Events of the fuzz as a relay takes them from the wire: with the ids that their content has, signed, and by keys that
 * exist. What refers to an event that was made before refers to its new id; what was to expire within seconds is long gone
 * or lasts long, where the clock can't be stopped.
 */
export const realEvents = (events: readonly NostrEvent[], wishes: RealWishes): NostrEvent[] => {
  const { authors, nowSec, otherAuthor, content } = wishes
  const shift = nowSec - NOW
  const ids = new Map<string, string>()
  const texts = new Map<string, string>(AUTHORS.map((key, i) => [key, authors[i]!.pubkey]))
  if (shift !== 0) {
    for (let k = -2; k <= 2; k++) texts.set(String(NOW + k), String(nowSec + (k <= 0 ? k - 1_000 : k + 1_000)))
  }
  const translated = (text: string): string => {
    let out = ids.get(text) ?? texts.get(text) ?? text
    for (const [i, key] of AUTHORS.entries()) out = out.replace(`:${key}`, `:${authors[i]!.pubkey}`)
    return out
  }

  return events.flatMap((event) => {
    const created_at = (
      Math.abs(event.created_at - NOW) < 1_000 ? event.created_at + shift : event.created_at
    ) as UnixSec
    if (created_at > nowSec + FUTURE_SEC) return []
    const template: Partial<EventTemplate> = {
      kind: event.kind,
      created_at,
      tags: event.tags.map((tag) => tag.map(translated)),
      content: content?.(event) ?? event.content,
    }
    const author = otherAuthor?.(event) ?? authors[AUTHORS.indexOf(event.pubkey)]!
    const real = author.sign(template)
    ids.set(event.id, real.id)
    return [real]
  })
}

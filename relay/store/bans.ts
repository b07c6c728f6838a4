import type Database from 'better-sqlite3'
import type { NostrEvent } from '../../src/core/types.js'
import { blobOfHex } from './index-keys.js'
import type { Moderation } from './moderation.js'

/**
 * What a ban does to what is stored. All that a banned key wrote is hidden at once and taken off the disk a little at a time,
 * as with a request to vanish (vanishing.ts); an event that is banned by its id goes at once. When the ban ends, what was
 * removed does not come back: the author can send it again.
 */
export interface Bans {
  /** Nothing waits to be removed: nearly always. */
  readonly isEmpty: boolean
  hides(event: Pick<NostrEvent, 'pubkey'>): boolean
  /** Whether it may not be stored. */
  forbids(event: Pick<NostrEvent, 'id' | 'pubkey'>): boolean
  /** False: the list is full. */
  banKey(key: string, note: string): boolean
  /** Outside of any transaction. False: the list is full. */
  banEvent(id: string, note: string): boolean
  /** Removes some of what banned keys wrote. Yields after each event and each page looked at. */
  round(remove: (id: Buffer) => boolean): Generator<number, void>
}

const PAGE = 500

export const openBans = (
  db: Database.Database,
  moderation: Moderation,
  remove: (id: Buffer) => boolean,
  removed: (events: number) => void,
): Bans => {
  const ofAuthor = db.prepare<[Buffer], Buffer>(`SELECT id FROM events WHERE pubkey = ? LIMIT ${PAGE}`).pluck()
  // All of them at first: a relay that ended too early may have left some.
  const pending = new Set(moderation.entries('banned-key').map(([key]) => key))
  const isBanned = (key: string): boolean => moderation.has('banned-key', key)
  const removeNow = db.transaction((id: Buffer) => remove(id))

  return {
    get isEmpty() {
      return pending.size === 0
    },
    hides: (event) => pending.has(event.pubkey) && isBanned(event.pubkey),
    forbids: (event) => isBanned(event.pubkey) || moderation.has('banned-event', event.id),
    banKey: (key, note) => {
      if (!moderation.put('banned-key', key, note)) return false
      pending.add(key)
      return true
    },
    banEvent: (id, note) => {
      if (!moderation.put('banned-event', id, note)) return false
      if (removeNow.immediate(blobOfHex(id))) removed(1)
      return true
    },
    *round(removeOne) {
      for (const key of [...pending]) {
        const author = blobOfHex(key)
        let page = ofAuthor.all(author)
        // Only where there was nothing from the start: what this round removed may be undone with its transaction.
        if (page.length === 0 || !isBanned(key)) pending.delete(key)
        while (page.length > 0 && isBanned(key)) {
          for (const id of page) yield Number(removeOne(id))
          page = ofAuthor.all(author)
        }
        yield 0
      }
    },
  }
}

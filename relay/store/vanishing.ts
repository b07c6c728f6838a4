import type Database from 'better-sqlite3'
import type { Hashes } from '../../src/core/hashes.js'
import { hexOf } from '../../src/core/hex.js'
import type { NostrEvent } from '../../src/core/types.js'
import { ownersOf } from '../events/deletion.js'
import { GIFT_WRAP, VANISH } from '../events/kind-class.js'
import { tagKey } from './index-keys.js'

/**
 * NIP-62 in slices. A request to vanish may cover a hundred thousand events: they are hidden at once and taken off the disk a
 * little at a time, by upkeep.ts. What is still to be removed stands in the file, so a crash only delays it.
 */
export interface Vanishing {
  /** Nothing is hidden: nearly always, and then nobody has to look at an event for it. */
  readonly isEmpty: boolean
  /** Whether the event has vanished, though it may still be on the disk. */
  hides(event: Pick<NostrEvent, 'kind' | 'pubkey' | 'tags' | 'created_at'>): boolean
  /** Inside a transaction. */
  begin(pubkey: Buffer, until: number): void
  /** Removes some, and ends a request of which nothing is left. Yields after each event and each page looked at. */
  round(remove: (id: Buffer) => boolean): Generator<number, void>
  /** Requests that took something away. What was gathered under another number may hold what is gone. */
  readonly count: number
  tookSomething(): void
  /** Reads the file again: after a transaction, whether it held or not. */
  reload(): void
}

/** Index entries looked at in one step. */
const PAGE = 500

/** `settleTags` puts the whole index of tags into the file. */
export const openVanishing = (db: Database.Database, hashes: Hashes, settleTags: () => void): Vanishing => {
  const sql = {
    begin: db.prepare<[Buffer, number]>(
      `INSERT INTO vanishing (pubkey, until) VALUES (?, ?)
       ON CONFLICT (pubkey) DO UPDATE SET until = max(until, excluded.until)`,
    ),
    all: db.prepare<[], [pubkey: Buffer, until: number]>('SELECT pubkey, until FROM vanishing').raw(),
    first: db.prepare<[], [pubkey: Buffer, until: number]>('SELECT pubkey, until FROM vanishing LIMIT 1').raw(),
    end: db.prepare<[Buffer, number]>('DELETE FROM vanishing WHERE pubkey = ? AND until = ?'),
    own: db.prepare<[Buffer, number, Buffer], RawEntry>(
      `SELECT age, id, kind FROM events WHERE pubkey = ? AND (age, id) > (?, ?) ORDER BY age, id LIMIT ${PAGE}`,
    ),
    tagged: db.prepare<[Buffer, number, Buffer], RawEntry>(
      `SELECT age, id, kind FROM tags WHERE key = ? AND (age, id) > (?, ?) ORDER BY age, id LIMIT ${PAGE}`,
    ),
  }
  let hidden = new Map<string, number>()
  let count = 0

  const reload = (): void => {
    hidden = new Map(sql.all.all().map(([pubkey, until]) => [hexOf(pubkey), until]))
  }
  reload()

  function* pages(
    statement: typeof sql.own,
    key: Buffer,
    until: number,
    take: (entry: RawEntry) => boolean,
  ): Generator<number, void> {
    let [age, id]: [number, Buffer] = [-until, BEFORE_ALL_IDS]
    for (;;) {
      const page = statement.all(key, age, id)
      for (const entry of page) if (take(entry)) yield 1
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return
      ;({ age, id } = last)
      yield 0
    }
  }

  return {
    get isEmpty() {
      return hidden.size === 0
    },
    hides: (event) =>
      hidden.size > 0 &&
      event.kind !== VANISH &&
      ownersOf(event).some((owner) => (hidden.get(owner) ?? -1) >= event.created_at),
    begin: (pubkey, until) => void sql.begin.run(pubkey, until),
    *round(remove) {
      for (let next = sql.first.get(); next !== undefined; next = sql.first.get()) {
        const [pubkey, until] = next
        settleTags()
        yield* pages(sql.own, pubkey, until, ({ id, kind }) => kind !== VANISH && remove(id))
        const tagged = tagKey('p', hexOf(pubkey), hashes)
        yield* pages(sql.tagged, tagged, until, ({ id, kind }) => kind === GIFT_WRAP && remove(id))
        // Not where a later request has moved it meanwhile: then there is another round.
        sql.end.run(pubkey, until)
        yield 0
      }
    },
    get count() {
      return count
    },
    tookSomething: () => {
      count++
    },
    reload,
  }
}

interface RawEntry {
  readonly age: number
  readonly id: Buffer
  readonly kind: number
}

const BEFORE_ALL_IDS = Buffer.alloc(0)

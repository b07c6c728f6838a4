import type Database from 'better-sqlite3'
import type { Hashes } from '../../src/core/hashes.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { deletionTargets, ownersOf } from '../events/deletion.js'
import { expirationOf, isExpired } from '../events/expiration.js'
import { blobOfHex, slotKey, slotOf } from './index-keys.js'
import { DELETION, GIFT_WRAP, VANISH } from '../events/kind-class.js'
import type { Doomed } from './doomed.js'
import type { TagIndex } from './tag-index.js'
import type { Vanishing } from './vanishing.js'

/** An event whose signature held, with the JSON it will be served as. */
export interface Incoming {
  readonly event: NostrEvent
  readonly json: string
}

export type Outcome =
  | { readonly state: 'stored'; readonly seq: number }
  | { readonly state: 'duplicate' }
  /** Not stored: a better version is known; `held` where that one is still stored and has not expired. */
  | { readonly state: 'superseded'; readonly held: boolean }
  | { readonly state: 'deleted' }
  /** Its author, or whom it is for, asked to vanish. */
  | { readonly state: 'vanished' }
  | { readonly state: 'expired' }
  /** An admin said so while it was on its way. */
  | { readonly state: 'banned' }

export interface EventWriter {
  /** Inside a transaction. */
  put(incoming: Incoming, now: UnixSec): Outcome
  /** Removes at most `limit` expired events and says how many. Inside a transaction. */
  removeExpired(now: UnixSec, limit: number): number
  /** False: it is not there. Inside a transaction. */
  remove(id: Buffer): boolean
}

/** More is removed by upkeep.ts, between the turns of others. */
const VANISHED_AT_ONCE = 200
const DELETED_AT_ONCE = 50

interface Found {
  readonly pubkey: Buffer
  readonly kind: number
  readonly age: number
  readonly json: string
}

/**
 * One final state whatever the order of arrival. What an event says of others (it replaces them, it deletes them) holds
 * once its signature held, even where the event itself is not kept because it was deleted or has expired. So every event
 * first has its effects, and only then is it decided whether it stays.
 */
export const eventWriter = (
  db: Database.Database,
  hashes: Hashes,
  nextSeq: () => number,
  tagIndex: Pick<TagIndex, 'add' | 'remove'>,
  vanishing: Pick<Vanishing, 'begin' | 'round' | 'tookSomething'>,
  doomed: Pick<Doomed, 'add'>,
): EventWriter => {
  const sql = {
    byId: db.prepare<[Buffer], { seq: number; age: number; json: string }>(
      'SELECT seq, age, json FROM events WHERE id = ?',
    ),
    has: db.prepare<[Uint8Array], number>('SELECT 1 FROM events WHERE id = ?').pluck(),
    holds: db
      .prepare<[Uint8Array, number], number>(
        `SELECT 1 FROM events WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)
         AND NOT EXISTS (SELECT 1 FROM doomed WHERE doomed.id = events.id)`,
      )
      .pluck(),
    find: db.prepare<[Buffer], Found>('SELECT pubkey, kind, age, json FROM events WHERE id = ?'),
    isDoomed: db.prepare<[Buffer], number>('SELECT 1 FROM doomed WHERE id = ?').pluck(),
    insert: db.prepare<[number, Buffer, Buffer, number, number, number | null, string]>(
      'INSERT INTO events (seq, id, pubkey, kind, age, expires_at, json) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ),
    remove: db.prepare<[number]>('DELETE FROM events WHERE seq = ?'),
    slot: db.prepare<[Uint8Array], { age: number | null; id: Buffer | null; deleted_until: number | null }>(
      'SELECT age, id, deleted_until FROM slots WHERE slot = ?',
    ),
    takeSlot: db.prepare<[Uint8Array, number, Buffer]>(
      `INSERT INTO slots (slot, age, id) VALUES (?, ?, ?)
       ON CONFLICT (slot) DO UPDATE SET age = excluded.age, id = excluded.id`,
    ),
    deleteSlot: db.prepare<[Uint8Array, number]>(
      `INSERT INTO slots (slot, deleted_until) VALUES (?, ?)
       ON CONFLICT (slot) DO UPDATE SET deleted_until = max(coalesce(deleted_until, 0), excluded.deleted_until)`,
    ),
    deleteId: db.prepare<[Buffer, Buffer]>('INSERT OR IGNORE INTO deleted_ids (id, pubkey) VALUES (?, ?)'),
    isDeleted: db.prepare<[Buffer, Buffer], number>('SELECT 1 FROM deleted_ids WHERE id = ? AND pubkey = ?').pluck(),
    vanish: db.prepare<[Buffer, number]>(
      `INSERT INTO vanished (pubkey, until) VALUES (?, ?)
       ON CONFLICT (pubkey) DO UPDATE SET until = max(until, excluded.until)`,
    ),
    vanishedUntil: db.prepare<[Buffer], number>('SELECT until FROM vanished WHERE pubkey = ?').pluck(),
    expired: db
      .prepare<[number, number], Buffer>('SELECT id FROM events WHERE expires_at <= ? ORDER BY expires_at LIMIT ?')
      .pluck(),
  }

  const insert = (incoming: Incoming, id: Buffer): Outcome => {
    const { event, json } = incoming
    const seq = nextSeq()
    const age = ageOf(event)
    sql.insert.run(seq, id, blobOfHex(event.pubkey), event.kind, age, expirationOf(event) ?? null, json)
    tagIndex.add(event, { seq, id, kind: event.kind, age })
    return { state: 'stored', seq }
  }

  const remove = (id: Buffer): boolean => {
    const row = sql.byId.get(id)
    if (row === undefined) return false
    const event = JSON.parse(row.json) as NostrEvent
    sql.remove.run(row.seq)
    tagIndex.remove(event, { id, age: row.age })
    return true
  }

  /** Takes the slot from a lesser version, or says which better one has it. */
  const contest = (slot: Uint8Array, age: number, id: Buffer): { readonly better?: Buffer; readonly until: number } => {
    const known = sql.slot.get(slot)
    const until = known?.deleted_until ?? -1
    if (known !== undefined && known.id !== null && known.age !== null) {
      const order = known.age - age || Buffer.compare(known.id, id)
      if (order < 0) return { better: known.id, until }
      remove(known.id)
    }
    sql.takeSlot.run(slot, age, id)
    return { until }
  }

  /** NIP-09: own events only, never a deletion, addresses up to the deletion's own time. */
  const applyDeletion = (deletion: NostrEvent): void => {
    const { ids, addresses } = deletionTargets(deletion)
    const author = blobOfHex(deletion.pubkey)
    let removed = 0
    const take = (id: Buffer, may: (found: Found) => boolean): void => {
      const found = sql.find.get(id)
      if (found === undefined || !may(found)) return
      if (removed++ < DELETED_AT_ONCE) remove(id)
      else doomed.add(id)
    }
    const isOwn = ({ pubkey, kind, json }: Found): boolean =>
      isDeletable({ kind }) &&
      (pubkey.equals(author) ||
        (kind === GIFT_WRAP && ownersOf(JSON.parse(json) as NostrEvent).includes(deletion.pubkey)))
    for (const hex of ids) {
      const id = blobOfHex(hex)
      take(id, isOwn)
      sql.deleteId.run(id, author)
    }
    for (const { kind, d } of addresses) {
      const slot = slotKey(deletion.pubkey, kind, d, hashes)
      const known = sql.slot.get(slot)
      if (known !== undefined && known.id !== null) take(known.id, ({ age }) => -age <= deletion.created_at)
      sql.deleteSlot.run(slot, deletion.created_at)
    }
  }

  /**
   * NIP-62: all that the author wrote up to now, deletions too, and the gift wraps for it; never a request to vanish. Hidden
   * at once; what is more than a little is taken off the disk later.
   */
  const applyVanish = (request: NostrEvent): void => {
    const author = blobOfHex(request.pubkey)
    sql.vanish.run(author, request.created_at)
    vanishing.begin(author, request.created_at)
    const steps = vanishing.round(remove)
    let removed = 0
    let looked = 0
    for (let step = steps.next(); step.done !== true; step = steps.next()) {
      removed += step.value
      if (removed === 1) vanishing.tookSomething()
      if (removed >= VANISHED_AT_ONCE || ++looked >= 2 * VANISHED_AT_ONCE) return
    }
  }

  const hasVanished = (event: NostrEvent): boolean =>
    event.kind !== VANISH &&
    ownersOf(event).some((owner) => (sql.vanishedUntil.get(blobOfHex(owner)) ?? -1) >= event.created_at)

  const wasDeleted = (event: NostrEvent, id: Buffer): boolean =>
    isDeletable(event) && ownersOf(event).some((owner) => sql.isDeleted.get(id, blobOfHex(owner)) !== undefined)

  return {
    put: (incoming, now) => {
      const { event } = incoming
      const id = blobOfHex(event.id)
      const expired = isExpired(expirationOf(event), now)
      if (sql.has.get(id) !== undefined) {
        // It may be hidden already and still be on the disk.
        if (!expired && hasVanished(event)) return { state: 'vanished' }
        if (!expired && sql.isDoomed.get(id) !== undefined) return { state: 'deleted' }
        return { state: expired ? 'expired' : 'duplicate' }
      }
      const slot = slotOf(event, hashes)
      const place = slot === undefined ? undefined : contest(slot, ageOf(event), id)
      if (event.kind === DELETION) applyDeletion(event)
      if (event.kind === VANISH) applyVanish(event)
      if (expired) return { state: 'expired' }
      if (hasVanished(event)) return { state: 'vanished' }
      if (wasDeleted(event, id) || (place !== undefined && place.until >= event.created_at)) return { state: 'deleted' }
      if (place?.better !== undefined)
        return { state: 'superseded', held: sql.holds.get(place.better, now) !== undefined }
      return insert(incoming, id)
    },
    remove: (id) => remove(id),
    removeExpired: (now, limit) => sql.expired.all(now, limit).filter((id) => remove(id)).length,
  }
}

/** NIP-09, NIP-62: to ask for it again to be undone does nothing. */
const isDeletable = ({ kind }: Pick<NostrEvent, 'kind'>): boolean => kind !== DELETION && kind !== VANISH

/** See schema.ts. */
const ageOf = (event: NostrEvent): number => -Number(event.created_at)

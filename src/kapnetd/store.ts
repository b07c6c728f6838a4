import type { Hashes } from '../core/hashes.js'
import { bytesOf, hexOf } from '../core/hex.js'
import { addToLanes, rootOfLanes } from '../core/roothash.js'
import type { Hex32 } from '../core/types.js'
import { createGroupCommit } from './group-commit.js'
import { openDatabase } from './schema.js'
import type { NewTxxm } from './txxm.js'

/** `local`: made by software on this host; `bridge`: submitted by a bridge, so it came from elsewhere. */
export type Origin = 'local' | 'bridge'

export interface Held {
  readonly origin: Origin
  readonly body: string
  /** JSON text of the event that carried it, where the bridge gave one. */
  readonly event?: string
}

export interface Braid {
  readonly count: number
  readonly root: Hex32
  /** Strands that no other strand names as a parent; newest first, at most 1,000. */
  readonly tips: readonly Hex32[]
}

/** The daemon's own braid: one scope, everything it holds. */
export interface Store {
  /** Resolves with whether it is new when that is durable. Rejects when the disk fails, and then nothing was written. */
  add(txxm: NewTxxm, origin: Origin, event?: string): Promise<'accepted' | 'duplicate'>
  get(id: Hex32): Held | undefined
  has(id: Hex32): boolean
  braid(): Braid
  /** Ids in the order in which they came, after `after`; undefined where that one is not here. */
  idsAfter(after: Hex32 | undefined, limit: number): { ids: Hex32[]; more: boolean } | undefined
  /** Writes what waits, and closes. */
  close(): void
}

interface Adding {
  readonly txxm: NewTxxm
  readonly origin: Origin
  readonly event: string | undefined
}

const MAX_TIPS = 1_000

export const openStore = (file: string, hashes: Hashes): Store => {
  const db = openDatabase(file)
  const insert = db.prepare<[Uint8Array, Origin, string, string | null]>(
    'INSERT INTO strands (id, origin, body, event) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const name = db.prepare<[Uint8Array]>('INSERT INTO named VALUES (?) ON CONFLICT DO NOTHING')
  const isNamed = db.prepare<[Uint8Array], number>('SELECT 1 FROM named WHERE id = ?').pluck()
  const addTip = db.prepare<[number | bigint]>('INSERT INTO tips VALUES (?)')
  const dropTip = db.prepare<[Uint8Array]>('DELETE FROM tips WHERE seq = (SELECT seq FROM strands WHERE id = ?)')
  const saveBraid = db.prepare<[number, Uint8Array]>('UPDATE braid SET count = ?, lanes = ? WHERE one = 1')
  const byId = db.prepare<[Uint8Array], { origin: Origin; body: string; event: string | null }>(
    'SELECT origin, body, event FROM strands WHERE id = ?',
  )
  const seqOf = db.prepare<[Uint8Array], number>('SELECT seq FROM strands WHERE id = ?').pluck()
  const page = db.prepare<[number, number], Buffer>('SELECT id FROM strands WHERE seq > ? ORDER BY seq LIMIT ?').pluck()
  const tips = db
    .prepare<[number], Buffer>('SELECT id FROM tips JOIN strands USING (seq) ORDER BY seq DESC LIMIT ?')
    .pluck()

  // What is committed. A group works on a copy, so that one which fails leaves no trace.
  let state = db.prepare('SELECT count, lanes FROM braid WHERE one = 1').get() as { count: number; lanes: Uint8Array }

  const addOne = ({ txxm, origin, event }: Adding, lanes: Uint8Array): boolean => {
    const id = idBytes(txxm.id)
    const { changes, lastInsertRowid } = insert.run(id, origin, txxm.body, event ?? null)
    if (changes === 0) return false
    addToLanes(lanes, id, hashes)
    for (const parent of txxm.parents) {
      const bytes = idBytes(parent)
      if (name.run(bytes).changes > 0) dropTip.run(bytes)
    }
    if (isNamed.get(id) === undefined) addTip.run(lastInsertRowid)
    return true
  }

  const addAll = db.transaction((group: readonly Adding[]): { fresh: boolean[]; next: typeof state } => {
    const lanes = Uint8Array.from(state.lanes)
    const fresh = group.map((one) => addOne(one, lanes))
    const next = { count: state.count + fresh.filter(Boolean).length, lanes }
    if (next.count !== state.count) saveBraid.run(next.count, lanes)
    return { fresh, next }
  })

  const commits = createGroupCommit((group: readonly Adding[]): ('accepted' | 'duplicate')[] => {
    const { fresh, next } = addAll.immediate(group)
    state = next
    return fresh.map((isNew) => (isNew ? 'accepted' : 'duplicate'))
  })

  return {
    add: (txxm, origin, event) => commits.add({ txxm, origin, event }),
    get: (id) => {
      const row = byId.get(idBytes(id))
      if (row === undefined) return undefined
      return { origin: row.origin, body: row.body, ...(row.event === null ? {} : { event: row.event }) }
    },
    has: (id) => seqOf.get(idBytes(id)) !== undefined,
    braid: () => ({
      count: state.count,
      root: rootOfLanes(state.lanes, hashes),
      tips: tips.all(MAX_TIPS).map(hexOf),
    }),
    idsAfter: (after, limit) => {
      const seq = after === undefined ? 0 : seqOf.get(idBytes(after))
      if (seq === undefined) return undefined
      const ids = page.all(seq, limit + 1).map(hexOf)
      return { ids: ids.slice(0, limit), more: ids.length > limit }
    },
    close: () => {
      commits.flush()
      db.close()
    },
  }
}

/** Callers have checked that it is an id. */
const idBytes = (id: Hex32): Uint8Array => {
  const bytes = bytesOf(id)
  if (bytes?.length !== 32) throw new RangeError('an id is 32 bytes of lowercase hex')
  return bytes
}

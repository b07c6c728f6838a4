import type { Database } from 'better-sqlite3'
import type { Scope } from '../core/decision.js'
import type { Hashes } from '../core/hashes.js'
import { addToLanes, emptyLanes, rootOfLanes } from '../core/roothash.js'
import type { Hex32, MessageId } from '../core/types.js'
import { idBlob, toHex } from './columns.js'
import type { Undo } from './undo.js'

/**
 * The scopes of the braid with their roots (braid.md). Adding a strand changes 2 KiB of lanes, so the lanes of the scopes
 * in use stay in memory and each touched scope is written once per transaction, just before COMMIT.
 */
export interface Scopes {
  /** The number of a scope that has at least one strand. */
  readonly find: (scope: Scope) => number | undefined
  /** Adds a strand unless it is in the scope already. Answers the scope's number where it was added. */
  readonly join: (scope: Scope, message: number, id: MessageId) => number | undefined
  readonly of: (message: number) => Scope[]
  /** As the transaction stands, also before it is flushed. */
  readonly root: (scope: Scope) => RootAndCount
  /** As it is in the file; oldest scope first. */
  readonly all: () => ({ readonly scope: Scope } & RootAndCount)[]
  readonly flush: () => void
  readonly forget: () => void
}

export interface RootAndCount {
  readonly root: Hex32
  readonly count: number
}

interface Entry {
  readonly id: number
  count: number
  lastPosition: number
  lanes: Uint8Array
  dirty: boolean
}

interface ScopeRow {
  readonly id: number
  readonly name: Scope
  readonly count: number
  readonly last_position: number
  readonly root: Buffer
}

/** Clean entries beyond this many are let go, the longest unused first: 2 KiB each. */
const MAX_CACHED = 1_000

export const createScopes = (db: Database, hashes: Hashes, undo: Undo): Scopes => {
  const cache = new Map<Scope, Entry>()
  const emptyRoot = rootOfLanes(emptyLanes(), hashes)
  const select = db.prepare<[string], ScopeRow>('SELECT * FROM scopes WHERE name = ?')
  const selectAll = db.prepare<[], ScopeRow>('SELECT * FROM scopes ORDER BY id')
  const selectLanes = db.prepare<[number], Buffer>('SELECT lanes FROM scope_lanes WHERE scope = ?').pluck()
  const selectOf = db
    .prepare<[number], Scope>(
      'SELECT s.name FROM scope_members m JOIN scopes s ON s.id = m.scope WHERE m.message = ? ORDER BY s.id',
    )
    .pluck()
  const insert = db.prepare<[string, Buffer]>(
    'INSERT INTO scopes (name, count, last_position, root) VALUES (?, 0, 0, ?)',
  )
  const insertLanes = db.prepare<[number, Uint8Array]>('INSERT INTO scope_lanes VALUES (?, ?)')
  const addMember = db.prepare<[number, number, number]>(
    'INSERT INTO scope_members VALUES (?, ?, ?) ON CONFLICT (message, scope) DO NOTHING',
  )
  const update = db.prepare<[number, number, Buffer, number]>(
    'UPDATE scopes SET count = ?, last_position = ?, root = ? WHERE id = ?',
  )
  const updateLanes = db.prepare<[Uint8Array, number]>('UPDATE scope_lanes SET lanes = ? WHERE scope = ?')

  const load = (scope: Scope): Entry | undefined => {
    const cached = cache.get(scope)
    if (cached !== undefined) return cached
    const row = select.get(scope)
    const lanes = row === undefined ? undefined : selectLanes.get(row.id)
    if (row === undefined || lanes === undefined) return undefined
    // A copy: lanes are read as 16-bit numbers and must not lie at an odd place of a shared buffer.
    const entry = {
      id: row.id,
      count: row.count,
      lastPosition: row.last_position,
      lanes: new Uint8Array(lanes),
      dirty: false,
    }
    cache.set(scope, entry)
    return entry
  }

  const make = (scope: Scope): Entry => {
    const lanes = emptyLanes()
    const id = Number(insert.run(scope, idBlob(emptyRoot)).lastInsertRowid)
    insertLanes.run(id, lanes)
    const entry = { id, count: 0, lastPosition: 0, lanes, dirty: false }
    cache.set(scope, entry)
    undo.add(() => cache.delete(scope))
    return entry
  }

  const trim = (): void => {
    if (cache.size <= MAX_CACHED) return
    for (const scope of cache.keys()) {
      cache.delete(scope)
      if (cache.size <= MAX_CACHED / 2) return
    }
  }

  return {
    find: (scope) => cache.get(scope)?.id ?? select.get(scope)?.id,
    join: (scope, message, id) => {
      const entry = load(scope) ?? make(scope)
      if (addMember.run(entry.id, entry.lastPosition + 1, message).changes === 0) return undefined
      const before = { ...entry, lanes: entry.lanes.slice() }
      undo.add(() => {
        Object.assign(entry, before)
      })
      addToLanes(entry.lanes, id, hashes)
      entry.count++
      entry.lastPosition++
      entry.dirty = true
      return entry.id
    },
    of: (message) => selectOf.all(message),
    root: (scope) => {
      const entry = cache.get(scope)
      if (entry?.dirty === true) return { root: rootOfLanes(entry.lanes, hashes), count: entry.count }
      const row = select.get(scope)
      return row === undefined ? { root: emptyRoot, count: 0 } : { root: toHex(row.root), count: row.count }
    },
    all: () => selectAll.all().map((row) => ({ scope: row.name, root: toHex(row.root), count: row.count })),
    flush: () => {
      for (const entry of cache.values()) {
        if (!entry.dirty) continue
        update.run(entry.count, entry.lastPosition, idBlob(rootOfLanes(entry.lanes, hashes)), entry.id)
        updateLanes.run(entry.lanes, entry.id)
        entry.dirty = false
      }
      trim()
    },
    forget: () => {
      cache.clear()
    },
  }
}

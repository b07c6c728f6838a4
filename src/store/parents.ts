import type { Database } from 'better-sqlite3'
import type { MessageId, Pubkey, UnixMs } from '../core/types.js'
import { idBlob } from './columns.js'
import type { Messages } from './messages.js'

/**
 * Edges, tips and missing parents. A parent may come after its child, so an edge starts as a row of `waiting`, which names the
 * parent by id, and becomes a row of `parents` when the parent comes. Every edge is kept (a body names at most 64); what
 * is bounded is how many missing parents of one author are asked for.
 */
export interface Parents {
  /** Records a new strand's edges, and those that waited for it. */
  readonly link: (child: number, id: MessageId, author: Pubkey, parents: readonly MessageId[], now: UnixMs) => void
  /** Brings the tips of a scope up to date after `message` joined it. */
  readonly joined: (scope: number, message: number) => void
  /** Newest first. */
  readonly tips: (scope: number, limit: number) => Buffer[]
}

/** braid.md */
export const MAX_MISSING_PER_AUTHOR = 1_000

export const createParents = (db: Database, messages: Messages): Parents => {
  const addEdge = db.prepare<[number, number, number]>('INSERT INTO parents VALUES (?, ?, ?)')
  const addWaiting = db.prepare<[Buffer, number, number]>('INSERT INTO waiting VALUES (?, ?, ?)')
  const isMissing = db.prepare<[Buffer], number>('SELECT 1 FROM missing WHERE id = ?').pluck()
  const countWanted = db
    .prepare<[Buffer], number>('SELECT count(*) FROM missing WHERE author = ? AND wanted = 1')
    .pluck()
  const addMissing = db.prepare<[Buffer, Buffer, number, number]>('INSERT INTO missing VALUES (?, ?, ?, ?)')
  const dropMissing = db.prepare<[Buffer], { author: Buffer; wanted: number }>(
    'DELETE FROM missing WHERE id = ? RETURNING author, wanted',
  )
  const wantNext = db.prepare<[Buffer]>(
    `UPDATE missing SET wanted = 1 WHERE id =
       (SELECT id FROM missing WHERE author = ? AND wanted = 0 ORDER BY since, id LIMIT 1)`,
  )
  const waitingFor = db.prepare<[Buffer], { child: number; position: number }>(
    'SELECT child, position FROM waiting WHERE parent = ?',
  )
  const dropWaiting = db.prepare<[Buffer]>('DELETE FROM waiting WHERE parent = ?')
  const hasChildIn = db
    .prepare<[number, number], number>(
      `SELECT 1 FROM parents p JOIN scope_members c ON c.message = p.child AND c.scope = ? WHERE p.parent = ? LIMIT 1`,
    )
    .pluck()
  const addTip = db.prepare<[number, number]>('INSERT INTO tips VALUES (?, ?)')
  const dropParentTips = db.prepare<[number, number]>(
    'DELETE FROM tips WHERE scope = ? AND message IN (SELECT parent FROM parents WHERE child = ?)',
  )
  const selectTips = db
    .prepare<[number, number], Buffer>(
      `SELECT m.id FROM tips t JOIN messages m ON m.seq = t.message WHERE t.scope = ? ORDER BY t.message DESC LIMIT ?`,
    )
    .pluck()

  const awaitParent = (parent: Buffer, child: number, position: number, author: Buffer, now: UnixMs): void => {
    addWaiting.run(parent, child, position)
    if (isMissing.get(parent) !== undefined) return
    const wanted = (countWanted.get(author) ?? 0) < MAX_MISSING_PER_AUTHOR
    addMissing.run(parent, author, wanted ? 1 : 0, now)
  }

  const arrive = (id: Buffer, seq: number): void => {
    const was = dropMissing.get(id)
    if (was === undefined) return
    for (const { child, position } of waitingFor.all(id)) addEdge.run(child, position, seq)
    dropWaiting.run(id)
    if (was.wanted === 1) wantNext.run(was.author)
  }

  return {
    link: (child, id, author, parents, now) => {
      arrive(idBlob(id), child)
      const distinct = new Set(parents)
      distinct.delete(id)
      let position = 0
      for (const parent of distinct) {
        const seq = messages.strandSeq(parent)
        if (seq !== undefined) addEdge.run(child, position, seq)
        else awaitParent(idBlob(parent), child, position, idBlob(author), now)
        position++
      }
    },
    joined: (scope, message) => {
      if (hasChildIn.get(scope, message) === undefined) addTip.run(scope, message)
      dropParentTips.run(scope, message)
    },
    tips: (scope, limit) => selectTips.all(scope, limit),
  }
}

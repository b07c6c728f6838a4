import type { Database } from 'better-sqlite3'
import type { MessageId, Pubkey, UnixMs } from '../core/types.js'
import type { BraidReader } from '../ports.js'
import { idBlob, idBlobOrNull, toHex } from './columns.js'
import { LINE_COLUMNS, type LineRow, type StrandLines } from './strand-lines.js'
import type { Tables } from './tables.js'

/** Strands in the order of this Herm: of arrival, or of joining a scope. */
export const createLog = (
  db: Database,
  tables: Tables,
  lines: StrandLines,
): Pick<BraidReader, 'log' | 'ids' | 'tips' | 'scopes' | 'missingParents'> => {
  const { messages, parents, scopes } = tables
  const byAuthor = 'AND (@author IS NULL OR m.author = @author)'
  const all = db.prepare<[object], LineRow>(
    `SELECT ${LINE_COLUMNS} FROM messages m WHERE m.seq < @before AND m.kind = 'strand' ORDER BY m.seq DESC LIMIT @limit`,
  )
  const ofAuthor = db.prepare<[object], LineRow>(
    `SELECT ${LINE_COLUMNS} FROM messages m WHERE m.author = @author AND m.seq < @before AND m.kind = 'strand'
     ORDER BY m.seq DESC LIMIT @limit`,
  )
  const ofScope = db.prepare<[object], LineRow>(
    `SELECT ${LINE_COLUMNS} FROM scope_members s JOIN messages m ON m.seq = s.message
     WHERE s.scope = @scope AND s.position < @before ${byAuthor} ORDER BY s.position DESC LIMIT @limit`,
  )
  const positionOf = db
    .prepare<[number, number], number>('SELECT position FROM scope_members WHERE message = ? AND scope = ?')
    .pluck()
  const selectIds = db
    .prepare<[number, number, number], Buffer>(
      `SELECT m.id FROM scope_members s JOIN messages m ON m.seq = s.message
       WHERE s.scope = ? AND s.position > ? ORDER BY s.position LIMIT ?`,
    )
    .pluck()
  const selectMissing = db.prepare<[number], { id: Buffer; author: Buffer; child: Buffer; since: UnixMs }>(
    `SELECT x.id, x.author, x.since, m.id AS child FROM missing x JOIN messages m ON m.seq =
       (SELECT min(child) FROM waiting w WHERE w.parent = x.id)
     WHERE x.wanted = 1 ORDER BY x.since, x.id LIMIT ?`,
  )

  /** Undefined where there is no such place, so that nothing is listed rather than the whole. */
  const place = (id: MessageId | undefined, scope: number | undefined, otherwise: number): number | undefined => {
    if (id === undefined) return otherwise
    const seq = messages.seqOf(id)
    return seq === undefined || scope === undefined ? seq : positionOf.get(seq, scope)
  }

  return {
    log: ({ scope, author, limit, before }) => {
      const number = scope === undefined ? undefined : scopes.find(scope)
      const end = place(before, number, Number.MAX_SAFE_INTEGER)
      if (end === undefined || (scope !== undefined && number === undefined)) return []
      const query = { scope: number ?? null, author: idBlobOrNull(author), before: end, limit }
      const statement = number !== undefined ? ofScope : author !== undefined ? ofAuthor : all
      return statement.all(query).map(lines.lineOf)
    },
    ids: ({ scope, after, limit }) => {
      const number = scopes.find(scope)
      const start = place(after, number, 0)
      return number === undefined || start === undefined
        ? []
        : selectIds.all(number, start, limit).map((id) => toHex<MessageId>(id))
    },
    tips: (scope) =>
      (scope === undefined ? scopes.all().map((s) => s.scope) : [scope]).flatMap((name) => {
        const number = scopes.find(name)
        const tips = number === undefined ? [] : parents.tips(number, MAX_TIPS_SHOWN)
        return tips.map((id) => ({ scope: name, id: toHex<MessageId>(id) }))
      }),
    scopes: () => scopes.all(),
    missingParents: (limit) =>
      selectMissing.all(limit).map((row) => ({
        id: toHex<MessageId>(row.id),
        author: toHex<Pubkey>(row.author),
        child: toHex<MessageId>(row.child),
        since: row.since,
      })),
  }
}

const MAX_TIPS_SHOWN = 1_000

/** Which of `ids` the braid does not hold; in their order. */
export const createMissing = (db: Database): ((ids: readonly MessageId[]) => MessageId[]) => {
  const here = db.prepare<[Buffer], number>(`SELECT 1 FROM messages WHERE id = ? AND kind = 'strand'`).pluck()
  return (ids) => ids.filter((id) => here.get(idBlob(id)) === undefined)
}

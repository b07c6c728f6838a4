import type { Database } from 'better-sqlite3'
import type { JsonObject, MessageId, Pubkey } from '../core/types.js'
import type { BraidReader, ExportedStrand } from '../ports.js'
import { present, toHex } from './columns.js'
import { attestationOfRow, eventOfColumn, type AttestationRow } from './messages.js'
import type { Scopes } from './scopes.js'

interface ExportRow extends AttestationRow {
  readonly seq: number
  /** Where the next page starts: seq, or the position in the scope. */
  readonly place: number
  readonly id: Buffer
  readonly author: Buffer
  readonly body: string
  readonly event: string | null
}

const PAGE = 200

/** Strands whole, so that another Herm or another program can check and take them. */
export const createExport = (db: Database, scopes: Scopes): Pick<BraidReader, 'export'> => {
  const columns = 'm.seq, m.id, m.author, m.body, m.event, m.attestation_key, m.attestation_at, m.attestation_sig'
  const all = db.prepare<[object], ExportRow>(
    `SELECT ${columns}, m.seq AS place FROM messages m WHERE m.seq > @after AND m.kind = 'strand' ORDER BY m.seq LIMIT ${PAGE}`,
  )
  const ofScope = db.prepare<[object], ExportRow>(
    `SELECT ${columns}, s.position AS place FROM scope_members s JOIN messages m ON m.seq = s.message
     WHERE s.scope = @scope AND s.position > @after ORDER BY s.position LIMIT ${PAGE}`,
  )

  const strandOf = (row: ExportRow): ExportedStrand =>
    present({
      id: toHex<MessageId>(row.id),
      author: toHex<Pubkey>(row.author),
      body: JSON.parse(row.body) as JsonObject,
      attestation: attestationOfRow(row),
      event: eventOfColumn(row.event),
      scopes: scopes.of(row.seq),
    })

  return {
    *export(scope) {
      const number = scope === undefined ? undefined : scopes.find(scope)
      if (scope !== undefined && number === undefined) return
      let after = 0
      for (;;) {
        const page = number === undefined ? all.all({ after }) : ofScope.all({ scope: number, after })
        for (const row of page) {
          yield strandOf(row)
          after = row.place
        }
        if (page.length < PAGE) return
      }
    },
  }
}

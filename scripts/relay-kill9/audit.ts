import { openDatabase } from '../../relay/store/schema.js'
import { openEventStore } from '../../relay/store/store.js'
import { tagKeysOf } from '../../relay/store/index-keys.js'
import { eventId } from '../../src/core/event.js'
import { hexOf } from '../../src/core/hex.js'
import type { NostrEvent } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'

export interface Audit {
  readonly ids: ReadonlySet<string>
  readonly problems: readonly string[]
}

interface EventRow {
  readonly seq: number
  readonly id: Buffer
  readonly pubkey: Buffer
  readonly kind: number
  readonly age: number
  readonly json: string
}

/** The whole file, that no relay has open: every event is whole, every entry of the tag index has its event and vice versa. */
export const audit = (file: string): Audit => {
  // What was in memory when it was killed is read from the events when it is opened.
  openEventStore(file, nodeHashes).close()
  const db = openDatabase(file)
  const problems: string[] = []
  const integrity = String(db.pragma('integrity_check', { simple: true }))
  if (integrity !== 'ok') problems.push(`integrity_check: ${integrity}`)

  const ids = new Set<string>()
  const due = new Set<string>()
  for (const row of db.prepare<[], EventRow>('SELECT seq, id, pubkey, kind, age, json FROM events').iterate()) {
    const event = JSON.parse(row.json) as NostrEvent
    const id = hexOf(row.id)
    ids.add(id)
    if (eventId(event, nodeHashes) !== id || event.id !== id) problems.push(`${id} is not the event that its row holds`)
    if (hexOf(row.pubkey) !== event.pubkey || row.kind !== event.kind || row.age !== -Number(event.created_at)) {
      problems.push(`${id}: its columns are not its own`)
    }
    for (const key of tagKeysOf(event, nodeHashes)) due.add(entry(key, row))
  }
  const tags = db.prepare<[], Omit<EventRow, 'pubkey' | 'json'> & { key: Buffer }>(
    'SELECT key, age, id, kind, seq FROM tags',
  )
  for (const row of tags.iterate()) {
    if (!due.delete(entry(row.key, row)))
      problems.push(`the tag index has an entry without its event: ${hexOf(row.id)}`)
  }
  for (const missing of due) problems.push(`the tag index lacks an entry: ${missing}`)
  for (const table of ['vanishing', 'doomed', 'probe']) {
    const rows = db.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? 0
    if (rows > 0) problems.push(`${table} still holds ${rows}`)
  }
  db.close()
  return { ids, problems }
}

const entry = (key: Buffer, { age, id, kind, seq }: Pick<EventRow, 'age' | 'id' | 'kind' | 'seq'>): string =>
  `${hexOf(key)} ${age} ${hexOf(id)} ${kind} ${seq}`

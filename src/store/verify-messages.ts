import type { Database } from 'better-sqlite3'
import { attestationProof } from '../core/attestation.js'
import type { Attestation, BodyType, Txxm } from '../core/envelope-types.js'
import { eventId, proofOf } from '../core/event.js'
import type { Hashes } from '../core/hashes.js'
import { strandOf } from '../core/strand.js'
import type { MessageId, NostrEvent, Proof, Pubkey } from '../core/types.js'
import type { Message, VerifyStep } from '../ports.js'
import { toHex } from './columns.js'
import { attestationOfRow, eventOfColumn, type AttestationRow } from './messages.js'
import { createStrandLines } from './strand-lines.js'

/** Rechecks what proves itself: the hash of every body, every signature, and that the edges are those the body names. */
export type VerifyMessages = (hashes: Hashes, verifyProof: (proof: Proof) => boolean) => Generator<VerifyStep, void>

type Finding = Extract<VerifyStep, { kind: 'finding' }>

interface Row extends AttestationRow {
  readonly seq: number
  readonly id: Buffer
  readonly kind: Message['kind']
  readonly author: Buffer
  readonly body: string
  readonly event: string | null
}

const PAGE = 100
const BODY_TYPES: Readonly<Record<Message['kind'], BodyType>> = {
  strand: 'txxm-envelope',
  task: 'task-envelope',
  result: 'task-result',
}

export const createVerifyMessages = (db: Database): VerifyMessages => {
  const count = db.prepare<[], number>('SELECT count(*) FROM messages').pluck()
  const select = db.prepare<[number], Row>(
    `SELECT seq, id, kind, author, body, event, attestation_key, attestation_at, attestation_sig
     FROM messages WHERE seq > ? ORDER BY seq LIMIT ${PAGE}`,
  )
  const lines = createStrandLines(db)

  const checkEdges = (row: Row, id: MessageId, author: Pubkey): Finding[] => {
    const named = new Set(strandOf(id, author, JSON.parse(row.body) as Txxm, row.body).parents)
    named.delete(id)
    const kept = lines.parentsOf(row.seq).map((parent) => parent.id)
    return kept.join() === [...named].join()
      ? []
      : [{ kind: 'finding', code: 'bad-parents', id, message: `its body names ${named.size} parents, not those kept` }]
  }

  return function* verifyMessages(hashes, verifyProof) {
    const total = count.get() ?? 0
    let checked = 0
    let after = 0
    for (;;) {
      const rows = select.all(after)
      for (const row of rows) {
        const id = toHex<MessageId>(row.id)
        const author = toHex<Pubkey>(row.author)
        if (hashes.sha256Hex(row.body) !== id) {
          yield { kind: 'finding', code: 'bad-hash', id, message: 'the SHA-256 of its body is another' }
          continue
        }
        const attestation = attestationOfRow(row)
        const proof = attestation === null ? undefined : attestationProof(BODY_TYPES[row.kind], id, attestation, hashes)
        if (proof !== undefined && !verifyProof(proof))
          yield { kind: 'finding', code: 'bad-attestation', id, message: 'its attestation does not verify' }
        const event = eventOfColumn(row.event)
        const wrong = event === null ? undefined : wrongEvent(event, id, hashes, verifyProof)
        if (wrong !== undefined) yield { kind: 'finding', code: 'bad-event', id, message: wrong }
        if (saidAuthor(attestation, event, author) !== author)
          yield { kind: 'finding', code: 'bad-author', id, message: 'its author is not who signed it' }
        if (row.kind === 'strand') yield* checkEdges(row, id, author)
      }
      checked += rows.length
      after = rows.at(-1)?.seq ?? after
      yield { kind: 'progress', part: 'messages', checked, total: Math.max(total, checked) }
      if (rows.length < PAGE) return
    }
  }
}

/** Author = the attestation's key, else that of the event (wire.md 2); a deniable message says nothing. */
const saidAuthor = (attestation: Attestation | null, event: NostrEvent | null, author: Pubkey): Pubkey =>
  attestation?.pubkey ?? event?.pubkey ?? author

const wrongEvent = (
  event: NostrEvent,
  id: MessageId,
  hashes: Hashes,
  verifyProof: (proof: Proof) => boolean,
): string | undefined => {
  if (eventId(event, hashes) !== event.id) return 'the id of the event that brought it is another'
  if (!verifyProof(proofOf(event))) return 'the signature of the event that brought it does not verify'
  if (!event.content.includes(id)) return 'the event kept with it carries another message'
  return undefined
}

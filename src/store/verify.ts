import type { Database } from 'better-sqlite3'
import { DELIVERY_STATES } from '../core/delivery.js'
import type { MessageId } from '../core/types.js'
import type { BraidReader, VerifyStep } from '../ports.js'
import { toHex } from './columns.js'
import type { Counters } from './counters.js'
import type { Scopes } from './scopes.js'
import { createVerifyMessages } from './verify-messages.js'
import { createVerifyScopes } from './verify-scopes.js'

type Finding = Extract<VerifyStep, { kind: 'finding' }>

const MAX_FINDINGS_SHOWN = 100

/** Trusts nothing that is stored: recomputes all of it, in short reads. */
export const createVerify = (db: Database, scopes: Scopes, counters: Counters): Pick<BraidReader, 'verify'> => {
  const messages = createVerifyMessages(db)
  const roots = createVerifyScopes(db, scopes)
  // Waited for and here, waited for and not asked for, asked for and not waited for.
  const selectMissing = db.prepare<[], { id: Buffer; message: string }>(
    `SELECT parent AS id, 'it is here and a child still waits for it' AS message FROM waiting w
       WHERE EXISTS (SELECT 1 FROM messages m WHERE m.id = w.parent AND m.kind = 'strand')
     UNION SELECT parent, 'a child waits for it and it is not kept as missing' FROM waiting w
       WHERE NOT EXISTS (SELECT 1 FROM missing x WHERE x.id = w.parent)
     UNION SELECT id, 'it is kept as missing and no child waits for it' FROM missing x
       WHERE NOT EXISTS (SELECT 1 FROM waiting w WHERE w.parent = x.id)
     LIMIT ${MAX_FINDINGS_SHOWN}`,
  )
  const countStrands = db.prepare<[], number>(`SELECT count(*) FROM messages WHERE kind = 'strand'`).pluck()
  const countStates = db.prepare<[], { state: string; n: number }>(
    'SELECT state, count(*) AS n FROM deliveries GROUP BY state',
  )

  const checkCounters = db.transaction((): Finding[] => {
    const kept = counters.all()
    const states = new Map(countStates.all().map((row) => [row.state, row.n]))
    const counted = new Map(DELIVERY_STATES.map((state) => [`delivery:${state}`, states.get(state) ?? 0]))
    counted.set('strands', countStrands.get() ?? 0)
    return [...counted]
      .filter(([name, n]) => (kept.get(name) ?? 0) !== n)
      .map(([name, n]) => ({
        kind: 'finding',
        code: 'bad-counter',
        message: `${name}: counted ${n}, ${kept.get(name) ?? 0} is kept`,
      }))
  })

  return {
    *verify(hashes, verifyProof) {
      yield* messages(hashes, verifyProof)
      yield* roots(hashes)
      for (const { id, message } of selectMissing.all())
        yield { kind: 'finding', code: 'bad-missing', id: toHex<MessageId>(id), message }
      yield* checkCounters()
    },
  }
}

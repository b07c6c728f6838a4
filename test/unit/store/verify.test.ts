import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { attestationOf, attestationTemplate } from '../../../src/core/attestation.js'
import type { NewStrand } from '../../../src/core/decision.js'
import { eventId } from '../../../src/core/event.js'
import type { EventTemplate, MessageId, NostrEvent, Pubkey, Signature, UnixSec } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { openStore } from '../../../src/store/open.js'
import { BOB, hex, manualClock, open, owe, put, strand, tempFile } from './build.js'

const engine = await openEngine()
const secret = Buffer.from(hex<string>('secret'), 'hex')
const AUTHOR = Buffer.from(engine.publicKey(secret)).toString('hex') as Pubkey

const sign = (template: EventTemplate): NostrEvent => {
  const id = eventId({ ...template, pubkey: AUTHOR }, nodeHashes)
  const sig = Buffer.from(engine.sign(Buffer.from(id, 'hex'), secret, Buffer.alloc(32))).toString('hex') as Signature
  return { ...template, pubkey: AUTHOR, id, sig }
}

/** A strand that is signed, and was published in an event that is signed. */
const signed = (name: string, parents: readonly MessageId[] = []): NewStrand => {
  const s = strand(name, { author: AUTHOR, parents, scopes: ['gossip'], confidential: false })
  const at = 1_750_000_000 as UnixSec
  return {
    ...s,
    attestation: attestationOf(sign(attestationTemplate('txxm-envelope', s.id, at))),
    event: sign({ kind: 30078, created_at: at, tags: [], content: JSON.stringify({ sha256: s.id }) }),
  }
}

/** A small braid on disk, tampered with behind the store's back, and what verify says then. */
const found = async (tamper?: string): Promise<string[]> => {
  const file = tempFile()
  const store = openStore(file, { clock: manualClock(), hashes: nodeHashes })
  const a = signed('a')
  await put(store, { strand: a, owes: [owe(a.id, BOB)] })
  await put(store, { strand: signed('b', [a.id, hex<MessageId>('ghost')]) })
  await store.close()
  if (tamper !== undefined) {
    const db = new Sqlite(file)
    db.pragma('foreign_keys = OFF')
    db.exec(tamper)
    db.close()
  }
  const again = open(file)
  const steps = [...again.verify(nodeHashes, (proof) => engine.verify(proof))]
  return [...new Set(steps.flatMap((step) => (step.kind === 'finding' ? [step.code] : [])))].sort()
}

describe('verify', () => {
  it('finds nothing in a braid that is whole', async () => {
    expect(await found()).toEqual([])
  })

  it.each([
    ['a body was changed', `UPDATE messages SET body = body || ' ' WHERE seq = 1`, ['bad-hash']],
    ['an attestation was changed', `UPDATE messages SET attestation_at = 1 WHERE seq = 1`, ['bad-attestation']],
    ['an event was changed', `UPDATE messages SET event = replace(event, '30078', '30079')`, ['bad-event']],
    [
      'the event of another strand is kept with it',
      `UPDATE messages SET event = (SELECT event FROM messages WHERE seq = 2) WHERE seq = 1`,
      ['bad-event'],
    ],
    ['it has another author', `UPDATE messages SET author = randomblob(32) WHERE seq = 1`, ['bad-author']],
    ['an edge is gone', `DELETE FROM parents`, ['bad-parents', 'bad-tips']],
    ['a tip is gone', `DELETE FROM tips`, ['bad-tips']],
    [
      'a strand is a tip that is none',
      `INSERT INTO tips SELECT scope, message FROM scope_members WHERE message = 1`,
      ['bad-tips'],
    ],
    ['a tip is of no scope', `INSERT INTO tips VALUES (1, 99)`, ['bad-tips']],
    ['a member is gone', `DELETE FROM scope_members WHERE message = 1`, ['bad-count', 'bad-root']],
    ['a count is wrong', `UPDATE scopes SET count = 7`, ['bad-count']],
    ['a root is wrong', `UPDATE scopes SET root = zeroblob(32)`, ['bad-root']],
    ['lanes are wrong', `UPDATE scope_lanes SET lanes = zeroblob(2048)`, ['bad-root']],
    ['a missing parent is not asked for', `DELETE FROM missing`, ['bad-missing']],
    [
      'a parent is asked for that nobody names',
      `INSERT INTO missing VALUES (randomblob(32), randomblob(32), 1, 0)`,
      ['bad-missing'],
    ],
    ['a counter is wrong', `UPDATE counters SET n = n + 1 WHERE name = 'delivery:queued'`, ['bad-counter']],
  ])('sees that %s', async (_, tamper, codes) => {
    expect(await found(tamper)).toEqual(codes)
  })

  it('reports how far it is, and lets the writer go on between two steps', async () => {
    const store = open()
    await Promise.all(Array.from({ length: 1_100 }, (_, i) => put(store, { strand: strand(`${i}`) })))

    const last = new Map<string, number>()
    const codes: string[] = []
    for (const step of store.verify(nodeHashes, () => true)) {
      if (step.kind === 'finding') codes.push(step.code)
      else last.set(step.part, step.checked)
      await put(store, { strand: strand(`while ${last.get('messages')} ${last.get('scopes')}`) })
    }

    expect(codes).toEqual([])
    expect(last.get('messages')).toBeGreaterThanOrEqual(1_100)
    expect(last.get('scopes')).toBeGreaterThanOrEqual(1_100)
  })
})

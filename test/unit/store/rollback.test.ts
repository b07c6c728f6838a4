import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/core/decision.js'
import { Fault } from '../../../src/core/fault.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { apply } from '../../../src/store/apply.js'
import { connect, disconnect } from '../../../src/store/connect.js'
import { groupWriter } from '../../../src/store/open.js'
import { createTables } from '../../../src/store/tables.js'
import { createUndo } from '../../../src/store/undo.js'
import { BOB, findings, open, owe, START, strand, tempFile, WITH_ALICE, WITH_BOB } from './build.js'

describe('a transaction that fails as a whole', () => {
  it('leaves neither rows nor memories, and what comes next is right', async () => {
    const file = tempFile()
    const db = connect(file, false)
    const undo = createUndo()
    const tables = createTables(db, nodeHashes, undo)
    const writer = groupWriter(db, tables, undo)
    const put = (decision: Decision): Promise<void> => writer.write(() => apply(decision, tables, START))
    const a = strand('a')
    const b = strand('b', { parents: [a.id], scopes: [WITH_ALICE, WITH_BOB] })
    await put({ strand: a, owes: [owe(a.id, 'gossip')] })
    const before = { root: tables.scopes.root(WITH_ALICE), counters: tables.counters.all() }
    const pages = db.pragma('page_count', { simple: true }) as number

    db.pragma(`max_page_count = ${pages}`)
    const huge = { ...strand('huge'), body: 'x'.repeat(1_000_000) }
    const results = await Promise.allSettled([put({ strand: b, owes: [owe(b.id, BOB)] }), put({ strand: huge })])
    const after = { root: tables.scopes.root(WITH_ALICE), counters: tables.counters.all() }
    db.pragma('max_page_count = 1000000')
    await put({ strand: b, owes: [owe(b.id, BOB)] })
    await writer.close()
    disconnect(db)

    expect(results.map((r) => r.status === 'rejected' && r.reason instanceof Fault)).toEqual([true, true])
    expect(after).toEqual(before)
    const store = open(file)
    expect(store.root(WITH_ALICE).count).toBe(2)
    expect(store.root(WITH_BOB).count).toBe(1)
    expect(store.due(BOB, START, 10).map((d) => d.message)).toEqual([b.id])
    expect(findings(store)).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import type { OwedReceipt } from '../../../src/core/decision.js'
import type { HermId, MessageId, RelayUrl, UnixMs, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { emptyLanes, rootOfLanes } from '../../../src/core/roothash.js'
import {
  ALICE,
  BOB,
  event,
  hex,
  key,
  manualClock,
  ME,
  nodeInfo,
  open,
  owe,
  put,
  START,
  strand,
  tempFile,
  WITH_ALICE,
  WITH_BOB,
} from './build.js'

const EMPTY_ROOT = rootOfLanes(emptyLanes(), nodeHashes)

const receipt = (parts: Partial<OwedReceipt> = {}): OwedReceipt => ({
  to: ALICE,
  event: event('e'),
  status: 'accepted',
  stage: 'stored',
  at: START,
  dueAt: START,
  confidential: true,
  ...parts,
})

describe('committing decisions', () => {
  it('shows a decision what earlier ones of the same transaction wrote', async () => {
    const store = open()
    const a = strand('a')

    const seen = Promise.all([
      store.commit(() => ({ strand: a, marks: [{ id: event('e') }], owes: [owe(a.id, 'port:kapnetd')] })),
      store.commit((view) => ({
        message: view.tips(WITH_ALICE, 8)[0] ?? hex<MessageId>('none'),
        fresh:
          view.root(WITH_ALICE).count === 1 && view.message(a.id) !== undefined && view.mark(event('e')) !== undefined,
      })),
    ])

    expect((await seen)[1]).toEqual({ message: a.id, fresh: true })
  })

  it('keeps a strand with everything that was said about it', async () => {
    const store = open()
    const attestation = { pubkey: ALICE, created_at: 5 as UnixSec, sig: hex<string>('x') + hex<string>('y') } as never
    const a = { ...strand('a', { createdAt: 5 }), attestation, validUntil: 9 as UnixSec }

    await put(store, { strand: a })

    expect(store.load(a.id)).toEqual({
      id: a.id,
      kind: 'strand',
      author: ALICE,
      body: a.body,
      attestation,
      confidential: true,
      validUntil: 9,
    })
  })

  it('takes a scope back with the decision that failed, and keeps the others', async () => {
    const store = open()
    const a = strand('a')
    const b = strand('b', { scopes: [WITH_ALICE, WITH_BOB] })

    const results = await Promise.allSettled([
      put(store, { strand: a }),
      // The strand is fine; the delivery names a message that is not here.
      put(store, { strand: b, owes: [owe(hex('nowhere'), 'gossip')] }),
      put(store, { strand: strand('c') }),
    ])

    expect(results.map((r) => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(store.root(WITH_ALICE).count).toBe(2)
    expect(store.root(WITH_BOB)).toEqual({ root: EMPTY_ROOT, count: 0 })
    expect(store.counts().strands).toBe(2)
    expect([...store.verify(nodeHashes, () => true)].filter((step) => step.kind === 'finding')).toEqual([])
  })

  it('can use a scope and a destination whose first user failed', async () => {
    const store = open()
    await Promise.allSettled([
      put(store, {
        strand: strand('a', { scopes: [WITH_BOB] }),
        owes: [owe(strand('a').id, 'gossip'), owe(hex('nowhere'), BOB)],
      }),
    ])
    const b = strand('b', { scopes: [WITH_BOB] })

    await put(store, { strand: b, owes: [owe(b.id, 'gossip'), owe(b.id, BOB)] })

    expect(store.root(WITH_BOB).count).toBe(1)
    expect(store.due(BOB, START, 10)).toHaveLength(1)
  })

  it('changes nothing when the same strand comes again', async () => {
    const store = open()
    const a = strand('a')
    await put(store, { strand: a, owes: [owe(a.id, BOB)] })
    const before = { root: store.root(WITH_ALICE), counts: store.counts() }

    await put(store, { strand: a, owes: [owe(a.id, BOB)] })

    expect({ root: store.root(WITH_ALICE), counts: store.counts() }).toEqual(before)
  })

  it('adds a known strand to a scope it was not in', async () => {
    const store = open()
    const a = strand('a')
    const b = strand('b', { parents: [a.id], scopes: [WITH_ALICE, 'gossip'] })
    await put(store, { strand: a })
    await put(store, { strand: b })

    await put(store, { strand: { ...a, scopes: ['gossip'] } })

    expect(store.root('gossip')).toEqual(store.root(WITH_ALICE))
    expect(store.view.tips('gossip', 8)).toEqual([b.id])
    expect(store.ids({ scope: 'gossip', limit: 10 })).toEqual([b.id, a.id])
    expect(store.known(a.id)?.scopes).toEqual([WITH_ALICE, 'gossip'])
  })

  it('writes only marks and receipts of a refusal', async () => {
    const store = open()
    const a = strand('a')

    await put(store, {
      refusal: { code: 'forbidden-kor', message: 'no' },
      strand: a,
      marks: [{ id: event('e'), code: 'forbidden-kor', generation: 3 }],
      receipts: [receipt({ status: 'rejected', code: 'forbidden-kor' })],
      orderKey: { key: 'k', message: a.id },
    })

    expect(store.known(a.id)).toBeUndefined()
    expect(store.view.orderKey('k')).toBeUndefined()
    expect(store.view.mark(event('e'))).toEqual({ id: event('e'), code: 'forbidden-kor', generation: 3 })
    expect(store.receiptsDue(ALICE, START, 10)).toHaveLength(1)
  })

  it('gives the first message of an order key for ever', async () => {
    const store = open()
    const a = strand('a')
    const b = strand('b')

    await put(store, { strand: a, orderKey: { key: 'order 1', message: a.id } })
    await put(store, { strand: b, orderKey: { key: 'order 1', message: b.id } })

    expect(store.view.orderKey('order 1')).toBe(a.id)
  })

  it('keeps tasks by their sender and id, outside the braid', async () => {
    const store = open()
    const row = {
      id: hex<MessageId>('task'),
      kind: 'task' as const,
      author: ALICE,
      taskId: 't-1',
      body: '{}',
      confidential: true,
      origin: 'peer' as const,
    }

    await put(store, { row })
    const conflict = put(store, { row: { ...row, id: hex<MessageId>('another body') } })

    await expect(conflict).rejects.toThrow(/UNIQUE/)
    expect(store.view.task(ALICE, 't-1')).toEqual({ id: row.id })
    expect(store.view.task(BOB, 't-1')).toBeUndefined()
    expect(store.missing([row.id])).toEqual([row.id])
    expect(store.counts().strands).toBe(0)
  })
})

describe('marks', () => {
  it('judges an event anew only where the configuration had refused it', async () => {
    const store = open()
    await put(store, {
      marks: [
        { id: event('taken') },
        { id: event('bad'), code: 'bad-hash' },
        { id: event('early'), code: 'not-addressed', generation: 1 },
      ],
    })

    await put(store, {
      marks: [
        { id: event('taken'), code: 'not-addressed', generation: 2 },
        { id: event('bad') },
        { id: event('early') },
      ],
    })

    expect(store.view.mark(event('taken'))).toEqual({ id: event('taken') })
    expect(store.view.mark(event('bad'))).toEqual({ id: event('bad'), code: 'bad-hash' })
    expect(store.view.mark(event('early'))).toEqual({ id: event('early') })
    expect(store.view.mark(event('never'))).toBeUndefined()
  })
})

describe('receipts owed', () => {
  it('puts a done in the place of a stored that was not sent', async () => {
    const store = open()
    await put(store, { receipts: [receipt()] })

    await put(store, { receipts: [receipt({ stage: 'done', at: (START + 50) as UnixMs })] })

    expect(store.receiptsDue(ALICE, START, 10).map((r) => r.stage)).toEqual(['done'])
  })

  it('does not take a done for sent that came while the stored was on its way', async () => {
    const store = open()
    await put(store, { receipts: [receipt()] })
    const inFlight = store.receiptsDue(ALICE, START, 10).map((r) => r.seq)
    await put(store, { receipts: [receipt({ stage: 'done' })] })

    await store.receiptsSent(inFlight)

    expect(store.receiptsDue(ALICE, START, 10).map((r) => r.stage)).toEqual(['done'])
  })

  it('does not let a stored take the place of a done', async () => {
    const store = open()
    await put(store, { receipts: [receipt({ stage: 'done' })] })

    await put(store, { receipts: [receipt({ stage: 'stored' })] })

    expect(store.receiptsDue(ALICE, START, 10).map((r) => r.stage)).toEqual(['done'])
  })

  it('gives those that are due, oldest first, until they are sent', async () => {
    const store = open()
    const at = (ms: number, name: string): OwedReceipt => receipt({ event: event(name), dueAt: (START + ms) as UnixMs })
    await put(store, { receipts: [at(20, 'b'), at(10, 'a'), at(300, 'later'), receipt({ to: BOB })] })

    const due = store.receiptsDue(ALICE, (START + 100) as UnixMs, 10)
    await store.receiptsSent(due.map((r) => r.seq))

    expect(due.map((r) => r.event)).toEqual([event('a'), event('b')])
    expect(store.nextReceiptDue(ALICE)).toBe(START + 300)
    expect([...store.receiptsOwedTo()].sort()).toEqual([ALICE, BOB].sort())
    expect(store.counts().receiptsOwed).toBe(2)
  })

  it('gives back every member', async () => {
    const store = open()
    const a = strand('a')
    const whole = receipt({
      ref: a.id,
      status: 'rejected',
      stage: 'done',
      code: 'conflict',
      message: 'why',
      scope: WITH_ALICE,
      confidential: false,
    })

    await put(store, { strand: a, receipts: [whole] })

    const { seq, ...rest } = store.receiptsDue(ALICE, START, 1)[0]!
    expect(rest).toEqual(whole)
    expect(seq).toBeGreaterThan(0)
  })
})

describe('answers', () => {
  it('remembers whom to tell, about the latest event, and how often we did', async () => {
    const store = open()
    const a = strand('a')
    const answer = { message: a.id, carrier: ALICE, event: event('first'), confidential: true }
    await put(store, { strand: a, answers: [answer], receipts: [receipt({ ref: a.id, event: event('first') })] })

    await put(store, {
      answers: [{ ...answer, event: event('second') }],
      receipts: [receipt({ ref: a.id, event: event('second'), status: 'duplicate' })],
    })

    expect(store.view.answers(a.id)).toEqual([{ ...answer, event: event('second') }])
    expect(store.view.answered(a.id, ALICE)).toEqual({ count: 2, event: event('second') })
    expect(store.view.answered(a.id, BOB)).toBeUndefined()
  })

  it('counts a receipt to someone who is not to be told again', async () => {
    const store = open()
    const a = strand('a')

    await put(store, { strand: a, receipts: [receipt({ ref: a.id, to: BOB })] })

    expect(store.view.answered(a.id, BOB)).toEqual({ count: 1, event: event('e') })
    expect(store.view.answers(a.id)).toEqual([])
  })
})

describe('peers', () => {
  const seen = (name: string, createdAt: number, seenAt: number) => ({
    key: key(name),
    info: nodeInfo(name),
    createdAt: createdAt as UnixSec,
    event: event(`${name} ${createdAt}`),
    relay: 'wss://relay.example' as RelayUrl,
    seenAt: (START + seenAt) as UnixMs,
  })

  it('keeps the newest node-info and ignores a replay', async () => {
    const store = open()

    await put(store, { peer: seen('herm-b', 20, 0) })
    await put(store, { peer: seen('herm-b', 10, 5) })

    expect(store.peers()).toEqual([seen('herm-b', 20, 0)])
    expect(store.view.peer(key('herm-b'))).toEqual(seen('herm-b', 20, 0))
  })

  it('pins a Herm id to the first key', async () => {
    const store = open()
    const id = 'herm-b' as HermId

    await put(store, { pin: { id, key: ALICE } })
    await put(store, { pin: { id, key: BOB } })

    expect(store.view.pinned(id)).toBe(ALICE)
    expect(store.pins()).toEqual([{ id, key: ALICE }])
  })

  it('holds at most 10,000 and lets the oldest go that nobody vouches for', async () => {
    const store = open()
    await store.setGrant({ key: key('p1'), verdict: 'approved', at: START })
    await put(store, { peer: seen('p0', 1, 0), pin: { id: 'p0' as HermId, key: key('p0') } })

    await Promise.all(Array.from({ length: 10_000 }, (_, i) => put(store, { peer: seen(`p${i + 1}`, 1, i + 1) })))

    expect(store.peers()).toHaveLength(10_000)
    expect([0, 1, 2, 3].map((i) => store.view.peer(key(`p${i}`)) !== undefined)).toEqual([true, true, false, true])
  })
})

describe('what is remembered between runs', () => {
  it('moves the generation with the fingerprint and with every grant', async () => {
    const store = open()

    const first = await store.generation('a')
    const same = await store.generation('a')
    const other = await store.generation('b')
    await store.setGrant({ key: ALICE, verdict: 'blocked', at: START })
    const granted = await store.generation('b')

    expect([first, same, other, granted]).toEqual([1, 1, 2, 3])
    expect(store.grants()).toEqual([{ key: ALICE, verdict: 'blocked', at: START }])
  })

  it('holds cursors, relays, roots and queues across a restart', async () => {
    const file = tempFile()
    const clock = manualClock()
    const first = open(file, clock)
    const url = 'wss://relay.example' as RelayUrl
    const a = strand('a')
    await put(first, { strand: a, owes: [owe(a.id, BOB)], receipts: [receipt({ ref: a.id })] })
    await first.setCursor('kapnetd', '17')
    await first.rememberRelay({ url, lastWhole: START })
    const before = { root: first.root(WITH_ALICE), counts: first.counts(), due: first.due(BOB, START, 10) }
    await first.close()

    const again = open(file, clock)

    expect(again.cursor('kapnetd')).toBe('17')
    expect(again.cursor('nats')).toBeUndefined()
    expect(again.relayMemory(url)).toEqual({ url, lastWhole: START })
    expect(again.relayMemory('wss://other.example' as RelayUrl)).toEqual({ url: 'wss://other.example' })
    expect({ root: again.root(WITH_ALICE), counts: again.counts(), due: again.due(BOB, START, 10) }).toEqual(before)
    await put(again, { strand: strand('b'), receipts: [receipt({ event: event('f') })] })
    expect(again.root(WITH_ALICE).count).toBe(2)
    expect(again.root(WITH_BOB)).toEqual({ root: EMPTY_ROOT, count: 0 })
    expect(again.known(hex<MessageId>(ME))).toBeUndefined()
  })
})

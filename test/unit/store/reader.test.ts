import { describe, expect, it } from 'vitest'
import type { MessageId, NostrEvent, Signature, UnixSec } from '../../../src/core/types.js'
import {
  ALICE,
  BOB,
  event,
  hex,
  manualClock,
  open,
  owe,
  put,
  START,
  strand,
  tempFile,
  WITH_ALICE,
  WITH_BOB,
} from './build.js'

describe('the log', () => {
  it('lists strands newest first, page by page', async () => {
    const store = open()
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => strand(name))
    for (const s of all) await put(store, { strand: s })

    const first = store.log({ limit: 2 })
    const second = store.log({ limit: 2, before: first[1]!.id })
    const scoped = store.log({ scope: WITH_ALICE, limit: 2, before: first[1]!.id })

    expect([...first, ...second].map((l) => l.id)).toEqual([4, 3, 2, 1].map((i) => all[i]!.id))
    expect(scoped).toEqual(second)
    expect(store.log({ limit: 2, before: hex<MessageId>('unknown') })).toEqual([])
  })

  it('shows what a strand is without its body', async () => {
    const clock = manualClock()
    const store = open(tempFile(), clock)
    const ghost = hex<MessageId>('ghost')
    clock.advance(5)
    const a = strand('a', { parents: [ghost], createdAt: 7 })

    await put(store, { strand: a })

    expect(store.log({ limit: 1 })).toEqual([
      {
        id: a.id,
        author: ALICE,
        type: 'signal',
        action: 'room.say',
        targetKor: 'room.kor',
        sourceKor: 'herm-a.room.kor',
        createdAt: 7,
        arrivedAt: START + 5,
        origin: 'peer',
        carrier: ALICE,
        road: 'nip44',
        confidential: true,
        parents: [ghost],
      },
    ])
  })

  it('can be narrowed to a scope and to an author', async () => {
    const store = open()
    const a = strand('a')
    const b = strand('b', { author: BOB, scopes: [WITH_BOB, 'gossip'] })
    const c = strand('c', { scopes: ['gossip'] })
    for (const s of [a, b, c]) await put(store, { strand: s })

    const ids = (query: Omit<Parameters<typeof store.log>[0], 'limit'>): MessageId[] =>
      store.log({ ...query, limit: 10 }).map((line) => line.id)

    expect(ids({ scope: 'gossip' })).toEqual([c.id, b.id])
    expect(ids({ author: ALICE })).toEqual([c.id, a.id])
    expect(ids({ scope: 'gossip', author: ALICE })).toEqual([c.id])
    expect(ids({ scope: `pair:${ALICE}:${BOB}` })).toEqual([])
  })
})

describe('find', () => {
  it('completes the beginning of an id', async () => {
    const store = open()
    const ids = Array.from({ length: 40 }, (_, i) => strand(`${i}`))
    for (const s of ids) await put(store, { strand: s })
    const [one] = ids
    const starting = (start: string): MessageId[] =>
      ids
        .map((s) => s.id)
        .filter((id) => id.startsWith(start))
        .sort()

    for (const start of ['', '0', 'f', one!.id.slice(0, 1), one!.id.slice(0, 7), one!.id])
      expect(store.find(start, 100)).toEqual(starting(start))
    expect(store.find(one!.id.slice(0, 1), 1)).toHaveLength(1)
    expect(store.find('xyz', 10)).toEqual([])
    expect(store.find('a'.repeat(65), 10)).toEqual([])
  })
})

describe('ids of a scope', () => {
  it('come in the order in which they joined, from behind the last one read', async () => {
    const store = open()
    const all = ['a', 'b', 'c', 'd'].map((name) => strand(name))
    for (const s of all) await put(store, { strand: s })

    const first = store.ids({ scope: WITH_ALICE, limit: 3 })
    const rest = store.ids({ scope: WITH_ALICE, after: first[2]!, limit: 3 })

    expect([...first, ...rest]).toEqual(all.map((s) => s.id))
    expect(store.ids({ scope: WITH_BOB, limit: 3 })).toEqual([])
  })
})

describe('tips and scopes', () => {
  it('are listed newest first, for one scope or for all', async () => {
    const store = open()
    const a = strand('a')
    const b = strand('b', { scopes: ['gossip'] })
    const c = strand('c')
    for (const s of [a, b, c]) await put(store, { strand: s })

    expect(store.tips(WITH_ALICE).map((t) => t.id)).toEqual([c.id, a.id])
    expect(store.tips()).toEqual([
      { scope: WITH_ALICE, id: c.id },
      { scope: WITH_ALICE, id: a.id },
      { scope: 'gossip', id: b.id },
    ])
    expect(store.scopes()).toEqual([
      { scope: WITH_ALICE, ...store.root(WITH_ALICE) },
      { scope: 'gossip', ...store.root('gossip') },
    ])
    expect(store.counts().scopes).toEqual(store.scopes())
  })
})

describe('the inbox', () => {
  it('lists what peers sent in the order of arrival, with its stage', async () => {
    const store = open()
    const a = strand('a')
    const b = strand('b')
    const mine = { ...strand('mine'), origin: 'cli' as const }
    await put(store, { strand: a, owes: [owe(a.id, 'port:kapnetd')] })
    await put(store, { strand: mine })
    await put(store, { strand: b })

    const all = store.inbox({ limit: 10 })

    expect(all.map((line) => [line.id, line.stage])).toEqual([
      [a.id, 'stored'],
      [b.id, 'done'],
    ])
    expect(all[0]).toMatchObject({ kind: 'strand', author: ALICE, carrier: ALICE, road: 'nip44', body: a.body })
    expect(store.inbox({ after: all[0]!.seq, limit: 10 }).map((line) => line.id)).toEqual([b.id])
    expect(store.inbox({ limit: 1 })).toHaveLength(1)
  })
})

describe('show', () => {
  it('tells all about a strand', async () => {
    const store = open()
    const a = strand('a')
    await put(store, {
      strand: a,
      owes: [owe(a.id, 'port:kapnetd')],
      answers: [{ message: a.id, carrier: ALICE, event: event('e'), confidential: true }],
    })

    expect(store.show(a.id)).toEqual({
      message: store.load(a.id),
      known: store.known(a.id),
      arrivedAt: START,
      strand: store.log({ limit: 1 })[0],
      parents: [],
      children: [],
      deliveries: [{ ...store.deliveries({ limit: 1 })[0], transitions: [{ state: 'queued', at: START }] }],
      answers: [{ carrier: ALICE, event: event('e'), receipts: 0 }],
    })
  })

  it('knows tasks, and says nothing of what is not here', async () => {
    const store = open()
    const id = hex<MessageId>('task')
    await put(store, {
      row: { id, kind: 'task', author: BOB, taskId: 't-1', body: '{}', confidential: true, origin: 'peer' },
    })

    expect(store.show(id)).toMatchObject({ taskId: 't-1', known: { kind: 'task', scopes: [] } })
    expect(store.show(id)?.strand).toBeUndefined()
    expect(store.show(hex<MessageId>('nothing'))).toBeUndefined()
    expect(store.load(hex<MessageId>('nothing'))).toBeUndefined()
  })
})

describe('linear order', () => {
  it('lets the writer go on between two steps', async () => {
    const store = open()
    const a = strand('a', { createdAt: 1 })
    const b = strand('b', { createdAt: 2 })
    for (const s of [b, a]) await put(store, { strand: s })

    const order = store.linearOrder(WITH_ALICE)
    const first = order.next().value
    await put(store, { strand: strand('c', { createdAt: 3, parents: [b.id] }) })

    expect([first, ...order]).toEqual([a.id, b.id])
  })

  it('is empty for a scope that nobody is in', () => {
    expect([...open().linearOrder('gossip')]).toEqual([])
  })
})

describe('export', () => {
  it('gives strands whole, of one scope or all of them', async () => {
    const store = open()
    const original: NostrEvent = {
      id: event('e'),
      pubkey: BOB,
      created_at: 3 as UnixSec,
      kind: 30078,
      tags: [['t', 'kapnet']],
      content: 'text',
      sig: (hex<string>('s') + hex<string>('t')) as Signature,
    }
    const a = strand('a')
    const b = { ...strand('b', { author: BOB, scopes: ['gossip'], confidential: false }), event: original }
    for (const s of [a, b]) await put(store, { strand: s })

    expect([...store.export()]).toEqual([
      { id: a.id, author: ALICE, body: JSON.parse(a.body) as unknown, scopes: [WITH_ALICE] },
      { id: b.id, author: BOB, body: JSON.parse(b.body) as unknown, event: original, scopes: ['gossip'] },
    ])
    expect([...store.export('gossip')].map((s) => s.id)).toEqual([b.id])
    expect([...store.export(WITH_BOB)]).toEqual([])
  })

  it('reads on over many pages while the writer writes', async () => {
    const store = open()
    await Promise.all(Array.from({ length: 450 }, (_, i) => put(store, { strand: strand(`${i}`) })))

    const seen = new Set<string>()
    for (const { id } of store.export(WITH_ALICE)) {
      if (seen.size === 0) await put(store, { strand: strand('late') })
      seen.add(id)
    }

    expect(seen.size).toBe(451)
  })
})

import { describe, expect, it } from 'vitest'
import type { Move } from '../../../src/core/decision.js'
import type { Destination, KorName, MessageId, RelayUrl, UnixMs } from '../../../src/core/types.js'
import type { BraidReader, Store } from '../../../src/ports.js'
import { ALICE, BOB, event, hex, open, owe, put, START, strand } from './build.js'

const at = (ms: number): UnixMs => (START + ms) as UnixMs
const A = strand('a')

const move = (state: Move['state'], parts: Partial<Move> = {}): Move => ({
  message: A.id,
  to: BOB,
  state,
  at: at(1),
  ...parts,
})

/** A store that owes strand A to Bob. */
const owing = async (): Promise<Store & BraidReader> => {
  const store = open()
  await put(store, { strand: A, owes: [owe(A.id, BOB)] })
  return store
}

const stateOf = (store: Store): string | undefined => store.view.delivery(A.id, BOB)?.state

describe('deliveries', () => {
  it('start as queued and are due at their time, oldest first', async () => {
    const store = open()
    const b = strand('b')
    const c = strand('c')
    await put(store, { strand: A, owes: [owe(A.id, BOB, { dueAt: at(20) })] })
    await put(store, { strand: b, owes: [owe(b.id, BOB, { dueAt: at(10), confidential: false })] })
    await put(store, { strand: c, owes: [owe(c.id, BOB, { dueAt: at(500) }), owe(c.id, ALICE)] })

    const due = store.due(BOB, at(100), 10)

    expect(due.map((d) => d.message)).toEqual([b.id, A.id])
    expect(due[0]).toEqual({
      message: b.id,
      to: BOB,
      state: 'queued',
      tries: 0,
      confidential: false,
      createdAt: START,
      expiresAt: START + 604_800_000,
    })
    expect(store.due(BOB, at(100), 1)).toHaveLength(1)
    expect(store.nextDue(BOB)).toBe(at(10))
    expect([...store.owedTo()].sort()).toEqual([ALICE, BOB].sort())
  })

  it('take every kind of destination', async () => {
    const store = open()
    const all: Destination[] = [BOB, 'port:kapnetd', 'port:nats', 'gossip', `kor:${'room.kor' as KorName}`]

    await put(store, { strand: A, owes: all.map((to) => owe(A.id, to)) })

    expect(store.owedTo()).toEqual(all)
    expect(store.deliveriesOf(A.id).map((d) => d.to)).toEqual(all)
  })

  it('are looked at again when a move says so, and count their tries', async () => {
    const store = await owing()

    await put(store, { moves: [move('relay-ok', { retryAt: at(30_000), try: true })] })

    expect(store.due(BOB, at(29_999), 10)).toEqual([])
    expect(store.due(BOB, at(30_000), 10)).toMatchObject([{ state: 'relay-ok', tries: 1 }])
  })

  it.each(['done', 'dead'] as const)('need nothing more once %s', async (state) => {
    const store = await owing()

    await put(store, { moves: [move(state, { retryAt: at(5) })] })

    expect(store.nextDue(BOB)).toBeUndefined()
    expect(store.owedTo()).toEqual([])
  })

  it('wait for somebody when undeliverable, unless a time is given', async () => {
    const store = await owing()

    await put(store, { moves: [move('undeliverable')] })
    const without = store.nextDue(BOB)
    await put(store, { moves: [move('undeliverable', { retryAt: at(7) })] })

    expect(without).toBeUndefined()
    expect(store.nextDue(BOB)).toBe(at(7))
  })

  it('are never forgotten in a state that waits for a try', async () => {
    const store = await owing()

    await put(store, { moves: [move('retrying')] })

    expect(store.nextDue(BOB)).toBe(at(1))
  })

  it('do not go back from what the peer said to what we knew before', async () => {
    const store = await owing()
    await put(store, { moves: [move('peer-stored', { retryAt: at(60) })] })

    await put(store, { moves: [move('relay-ok', { event: event('ours'), sent: true, retryAt: at(5) })] })

    expect(stateOf(store)).toBe('peer-stored')
    expect(store.nextDue(BOB)).toBe(at(60))
    expect(store.view.sent(event('ours'))).toEqual({ message: A.id, to: BOB })
    expect(store.show(A.id)?.deliveries[0]?.transitions.map((t) => t.state)).toEqual(['queued', 'peer-stored'])
  })

  it('die after peer-stored only for a reason', async () => {
    const store = await owing()
    await put(store, { moves: [move('peer-stored')] })

    await put(store, { moves: [move('dead')] })
    const without = stateOf(store)
    await put(store, { moves: [move('dead', { code: 'local-rejected' })] })

    expect(without).toBe('peer-stored')
    expect(stateOf(store)).toBe('dead')
  })

  it('come back from the dead by a late receipt', async () => {
    const store = await owing()
    await put(store, { moves: [move('dead', { code: 'max-age' })] })

    await put(store, { moves: [move('done', { event: event('receipt') })] })

    expect(stateOf(store)).toBe('done')
    expect(store.counts().deliveries).toMatchObject({ queued: 0, dead: 0, done: 1 })
  })

  it('get a whole lifetime again when the operator retries them', async () => {
    const store = await owing()
    await put(store, { moves: [move('dead', { code: 'max-age', at: at(604_800_000) })] })

    await put(store, { moves: [move('queued', { code: 'operator', at: at(900_000_000) })] })

    expect(store.due(BOB, at(900_000_000), 10)).toMatchObject([{ expiresAt: at(900_000_000 + 604_800_000) }])
  })

  it('keep every step with its road, relay, event and reason', async () => {
    const store = await owing()
    const step = {
      road: 'nip44' as const,
      relay: 'wss://relay.example' as RelayUrl,
      event: event('e'),
      code: 'timeout' as const,
      reason: 'x'.repeat(300),
    }

    await put(store, { moves: [move('retrying', { ...step, retryAt: at(9) }), move('done')] })

    expect(store.show(A.id)?.deliveries[0]).toMatchObject({
      to: BOB,
      state: 'done',
      transitions: [
        { state: 'queued', at: START },
        { ...step, state: 'retrying', at: at(1), reason: 'x'.repeat(200) },
        { state: 'done', at: at(1) },
      ],
    })
  })

  it('are matched by every event that was sent in them', async () => {
    const store = await owing()

    await put(store, { moves: [move('relay-ok', { event: event('1'), sent: true })] })
    await put(store, { moves: [move('retrying')] })
    await put(store, { moves: [move('relay-ok', { event: event('2'), sent: true })] })
    await put(store, { moves: [move('peer-stored', { event: event('theirs') })] })

    expect(store.view.sent(event('1'))).toEqual({ message: A.id, to: BOB })
    expect(store.view.sent(event('2'))).toEqual({ message: A.id, to: BOB })
    expect(store.view.sent(event('theirs'))).toBeUndefined()
  })

  it('ignore a move of something that is not owed', async () => {
    const store = await owing()

    await put(store, {
      moves: [
        move('done', { to: ALICE }),
        move('done', { message: hex<MessageId>('x') }),
        move('done', { to: 'gossip' }),
      ],
    })

    expect(stateOf(store)).toBe('queued')
  })

  it('can be listed by state and destination, newest message first', async () => {
    const store = await owing()
    const b = strand('b')
    await put(store, { strand: b, owes: [owe(b.id, BOB), owe(b.id, ALICE)] })
    await put(store, { moves: [move('done'), move('dead', { message: b.id, to: ALICE, code: 'max-age' })] })

    const list = (query: Parameters<BraidReader['deliveries']>[0]): string[] =>
      store
        .deliveries(query)
        .map((d) => `${d.message === b.id ? 'b' : 'a'} ${d.to === BOB ? 'bob' : 'alice'} ${d.state}`)

    expect(list({ limit: 10 })).toEqual(['b bob queued', 'b alice dead', 'a bob done'])
    expect(list({ limit: 1 })).toHaveLength(1)
    expect(list({ state: 'done', limit: 10 })).toEqual(['a bob done'])
    expect(list({ state: 'dead', limit: 10 })).toEqual(['b alice dead'])
    expect(list({ state: 'queued', to: BOB, limit: 10 })).toEqual(['b bob queued'])
    expect(list({ state: 'queued', to: ALICE, limit: 10 })).toEqual([])
    expect(list({ to: 'gossip', limit: 10 })).toEqual([])
    expect(store.deliveries({ state: 'dead', limit: 1 })[0]).toMatchObject({ code: 'max-age' })
    expect(store.deliveries({ state: 'queued', limit: 1 })[0]).toMatchObject({ dueAt: START })
  })
})

describe('the stage of a message', () => {
  const ports = [owe(A.id, 'port:kapnetd'), owe(A.id, 'port:nats'), owe(A.id, BOB)]
  const local = (name: 'kapnetd' | 'nats', state: Move['state'], code?: Move['code']): Move =>
    move(state, { to: `port:${name}`, ...(code !== undefined && { code }) })

  it('is done where no local port is owed anything', async () => {
    const store = await owing()

    expect(store.known(A.id)).toMatchObject({ stage: 'done', rejected: false, author: ALICE, kind: 'strand' })
  })

  it('is stored until every local port has answered', async () => {
    const store = open()
    await put(store, { strand: A, owes: ports })

    await put(store, { moves: [local('kapnetd', 'done')] })
    const half = store.known(A.id)?.stage
    await put(store, { moves: [local('nats', 'dead', 'max-age')] })

    expect(half).toBe('stored')
    expect(store.known(A.id)).toMatchObject({ stage: 'done', rejected: false })
  })

  it('is rejected when a local port said no', async () => {
    const store = open()
    await put(store, { strand: A, owes: ports })

    await put(store, { moves: [local('kapnetd', 'dead', 'local-rejected')] })

    expect(store.known(A.id)).toMatchObject({ stage: 'stored', rejected: true })
  })
})

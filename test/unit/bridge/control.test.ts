import { describe, expect, it } from 'vitest'
import { controlHandlers, MAX_ORDERS_A_CALL, type ControlOptions } from '../../../src/bridge-control.js'
import { npubOf } from '../../../src/core/nodeinfo.js'
import { makeRoster } from '../../../src/core/peers.js'
import type { DeliveryState, HermId, JsonObject } from '../../../src/core/types.js'
import { createWatch } from '../../../src/pipeline/watch.js'
import type { Order } from '../../../src/ports.js'
import { manualClock } from '../../support/manual-clock.js'
import { ALICE, BOB, event, hex, key, ME, nodeInfo, open, owe, put, START, strand } from '../store/build.js'

const A = strand('a')
const never = new AbortController().signal

interface Bench {
  readonly store: ReturnType<typeof open>
  readonly orders: Order[]
  readonly reconfigured: unknown[]
  readonly stop: AbortController
  call(method: string, params?: JsonObject): Promise<unknown>
  moved(state: DeliveryState): Promise<void>
}
const bench = (over: Partial<ControlOptions> = {}): Bench => {
  const clock = manualClock()
  const store = open(undefined, clock)
  const orders: Order[] = []
  const reconfigured: unknown[] = []
  const stop = new AbortController()
  const watch = createWatch((m) => store.deliveriesOf(m))
  const handlers = controlHandlers({
    accept: (given) => {
      orders.push(...given)
      return Promise.resolve(
        given.map((o) =>
          o.kind === 'new' && o.action === 'no'
            ? { ok: false, refusal: { code: 'bad-schema', message: 'no' } }
            : { ok: true, value: { id: A.id, fresh: true } },
        ),
      )
    },
    watch,
    store,
    keeper: {
      roster: () =>
        makeRoster({
          me: ME,
          myId: 'herm-me' as HermId,
          mode: 'allowlist',
          rules: [{ key: ALICE, id: 'herm-alice' as HermId }],
          grants: [],
          pins: [],
          infos: [],
        }),
      generation: () => 7,
      changed: () => undefined,
      close: () => undefined,
      reconfigure: (rules) => {
        reconfigured.push(rules)
        return Promise.resolve()
      },
    },
    rules: () => ({ mode: 'allowlist', peers: [], fingerprint: 'f' }),
    reload: () => Promise.resolve(),
    status: () => ({ running: true }),
    clock,
    stopping: stop.signal,
    ...over,
  })
  return {
    store,
    orders,
    reconfigured,
    stop,
    call: async (method, params = {}) => handlers[method]!(params, never),
    moved: async (state) => {
      await put(store, { moves: [{ message: A.id, to: BOB, state, at: START }] })
      watch.moved(A.id)
    },
  }
}
const order = (over: JsonObject = {}): JsonObject => ({
  key: 'k',
  to: ['herm-bob'],
  type: 'signal',
  action: 'a',
  payload: {},
  ...over,
})
const seen = (of: string, id: string): Parameters<typeof put>[1] => ({
  peer: { key: key(of), info: nodeInfo(id), createdAt: 1 as never, event: event(of), seenAt: START },
})

describe('send', () => {
  it('takes orders as they are, with keys and npubs as keys, and answers each', async () => {
    const b = bench()
    const answers = await b.call('send', {
      orders: [
        order({ to: [npubOf(BOB), ALICE, 'herm-x'], kor: 'room.kor', public: true, deniable: true, valid_until: 5 }),
        order({ key: 'other', action: 'no' }),
      ],
    })
    expect(answers).toEqual([{ id: A.id, fresh: true }, { refusal: { code: 'bad-schema', message: 'no' } }])
    expect(b.orders[0]).toMatchObject({
      kind: 'new',
      origin: 'cli',
      key: 'cli:k',
      to: [BOB, ALICE, 'herm-x'],
      kor: 'room.kor',
      public: true,
      deniable: true,
      validUntil: 5,
    })
    expect(b.orders[1]).toMatchObject({ public: false, deniable: false })
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['no list', {}],
    ['too many', Array.from({ length: MAX_ORDERS_A_CALL + 1 }, () => order())],
    ['what is no order', [5]],
    ['null', [null]],
    ['an order without a key', [order({ key: '' })]],
    ['a key that is too long', [order({ key: 'x'.repeat(201) })]],
    ['a receiver that is no text', [order({ to: [5] })]],
    ['a payload that is a list', [order({ payload: [] })]],
    ['a payload that is null', [order({ payload: null })]],
    ['an action that is a number', [order({ action: 5 })]],
    ['a KOR name that is a number', [order({ kor: 5 })]],
  ])('refuses %s, all of the call, in one line', async (_, orders) => {
    const b = bench()
    await expect(b.call('send', { orders: orders as never })).rejects.toMatchObject({ code: 'bad-request' })
    expect(b.orders).toEqual([])
  })

  it('takes nothing while the bridge stops', async () => {
    const b = bench()
    b.stop.abort()
    await expect(b.call('send', { orders: [order()] })).rejects.toMatchObject({ code: 'stopping' })
  })
})

describe('wait', () => {
  const owing = async (): Promise<Bench> => {
    const b = bench()
    await put(b.store, { strand: A, owes: [owe(A.id, BOB), owe(A.id, 'port:kapnetd')] })
    return b
  }
  const wait = async (b: Bench, params: JsonObject = {}): Promise<unknown> => {
    const [state] = (await b.call('wait', { ids: [A.id], timeout_ms: 60_000, ...params })) as unknown[]
    return state
  }

  it('ends when the peer has it, whatever the local daemon does', async () => {
    const b = await owing()
    const done = wait(b)
    const stored = wait(b, { stage: 'stored' })
    await b.moved('peer-stored')
    expect(await stored).toMatchObject({ id: A.id, reached: true, failed: false })
    await b.moved('done')
    expect(await done).toMatchObject({ reached: true, failed: false })
  })

  it('ends with a failure when it is over', async () => {
    const b = await owing()
    const waiting = wait(b)
    await b.moved('dead')
    expect(await waiting).toMatchObject({ reached: true, failed: true })
  })

  it('tells how it stands when its time is over, and when the bridge stops', async () => {
    const b = await owing()
    expect(await wait(b, { timeout_ms: 1 })).toMatchObject({ reached: false, failed: false })
    const waiting = wait(b)
    b.stop.abort()
    expect(await waiting).toMatchObject({ reached: false })
  })

  it('knows nothing of a message that is not here', async () => {
    const b = bench()
    expect(await wait(b, { ids: [hex('nowhere')] })).toMatchObject({ reached: false, deliveries: [] })
  })

  it.each<[string, unknown]>([
    ['no list', 'x'],
    ['what is no id', ['zzz']],
    ['too many', Array.from({ length: 10_001 }, () => A.id)],
  ])('refuses %s', async (_, ids) => {
    await expect(bench().call('wait', { ids: ids as never })).rejects.toMatchObject({ code: 'bad-request' })
  })
})

describe('peers', () => {
  it.each(['approve', 'block'] as const)(
    'are %sd by npub, by key and by Herm id, and the roster is made anew',
    async (verb) => {
      const b = bench()
      await put(b.store, seen('bob', 'herm-bob'))
      for (const peer of [npubOf(BOB), BOB, 'herm-bob', 'herm-alice']) {
        expect(await b.call(`peers.${verb}`, { peer })).toMatchObject({
          verdict: `${verb}ed`.replace('ee', 'e'),
          generation: 7,
        })
      }
      expect(
        b.store
          .grants()
          .map((g) => g.key)
          .sort(),
      ).toEqual([ALICE, BOB].sort())
      expect(b.store.grants().find((g) => g.key === BOB)?.id).toBe('herm-bob')
      expect(b.reconfigured).toHaveLength(4)
    },
  )

  it('that nobody has seen, or that two claim to be, are not guessed', async () => {
    const b = bench()
    await put(b.store, seen('bob', 'herm-x'))
    await put(b.store, seen('carol', 'herm-x'))
    await expect(b.call('peers.approve', { peer: 'herm-y' })).rejects.toMatchObject({ code: 'unknown-peer' })
    await expect(b.call('peers.approve', {})).rejects.toMatchObject({ code: 'unknown-peer' })
    await expect(b.call('peers.approve', { peer: 'herm-x' })).rejects.toMatchObject({ code: 'id-conflict' })
    expect(b.store.grants()).toEqual([])
  })
})

describe('the rest', () => {
  it('shows the status, and reloads or says what is wrong with the new configuration', async () => {
    expect(await bench().call('status')).toEqual({ running: true })
    expect(await bench().call('reload')).toEqual({ generation: 7 })
    const b = bench({ reload: () => Promise.reject(new Error('relays: not a URL')) })
    await expect(b.call('reload')).rejects.toMatchObject({ code: 'bad-config', message: 'relays: not a URL' })
  })
})

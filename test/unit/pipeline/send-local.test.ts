import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/core/decision.js'
import { Fault } from '../../../src/core/fault.js'
import type { Destination, MessageId, PortName, UnixMs } from '../../../src/core/types.js'
import { createPutOff } from '../../../src/pipeline/put-off.js'
import { createSendLocal } from '../../../src/pipeline/send-local.js'
import { createTally, type Tally } from '../../../src/pipeline/tally.js'
import type { BraidReader, Delivered, Delivery, Store } from '../../../src/ports.js'
import { manualClock, type ManualClock } from '../../support/manual-clock.js'
import { ALICE, BOB, event, open, owe, put, START, strand } from '../store/build.js'
import { fixedRandom, settle } from './build.js'

const A = strand('a')
const KAPNETD: Destination = 'port:kapnetd'

interface Bench {
  readonly store: Store & BraidReader
  readonly clock: ManualClock
  readonly tally: Tally
  readonly decided: Decision[]
  readonly delivered: MessageId[]
  answer: Delivered | Fault
  isOpen: boolean
  open(): void
  attempt(to?: Destination, signal?: AbortSignal): Promise<void>
}

/** A came from Alice, who waits for an answer, and is owed to every port. */
const bench = async (ports: readonly PortName[] = ['kapnetd']): Promise<Bench> => {
  const clock = manualClock()
  const store = open(undefined, clock)
  await put(store, {
    strand: A,
    owes: ports.map((p) => owe(A.id, `port:${p}`)),
    answers: [{ message: A.id, carrier: ALICE, event: event('of alice'), confidential: true }],
  })
  let wake: () => void = () => undefined
  const b: Bench = {
    store,
    clock,
    tally: createTally(),
    decided: [],
    delivered: [],
    answer: 'accepted',
    isOpen: true,
    open: () => {
      b.isOpen = true
      wake()
    },
    attempt: (to = KAPNETD, signal = new AbortController().signal) => {
      const name = to.slice('port:'.length) as PortName
      const send = createSendLocal({
        port: {
          name,
          run: () => Promise.resolve(),
          whenOpen: (s) =>
            b.isOpen
              ? Promise.resolve()
              : new Promise((resolve) => {
                  wake = resolve
                  s.addEventListener('abort', () => resolve(), { once: true })
                }),
          deliver: (message) => {
            b.delivered.push(message.id)
            return b.answer instanceof Fault ? Promise.reject(b.answer) : Promise.resolve(b.answer)
          },
          status: () => ({ name, state: 'open', since: START }),
        },
        ports,
        store,
        clock,
        random: fixedRandom(),
        tally: b.tally,
        afterCommit: (d) => b.decided.push(d),
      })
      return send(due(store, to), signal)
    },
  }
  return b
}
const due = (store: Store, to: Destination): Delivery => {
  const [first] = store.due(to, (START + 1e12) as UnixMs, 1)
  if (first === undefined) throw new Error('nothing is owed')
  return first
}
const stateOf = (b: Bench, to: Destination = KAPNETD): string | undefined => b.store.view.delivery(A.id, to)?.state
const receipts = (b: Bench): unknown[] => b.store.receiptsDue(ALICE, b.clock.now(), 10)

describe('an attempt to hand a message to a local port', () => {
  it.each(['accepted', 'duplicate'] as const)(
    'is done when the port says %s, and its sender is told',
    async (answer) => {
      const b = await bench()
      b.answer = answer
      await b.attempt()
      expect(stateOf(b)).toBe('done')
      expect(receipts(b)).toMatchObject([
        { to: ALICE, event: event('of alice'), ref: A.id, status: 'accepted', stage: 'done', confidential: true },
      ])
    },
  )

  it('is done for its sender when every port has said so', async () => {
    const b = await bench(['kapnetd', 'nats'])
    await b.attempt(KAPNETD)
    expect(receipts(b)).toEqual([])
    await b.attempt('port:nats')
    expect(receipts(b)).toMatchObject([{ stage: 'done' }])
  })

  it('is over with the first port that says no, and its sender hears why', async () => {
    const b = await bench(['kapnetd', 'nats'])
    b.answer = { code: 'local-rejected', message: 'kapnetd rejected it: no such room' }
    await b.attempt()
    expect(stateOf(b)).toBe('dead')
    expect(receipts(b)).toMatchObject([
      { status: 'rejected', code: 'local-rejected', message: 'kapnetd rejected it: no such room' },
    ])
    expect(b.tally.read().refusals['local-rejected']).toBe(1)
  })

  it('is made again ever more seldom while the port says "not now"', async () => {
    const b = await bench()
    b.answer = { code: 'rate-limited', message: 'busy' }
    const waits: number[] = []
    for (let i = 0; i < 12; i++) {
      await b.attempt()
      waits.push(b.store.nextDue(KAPNETD)! - b.clock.now())
      b.clock.advance(waits.at(-1)!)
    }
    expect(stateOf(b)).toBe('retrying')
    expect([...waits].sort((x, y) => x - y)).toEqual(waits)
    expect(waits.at(-1)).toBe(30_250)
    expect(receipts(b)).toEqual([])
  })

  it('waits for a port that is away, and reads the message only then', async () => {
    const b = await bench()
    b.isOpen = false
    const attempt = b.attempt()
    await settle()
    expect(b.delivered).toEqual([])
    b.open()
    await attempt
    expect(b.delivered).toEqual([A.id])
  })

  it('ends without a trace when it is stopped while it waits', async () => {
    const b = await bench()
    b.isOpen = false
    const life = new AbortController()
    const attempt = b.attempt(KAPNETD, life.signal)
    life.abort()
    await attempt
    expect(stateOf(b)).toBe('queued')
    expect(b.decided).toEqual([])
  })

  it('leaves a Fault to the pump', async () => {
    const b = await bench()
    b.answer = new Fault('kapnetd', 'no answer within 10000 ms')
    await expect(b.attempt()).rejects.toThrow('no answer')
    expect(stateOf(b)).toBe('queued')
  })
})

describe('a Fault', () => {
  const waitsOf = async (to: Destination, count: number): Promise<number[]> => {
    const clock = manualClock()
    const store = open(undefined, clock)
    await put(store, { strand: A, owes: [owe(A.id, to)] })
    const putOff = createPutOff({
      store,
      clock,
      random: fixedRandom(),
      afterCommit: () => undefined,
      backoff: { minMs: 1_000, maxMs: 900_000 },
    })
    const waits: number[] = []
    for (let i = 0; i < count; i++) {
      await putOff(due(store, to), new Fault('signer', `away ${'x'.repeat(300)}`))
      waits.push(store.nextDue(to)! - clock.now())
    }
    expect(store.deliveriesOf(A.id)).toEqual([{ to, state: 'retrying', code: 'fault' }])
    return waits
  }

  it('puts a message to a peer off ever longer, up to the longest backoff', async () => {
    const waits = await waitsOf(BOB, 15)
    expect([...waits].sort((x, y) => x - y)).toEqual(waits)
    expect(waits[0]).toBeLessThanOrEqual(1_000)
    expect(waits.at(-1)).toBe(450_250)
  })

  it('puts one to a local port off for a minute at most', async () => {
    expect(Math.max(...(await waitsOf(KAPNETD, 15)))).toBeLessThanOrEqual(60_000)
  })
})

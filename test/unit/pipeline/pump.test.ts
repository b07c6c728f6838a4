import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Move } from '../../../src/core/decision.js'
import { Fault } from '../../../src/core/fault.js'
import type { MessageId, UnixMs } from '../../../src/core/types.js'
import type { Delivery, Store } from '../../../src/ports.js'
import { createBell, type Bell } from '../../../src/pipeline/bell.js'
import { putOffMove, runPump, type PumpOptions } from '../../../src/pipeline/pump.js'
import { manualClock, type ManualClock } from '../../support/manual-clock.js'
import { watching, type Watch } from '../../support/watching.js'
import { BOB, open, START } from '../store/build.js'
import { keptLog, owing, settle, type KeptLog } from './build.js'

interface Bench {
  readonly store: Store
  readonly clock: ManualClock
  readonly bell: Bell
  readonly log: KeptLog
  readonly watch: Watch
  /** Every attempt, in the order in which it began. */
  readonly tried: MessageId[]
  readonly bugs: unknown[]
  /** Resolves when the pump has ended. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

interface BenchOptions extends Partial<Pick<PumpOptions, 'window' | 'attempt' | 'putOff'>> {
  readonly store?: Store
}

/** A pump to Bob on a real store. Without an `attempt` every delivery is done at once. */
const pumping = (o: BenchOptions = {}): Bench => {
  const clock = manualClock()
  const store = o.store ?? open(undefined, clock)
  const bell = createBell()
  const log = keptLog()
  const watch = watching()
  const tried: MessageId[] = []
  const bugs: unknown[] = []
  const life = new AbortController()
  const move = (m: Move): Promise<unknown> => store.commit(() => ({ moves: [m] }))
  const ended = runPump(
    {
      to: BOB,
      window: o.window ?? 4,
      store,
      clock,
      bell,
      log,
      attempt: async (delivery, signal) => {
        tried.push(delivery.message)
        watch.changed()
        await (o.attempt ?? ((d) => move(doneMove(d, clock))))(delivery, signal)
        watch.changed()
      },
      putOff: async (delivery, fault) => {
        await (o.putOff ?? ((d) => move(putOffMove(d, clock.now(), 1_000, { code: 'fault' }))))(delivery, fault)
        watch.changed()
      },
      onBug: (error) => {
        bugs.push(error)
        watch.changed()
      },
    },
    life.signal,
  ).finally(() => watch.changed())
  const stop = (): Promise<void> => {
    life.abort()
    return ended
  }
  onTestFinished(stop)
  return { store, clock, bell, log, watch, tried, bugs, ended, stop }
}

const doneMove = (d: Delivery, clock: ManualClock): Move => ({
  message: d.message,
  to: d.to,
  state: 'done',
  at: clock.now(),
})

/** What a test lets go when it wants to. */
const gates = (): { pass: (id: MessageId) => void; at: (id: MessageId) => Promise<void>; held: () => MessageId[] } => {
  const open = new Map<MessageId, () => void>()
  return {
    pass: (id) => open.get(id)?.(),
    at: (id) =>
      new Promise((resolve) => {
        open.set(id, () => {
          open.delete(id)
          resolve()
        })
      }),
    held: () => [...open.keys()],
  }
}

const isDone = (store: Store, id: MessageId): boolean => store.view.delivery(id, BOB)?.state === 'done'

describe('a pump', () => {
  it('pays what is owed, the oldest first', async () => {
    const store = open()
    const ids = await owing(store, BOB, 10)
    const p = pumping({ store, window: 1 })
    p.clock.advance(1_000)
    p.bell.ring(BOB)

    await p.watch.until(() => ids.every((id) => isDone(store, id)))

    expect(p.tried).toEqual(ids)
  })

  it('has at most `window` under way, and a slow one delays no other', async () => {
    const gate = gates()
    const store = open()
    const ids = await owing(store, BOB, 6, { dueAt: START - 1_000 })
    const p = pumping({
      store,
      window: 3,
      attempt: async (d) => {
        await gate.at(d.message)
        await store.commit(() => ({ moves: [{ message: d.message, to: BOB, state: 'done', at: START }] }))
      },
    })
    await p.watch.until(() => p.tried.length === 3)
    await settle()
    expect(gate.held()).toEqual(ids.slice(0, 3))

    // The first one stays where it is; all others pass it.
    for (const id of ids.slice(1)) {
      await p.watch.until(() => p.tried.includes(id))
      await settle()
      expect(gate.held().length).toBeLessThanOrEqual(3)
      gate.pass(id)
      await p.watch.until(() => isDone(store, id))
    }

    expect(gate.held()).toEqual([ids[0]])
    gate.pass(ids[0]!)
  })

  it('tries again at its time what was put off', async () => {
    const store = open()
    const [id] = await owing(store, BOB, 1, { dueAt: START - 1_000 })
    let fails = true
    const p = pumping({
      store,
      attempt: async (d) => {
        if (fails) throw new Fault('relay', 'away')
        await store.commit(() => ({ moves: [{ message: d.message, to: BOB, state: 'done', at: START }] }))
      },
    })
    await p.watch.until(() => store.view.delivery(id!, BOB)?.state === 'retrying')
    await settle()
    p.bell.ring(BOB)
    await settle()
    expect(p.tried).toHaveLength(1)

    fails = false
    p.clock.advance(1_000)
    p.bell.ring(BOB)

    await p.watch.until(() => isDone(store, id!))
    expect(p.tried).toHaveLength(2)
    expect(p.bugs).toEqual([])
  })

  it('looks at what becomes due while another attempt waits without end', async () => {
    const store = open()
    const [stuck] = await owing(store, BOB, 1, { dueAt: START - 1_000 })
    const [later] = await owing(store, BOB, 1, { dueAt: START + 50 })
    const gate = gates()
    const p = pumping({
      store,
      attempt: async (d) => {
        if (d.message === stuck) await gate.at(d.message)
        await store.commit(() => ({ moves: [{ message: d.message, to: BOB, state: 'done', at: START }] }))
      },
    })
    await p.watch.until(() => p.tried.length === 1)

    // Nobody rings: the pump itself must have remembered when to look.
    p.clock.advance(50)
    await p.watch.until(() => p.tried.includes(later!))

    gate.pass(stuck!)
  })

  it('gives a store that fails time between tries, and one message at a time', async () => {
    const store = open()
    await owing(store, BOB, 5, { dueAt: START - 1_000 })
    const full = new Fault('store', 'disk full')
    let fails = true
    const p = pumping({
      store,
      window: 1,
      attempt: (d) => {
        if (fails) return Promise.reject(full)
        return store
          .commit(() => ({ moves: [{ message: d.message, to: BOB, state: 'done', at: START }] }))
          .then(() => undefined)
      },
      putOff: () => (fails ? Promise.reject(full) : Promise.resolve()),
    })
    await p.watch.until(() => p.tried.length === 1)
    await settle(200)

    expect(p.tried).toHaveLength(1)
    expect(p.clock.asleep()).toEqual([1_000])

    // It waits for as long as it has failed so far, a minute at most.
    const waits: number[] = []
    for (let i = 0; i < 10; i++) {
      const [ms] = p.clock.asleep()
      waits.push(ms!)
      p.clock.advance(ms!)
      await p.watch.until(() => p.tried.length === i + 2)
      await settle()
    }
    expect(waits).toEqual([1_000, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])

    fails = false
    p.clock.advance(60_000)
    await p.watch.until(() => p.store.nextDue(BOB) === undefined)
    expect(p.bugs).toEqual([])
    expect(p.log.events().filter((e) => e === 'pump.store')).toHaveLength(11)
  })

  it('tells a bug, and goes on with nothing of it', async () => {
    const store = open()
    await owing(store, BOB, 1, { dueAt: START - 1_000 })
    const p = pumping({ store, attempt: () => Promise.reject(new TypeError('a bug')) })
    await p.watch.until(() => p.bugs.length > 0)
    await p.stop()
    expect(p.bugs[0]).toBeInstanceOf(TypeError)
  })

  it('ends with its last attempt when it is stopped, and begins nothing new', async () => {
    const store = open()
    const ids = await owing(store, BOB, 5, { dueAt: START - 1_000 })
    const gate = gates()
    const p = pumping({ store, window: 2, attempt: (d) => gate.at(d.message) })
    await p.watch.until(() => p.tried.length === 2)

    let ended = false
    const stopped = p.stop().then(() => (ended = true))
    await settle()
    expect(ended).toBe(false)
    for (const id of ids) gate.pass(id)
    await stopped

    expect(p.tried).toHaveLength(2)
  })

  it('ends by itself when nothing is owed any more', async () => {
    const store = open()
    const clock = manualClock()
    const bell: Bell = { ring: () => undefined, wait: () => Promise.resolve() }
    await runPump(
      {
        to: BOB,
        window: 4,
        store,
        clock,
        bell,
        log: keptLog(),
        attempt: () => Promise.reject(new Error('nothing is owed')),
        putOff: () => Promise.reject(new Error('nothing is owed')),
        onBug: (error) => {
          throw error
        },
      },
      new AbortController().signal,
    )
    expect(store.owedTo()).toEqual([])
  })

  it('attempts every due delivery in the end, never one twice at once, whatever fails and when', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ due: fc.integer({ min: 0, max: 3_000 }), faults: fc.integer({ min: 0, max: 2 }) }), {
          minLength: 1,
          maxLength: 25,
        }),
        fc.integer({ min: 1, max: 5 }),
        async (plans, window) => {
          const clock = manualClock()
          const store = open(undefined, clock)
          const left = new Map<MessageId, number>()
          for (const [i, plan] of plans.entries()) {
            const [id] = await owing(store, BOB, 1, { dueAt: START + plan.due, name: `plan ${i}` })
            left.set(id!, plan.faults)
          }
          const underWay = new Set<MessageId>()
          const wrong: string[] = []
          const life = new AbortController()
          const bell = createBell()
          const ended = runPump(
            {
              to: BOB,
              window,
              store,
              clock,
              bell,
              log: keptLog(),
              attempt: async (d) => {
                if (underWay.has(d.message)) wrong.push('twice at once')
                underWay.add(d.message)
                if (underWay.size > window) wrong.push('more than the window')
                await settle(1)
                underWay.delete(d.message)
                const faults = left.get(d.message) ?? 0
                left.set(d.message, faults - 1)
                if (faults > 0) throw new Fault('relay', 'away')
                await store.commit(() => ({ moves: [doneMove(d, clock)] }))
              },
              putOff: async (d) => {
                await store.commit(() => ({ moves: [putOffMove(d, clock.now(), 500, { code: 'fault' })] }))
              },
              onBug: (error) => wrong.push(String(error)),
            },
            life.signal,
          )
          for (let i = 0; i < 30 && store.nextDue(BOB) !== undefined; i++) {
            clock.advance(500)
            bell.ring(BOB)
            await settle(40)
          }
          life.abort()
          await ended
          expect(wrong).toEqual([])
          expect([...left.values()].every((n) => n < 0)).toBe(true)
          expect([...left.keys()].every((id) => isDone(store, id))).toBe(true)
          await store.close()
        },
      ),
      { numRuns: 15 },
    )
  })
})

describe('a move that puts off', () => {
  it('never takes back what the peer has stored', () => {
    const delivery = { message: 'm', to: BOB, state: 'peer-stored' } as unknown as Delivery
    expect(putOffMove(delivery, START, 5, { code: 'fault' })).toMatchObject({
      state: 'peer-stored',
      retryAt: (START + 5) as UnixMs,
    })
    expect(putOffMove({ ...delivery, state: 'relay-ok' }, START, 5, { code: 'fault' }).state).toBe('retrying')
  })
})

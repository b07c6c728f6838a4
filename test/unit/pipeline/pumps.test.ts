import { describe, expect, it, onTestFinished } from 'vitest'
import type { Destination, Pubkey } from '../../../src/core/types.js'
import { createBell } from '../../../src/pipeline/bell.js'
import { runPumps } from '../../../src/pipeline/pumps.js'
import { ALICE, BOB, event, open, put, START } from '../store/build.js'
import { keptLog, owing, settle } from './build.js'

interface Bench {
  readonly running: Map<string, () => void>
  readonly started: string[]
  readonly bugs: unknown[]
  ring(): Promise<void>
  stop(): Promise<void>
}

/** Pumps that run until the test ends them. */
const running = (store: ReturnType<typeof open>, isPumped: (to: Destination) => boolean = () => true): Bench => {
  const bell = createBell()
  const life = new AbortController()
  const b: Bench = {
    running: new Map(),
    started: [],
    bugs: [],
    ring: () => {
      bell.ring('pumps')
      return settle(3)
    },
    stop: () => {
      life.abort()
      return ended
    },
  }
  const hold =
    (kind: string) =>
    (to: Destination | Pubkey, signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => {
        const name = `${kind} ${to}`
        b.started.push(name)
        const end = (): void => {
          b.running.delete(name)
          resolve()
        }
        b.running.set(name, end)
        signal.addEventListener('abort', end, { once: true })
      })
  const ended = runPumps(
    {
      store,
      bell,
      log: keptLog(),
      pump: hold('pump'),
      receipts: hold('receipts'),
      isPumped,
      onBug: (error) => b.bugs.push(error),
    },
    life.signal,
  )
  onTestFinished(() => b.stop())
  return b
}

describe('the pumps', () => {
  it('run one for each destination and one for each peer that is owed receipts', async () => {
    const store = open()
    await owing(store, BOB, 3)
    await owing(store, ALICE, 1)
    await put(store, {
      receipts: [
        {
          to: ALICE,
          event: event('x'),
          status: 'accepted',
          stage: 'done',
          at: START,
          dueAt: START,
          confidential: true,
        },
      ],
    })
    const b = running(store)
    await b.ring()
    expect([...b.running.keys()].sort()).toEqual([`pump ${BOB}`, `pump ${ALICE}`, `receipts ${ALICE}`].sort())
    await b.ring()
    expect(b.started).toHaveLength(3)
  })

  it('start one again for what is owed after it has ended', async () => {
    const store = open()
    await owing(store, BOB, 1)
    const b = running(store)
    await b.ring()
    // It ends although something is owed: that may have come between its last look and its end.
    b.running.get(`pump ${BOB}`)?.()
    await settle(3)
    expect(b.started).toEqual([`pump ${BOB}`, `pump ${BOB}`])
  })

  it('leave alone what waits for something else than time', async () => {
    const store = open()
    await owing(store, 'kor:room.kor', 1)
    const b = running(store, (to) => !to.startsWith('kor:'))
    await b.ring()
    expect(b.started).toEqual([])
  })

  it('end when all of them have ended', async () => {
    const store = open()
    await owing(store, BOB, 1)
    const b = running(store)
    await b.ring()
    await b.stop()
    expect(b.running.size).toBe(0)
  })

  it('tell a bug in one of them', async () => {
    const store = open()
    await owing(store, BOB, 1)
    const bugs: unknown[] = []
    const life = new AbortController()
    const ended = runPumps(
      {
        store,
        bell: createBell(),
        log: keptLog(),
        pump: () => Promise.reject(new TypeError('a bug')),
        receipts: () => Promise.resolve(),
        isPumped: () => true,
        onBug: (error) => {
          bugs.push(error)
          life.abort()
        },
      },
      life.signal,
    )
    await ended
    expect(bugs[0]).toBeInstanceOf(TypeError)
  })
})

import { describe, expect, it } from 'vitest'
import type { DeliveryState, MessageId } from '../../../src/core/types.js'
import { createWatch, type States } from '../../../src/pipeline/watch.js'
import { BOB, hex } from '../store/build.js'

const [A, B] = [hex<MessageId>('a'), hex<MessageId>('b')]
const never = new AbortController().signal
const isDone = (states: States): boolean => states.every((s) => s.state === 'done')

const watched = (): {
  states: Map<MessageId, DeliveryState>
  looks: () => number
  watch: ReturnType<typeof createWatch>
  move: (m: MessageId, s: DeliveryState) => void
} => {
  const states = new Map<MessageId, DeliveryState>()
  let looks = 0
  const watch = createWatch((m) => {
    looks++
    const state = states.get(m)
    return state === undefined ? [] : [{ to: BOB, state }]
  })
  return {
    states,
    looks: () => looks,
    watch,
    move: (m, s) => {
      states.set(m, s)
      watch.moved(m)
    },
  }
}

describe('a watch', () => {
  it('ends when all messages have come to the stage', async () => {
    const w = watched()
    w.states.set(A, 'queued').set(B, 'done')
    const wait = w.watch.until([A, B], isDone, 60_000, never)
    w.move(A, 'relay-ok')
    w.move(A, 'done')
    expect(await wait).toEqual(
      new Map([
        [B, [{ to: BOB, state: 'done' }]],
        [A, [{ to: BOB, state: 'done' }]],
      ]),
    )
  })

  it('ends at once where nothing is to be waited for', async () => {
    const w = watched()
    w.states.set(A, 'done')
    expect((await w.watch.until([A], isDone, 60_000, never)).size).toBe(1)
    expect((await w.watch.until([], isDone, 60_000, never)).size).toBe(0)
  })

  it('tells how it stands when its time is over', async () => {
    const w = watched()
    w.states.set(A, 'relay-ok')
    expect(await w.watch.until([A], isDone, 1, never)).toEqual(new Map([[A, [{ to: BOB, state: 'relay-ok' }]]]))
  })

  it('keeps nothing of a client that has gone', async () => {
    const w = watched()
    w.states.set(A, 'queued')
    const gone = new AbortController()
    const wait = w.watch.until([A], isDone, 60_000, gone.signal)
    gone.abort()
    await wait
    const looks = w.looks()
    w.move(A, 'done')
    expect(w.looks()).toBe(looks)
    expect((await w.watch.until([A], (s) => s.length > 5, 60_000, AbortSignal.abort())).size).toBe(1)
  })

  it('serves several who watch the same message, each to its own stage', async () => {
    const w = watched()
    w.states.set(A, 'queued')
    const stored = w.watch.until([A], (s) => s[0]?.state === 'peer-stored', 60_000, never)
    const done = w.watch.until([A], isDone, 60_000, never)
    w.move(A, 'peer-stored')
    expect((await stored).get(A)).toEqual([{ to: BOB, state: 'peer-stored' }])
    w.move(A, 'done')
    expect((await done).get(A)).toEqual([{ to: BOB, state: 'done' }])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBell } from '../../../src/pipeline/bell.js'
import { settle } from './build.js'

const never = new AbortController().signal

describe('a bell', () => {
  it('wakes all who wait for its name, and nobody else', async () => {
    const bell = createBell()
    const woken: string[] = []
    const life = new AbortController()
    const waits = ['a', 'a', 'b'].map((name) => bell.wait(name, undefined, life.signal).then(() => woken.push(name)))
    bell.ring('a')
    await settle(2)
    expect(woken).toEqual(['a', 'a'])
    life.abort()
    await Promise.all(waits)
  })

  it('remembers once a ring that nobody waited for', async () => {
    const bell = createBell()
    bell.ring('a')
    bell.ring('a')
    await bell.wait('a', undefined, never)
    let again = false
    const life = new AbortController()
    const second = bell.wait('a', undefined, life.signal).then(() => (again = true))
    await settle(2)
    expect(again).toBe(false)
    life.abort()
    await second
  })

  it('ends a wait after its time, at once for what lies in the past, and when its signal aborts', async () => {
    const bell = createBell()
    await bell.wait('a', 1, never)
    await bell.wait('a', -5, never)
    await bell.wait('a', undefined, AbortSignal.abort())
    const life = new AbortController()
    const wait = bell.wait('a', undefined, life.signal)
    life.abort()
    await wait
  })

  it('keeps a ring for the next one where the wait before it was over already', async () => {
    const bell = createBell()
    await bell.wait('a', 0, never)
    bell.ring('a')
    await bell.wait('a', undefined, never)
  })

  it('loses no ring: whoever looks, waits and looks again sees all that was rung for', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ pause: fc.nat(3), count: fc.nat(3) }), { maxLength: 30 }),
        fc.array(fc.nat(3), { maxLength: 30 }),
        async (rings, works) => {
          // The store is a number here: what was put in is taken out by the one who waits, after a look that takes a while.
          const bell = createBell()
          const life = new AbortController()
          let held = 0
          let taken = 0
          let put = 0
          const taker = (async () => {
            for (let i = 0; !life.signal.aborted; i++) {
              taken += held
              held = 0
              await settle(works[i] ?? 0)
              await bell.wait('a', undefined, life.signal)
            }
          })()
          for (const { pause, count } of rings) {
            await settle(pause)
            for (let i = 0; i < count; i++) {
              held++
              put++
              bell.ring('a')
            }
          }
          await settle(10)
          expect(taken).toBe(put)
          life.abort()
          await taker
        },
      ),
      { numRuns: 60 },
    )
  })
})

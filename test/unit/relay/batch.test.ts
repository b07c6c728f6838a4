import { describe, expect, it } from 'vitest'
import { inBatches } from '../../../relay/ingest/batch.js'

describe('batches', () => {
  it('hold what came in one turn, in its order, and no more than allowed', async () => {
    const sizes: number[] = []
    const double = inBatches(3, (items: readonly number[]) => {
      sizes.push(items.length)
      return items.map((n) => 2 * n)
    })

    const answers = await Promise.all([1, 2, 3, 4, 5].map(double))

    expect(answers).toEqual([2, 4, 6, 8, 10])
    expect(sizes).toEqual([3, 2])
  })

  it('gather the next one while one runs', async () => {
    const sizes: number[] = []
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let began: () => void = () => undefined
    const beginning = new Promise<void>((resolve) => {
      began = resolve
    })
    const run = inBatches(10, async (items: readonly number[]) => {
      sizes.push(items.length)
      began()
      await held
      return [...items]
    })

    const first = run(1)
    await beginning
    const others = [run(2), run(3)]
    release()
    await Promise.all([first, ...others])

    expect(sizes).toEqual([1, 2])
  })

  it('that fail reject each of their items, and the next one runs', async () => {
    let fail = true
    const run = inBatches(10, (items: readonly number[]) => {
      if (!fail) return [...items]
      fail = false
      throw new Error('disk')
    })

    const failed = await Promise.allSettled([run(1), run(2)])

    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await run(3)).toBe(3)
  })
})

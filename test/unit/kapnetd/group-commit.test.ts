import { describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../../src/kapnetd/group-commit.js'

describe('a group commit', () => {
  it('writes what is asked for in one turn at once, and answers each with its own', async () => {
    const groups: number[][] = []
    const commits = createGroupCommit((items: readonly number[]) => {
      groups.push([...items])
      return items.map((n) => n * 10)
    })
    expect(await Promise.all([commits.add(1), commits.add(2), commits.add(3)])).toEqual([10, 20, 30])
    expect(await commits.add(4)).toBe(40)
    expect(groups).toEqual([[1, 2, 3], [4]])
  })

  it('cuts a very large group, so that its first member does not wait for its last', async () => {
    const sizes: number[] = []
    const commits = createGroupCommit((items: readonly number[]) => {
      sizes.push(items.length)
      return items
    })
    await Promise.all(Array.from({ length: 2_500 }, (_, i) => commits.add(i)))
    expect(sizes).toEqual([1_000, 1_000, 500])
  })

  it('tells everyone in a group that it failed, and goes on with the next', async () => {
    let broken = true
    const commits = createGroupCommit((items: readonly number[]) => {
      if (broken) throw new Error('the disk is full')
      return items
    })
    const results = await Promise.allSettled([commits.add(1), commits.add(2)])
    expect(results.map((r) => r.status)).toEqual(['rejected', 'rejected'])
    broken = false
    expect(await commits.add(3)).toBe(3)
  })

  it('writes at once when it is told to', async () => {
    const written: number[] = []
    const commits = createGroupCommit((items: readonly number[]) => {
      written.push(...items)
      return items
    })
    const added = commits.add(1)
    commits.flush()
    expect(written).toEqual([1])
    await added
    expect(written).toEqual([1])
  })
})

import { describe, expect, it } from 'vitest'
import type { MessageId } from '../../../src/core/types.js'
import { ALICE, BOB, findings, hex, open, put, strand, WITH_ALICE } from './build.js'

/** Parents that are named by a strand and are nowhere. */
const ghosts = (name: string, count: number): MessageId[] =>
  Array.from({ length: count }, (_, i) => hex<MessageId>(`${name} ${i}`))

describe('parents', () => {
  it('are shown in the order of the body, here or not', async () => {
    const store = open()
    const a = strand('a')
    const ghost = hex<MessageId>('ghost')
    const b = strand('b', { parents: [ghost, a.id] })

    await put(store, { strand: a })
    await put(store, { strand: b })

    expect(store.show(b.id)?.parents).toEqual([
      { id: ghost, here: false },
      { id: a.id, here: true },
    ])
    expect(store.show(a.id)?.children).toEqual([b.id])
    expect(store.missing([a.id, ghost, b.id])).toEqual([ghost])
  })

  it('never hold a child up, and find it when they come', async () => {
    const store = open()
    const a = strand('a')
    const b = strand('b', { parents: [a.id] })
    await put(store, { strand: b })
    const before = { tips: store.view.tips(WITH_ALICE, 8), missing: store.missingParents(10) }

    await put(store, { strand: a })

    expect(before.tips).toEqual([b.id])
    expect(before.missing).toMatchObject([{ id: a.id, author: ALICE, child: b.id }])
    expect(store.view.tips(WITH_ALICE, 8)).toEqual([b.id])
    expect(store.missingParents(10)).toEqual([])
    expect(store.show(b.id)?.parents).toEqual([{ id: a.id, here: true }])
  })

  it('are taken once where a body names them twice, and never oneself', async () => {
    const store = open()
    const ghost = hex<MessageId>('ghost')
    const a = strand('a', { parents: [ghost, ghost] })

    await put(store, { strand: { ...a, parents: [...a.parents, a.id] } })

    expect(store.show(a.id)?.parents).toEqual([{ id: ghost, here: false }])
    expect(store.view.tips(WITH_ALICE, 8)).toEqual([a.id])
  })

  it('are asked for at most 1,000 at a time per author, the next ones as others come', async () => {
    const store = open()
    const real = strand('real', { author: BOB })
    const names = ghosts('alice', 1_019)
    const crowd = Array.from({ length: 17 }, (_, i) =>
      strand(`crowd ${i}`, { parents: [...names.slice(i * 60, i * 60 + 60), ...(i === 0 ? [real.id] : [])] }),
    )
    await Promise.all(crowd.map((s) => put(store, { strand: s })))
    await put(store, { strand: strand('other', { author: BOB, parents: ghosts('bob', 3) }) })
    const countOf = (author: string): number => store.missingParents(5_000).filter((m) => m.author === author).length
    const before = [countOf(ALICE), countOf(BOB)]

    await put(store, { strand: real })

    expect(before).toEqual([1_000, 3])
    expect([countOf(ALICE), countOf(BOB)]).toEqual([1_000, 3])
    expect(store.show(crowd[0]!.id)?.parents.at(-1)).toEqual({ id: real.id, here: true })
    expect(findings(store)).toEqual([])
  })

  it('beyond that bound are still found when they come', async () => {
    const store = open()
    const late = strand('late')
    const crowd = Array.from({ length: 17 }, (_, i) => strand(`crowd ${i}`, { parents: ghosts(`crowd ${i}`, 60) }))
    await Promise.all(crowd.map((s) => put(store, { strand: s })))
    const child = strand('child', { parents: [late.id] })
    await put(store, { strand: child })
    const asked = store.missingParents(5_000).some((m) => m.id === late.id)

    await put(store, { strand: late })

    expect(asked).toBe(false)
    expect(store.show(child.id)?.parents).toEqual([{ id: late.id, here: true }])
    expect(store.view.tips(WITH_ALICE, 100)).not.toContain(late.id)
  })
})

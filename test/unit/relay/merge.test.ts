import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareOrder, merge } from '../../../relay/store/merge.js'
import type { Ordered } from '../../../relay/store/merge.js'

const item = fc.record({ age: fc.integer({ min: -5, max: 5 }), id: fc.nat(9).map((n) => Uint8Array.of(n)) })

function* withPauses(items: readonly Ordered[], pause: number): Generator<Ordered | undefined, void> {
  for (const [i, next] of items.entries()) {
    if (i % pause === 0) yield undefined
    yield next
  }
}

describe('a merge of ordered sources', () => {
  it('gives everything once, in order, however many sources there are and wherever they pause', () => {
    fc.assert(
      fc.property(fc.array(fc.array(item), { maxLength: 20 }), fc.integer({ min: 1, max: 4 }), (lists, pause) => {
        const sources = lists.map((list) => withPauses([...list].sort(compareOrder), pause))

        const merged = [...merge(sources)].filter((step) => step !== undefined)

        const name = ({ age, id }: Ordered): string => `${age}:${id[0]}`
        const expected = [...new Map(lists.flat().map((x) => [name(x), x])).values()].sort(compareOrder)
        expect(merged.map(name)).toEqual(expected.map(name))
      }),
    )
  })

  it('passes on the pauses of its sources, so that nobody waits for a long search', () => {
    function* searching(): Generator<undefined, void> {
      for (let i = 0; i < 100; i++) yield undefined
    }

    expect([...merge<Ordered>([searching(), searching()])]).toHaveLength(200)
  })
})

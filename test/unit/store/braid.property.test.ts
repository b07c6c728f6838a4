import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NewStrand, Scope } from '../../../src/core/decision.js'
import { addToLanes, emptyLanes, rootOfLanes } from '../../../src/core/roothash.js'
import type { MessageId } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import type { Store } from '../../../src/ports.js'
import { ALICE, BOB, findings, hex, open, owe, put, strand, WITH_ALICE, WITH_BOB } from './build.js'

/** The same strands in any order and any grouping must give the same braid: compared with a model that knows only sets. */

const SCOPES: readonly Scope[] = ['gossip', WITH_ALICE, WITH_BOB]
const AUTHORS = [ALICE, BOB]

interface Shape {
  readonly parents: readonly number[]
  readonly ghost: number | undefined
  readonly scopes: readonly Scope[]
  readonly createdAt: number
  readonly author: number
}

const shapes = fc.array(
  fc.record({
    parents: fc.uniqueArray(fc.nat(30), { maxLength: 4 }),
    ghost: fc.option(fc.nat(3), { nil: undefined, freq: 8 }),
    scopes: fc.subarray([...SCOPES]),
    createdAt: fc.integer({ min: 1, max: 4 }),
    author: fc.nat(1),
  }),
  { minLength: 1, maxLength: 24 },
)

/** Each names only earlier ones, as hashes force it to be, and sometimes one that will never come. */
const grow = (all: readonly Shape[]): NewStrand[] => {
  const grown: NewStrand[] = []
  all.forEach((shape, index) => {
    const parents = shape.parents.flatMap((at) => grown[at % (index + 1)]?.id ?? [])
    const ghost = shape.ghost === undefined ? [] : [hex<MessageId>(`ghost ${shape.ghost}`)]
    grown.push(
      strand(`${index}`, {
        author: AUTHORS[shape.author]!,
        parents: [...new Set([...parents, ...ghost])],
        scopes: shape.scopes,
        createdAt: shape.createdAt,
      }),
    )
  })
  return grown
}

const model = (strands: readonly NewStrand[], scope: Scope) => {
  const members = strands.filter((s) => s.scopes.includes(scope))
  const lanes = emptyLanes()
  for (const { id } of members) addToLanes(lanes, id, nodeHashes)
  const named = new Set(members.flatMap((s) => s.parents))
  return {
    root: { root: rootOfLanes(lanes, nodeHashes), count: members.length },
    tips: members.map((s) => s.id).filter((id) => !named.has(id)),
    order: naiveOrder(members),
  }
}

const naiveOrder = (members: readonly NewStrand[]): MessageId[] => {
  const order: MessageId[] = []
  let left = [...members].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
  while (left.length > 0) {
    const waiting = new Set(left.map((s) => s.id))
    const next = left.find((s) => !s.parents.some((parent) => waiting.has(parent)))!
    order.push(next.id)
    left = left.filter((s) => s !== next)
  }
  return order
}

const scenario = shapes.chain((all) =>
  fc.record({
    strands: fc.constant(grow(all)),
    order: fc.shuffledSubarray([...all.keys()], { minLength: all.length }),
    /** Whether a strand comes first without some of its scopes, and again with all of them. */
    again: fc.array(fc.subarray([...SCOPES]), { minLength: all.length, maxLength: all.length }),
    /** Before which arrivals the same strand comes in a decision that fails: it must leave no trace. */
    failsFirst: fc.array(fc.boolean(), { minLength: 2 * all.length, maxLength: 2 * all.length }),
    groups: fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 10 }),
  }),
)

/** The strand is written, then a delivery of a message that is not here takes it all back. */
const fail = async (store: Store, s: NewStrand): Promise<void> => {
  await expect(put(store, { strand: s, owes: [owe(hex('nowhere'), 'gossip')] })).rejects.toThrow(/not here/)
}

describe('the braid', () => {
  it('is the same whatever order its strands came in', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ strands, order, again, failsFirst, groups }) => {
        const store = open()
        const arrivals = [
          ...order.map((at) => {
            const whole = strands[at]!
            return { ...whole, scopes: whole.scopes.filter((scope) => again[at]!.includes(scope)) }
          }),
          ...order.map((at) => strands[at]!),
        ]
        for (let from = 0, group = 0; from < arrivals.length; group++) {
          const size = groups[group % groups.length]!
          await Promise.all(
            arrivals
              .slice(from, from + size)
              .flatMap((s, at) => [
                ...(failsFirst[from + at] === true ? [fail(store, { ...s, scopes: SCOPES })] : []),
                put(store, { strand: s }),
              ]),
          )
          from += size
        }

        for (const scope of SCOPES) {
          const expected = model(strands, scope)
          expect(store.root(scope)).toEqual(expected.root)
          expect([...store.view.tips(scope, 100)].sort()).toEqual([...expected.tips].sort())
          expect([...store.linearOrder(scope)]).toEqual(expected.order)
          expect([...store.ids({ scope, limit: 100 })].sort()).toEqual([...expected.order].sort())
        }
        const here = new Set(strands.map((s) => s.id))
        const missing = new Set(strands.flatMap((s) => s.parents).filter((id) => !here.has(id)))
        expect(
          store
            .missingParents(100)
            .map((m) => m.id)
            .sort(),
        ).toEqual([...missing].sort())
        expect(findings(store)).toEqual([])
        await store.close()
      }),
      { numRuns: 60 },
    )
  })
})

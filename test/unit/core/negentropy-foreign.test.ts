import { Negentropy as NdkNegentropy, NegentropyStorage } from '@nostr-dev-kit/sync'
import fc from 'fast-check'
import { nip77 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { answerNegentropy, openNegentropy, readNegentropy } from '../../../src/core/negentropy.js'
import { syncSet, type SyncItem } from '../../../src/core/negentropy-set.js'
import { bytesOf, hexOf } from '../../../src/core/hex.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

/**
 * Our negentropy against that of others, both as the side that asks and as the one that answers. That of rust-nostr, which
 * only asks, is compared over a socket (test/e2e/interop-negentropy-core.test.ts).
 */
const hashes = nodeHashes
const MAX_ROUNDS = 2_000

interface Difference {
  readonly have: string[]
  readonly need: string[]
}
type Message = Uint8Array | undefined

/** The side that asks: its first message, and what it makes of an answer. */
interface Asking {
  first(): Promise<Uint8Array> | Uint8Array
  read(answer: Uint8Array): Promise<Difference & { next: Message }>
}
type Answering = (message: Uint8Array) => Promise<Uint8Array>

const ours = {
  asking: (items: readonly SyncItem[], maxFrameBytes?: number): Asking => {
    const set = syncSet(items)
    const o = { hashes, ...(maxFrameBytes === undefined ? {} : { maxFrameBytes }) }
    return {
      first: () => openNegentropy(set, o),
      read: (answer) => {
        const read = readNegentropy(set, answer, o)
        if (!read.ok) throw new Error(read.refusal.message)
        const { have, need, next } = read.value
        return Promise.resolve({ have: [...have], need: [...need], next })
      },
    }
  },
  answering: (items: readonly SyncItem[], maxFrameBytes?: number): Answering => {
    const set = syncSet(items)
    return (message) => {
      const o = { hashes, ...(maxFrameBytes === undefined ? {} : { maxFrameBytes }) }
      const answer = answerNegentropy(set, message, o)
      if (!answer.ok) throw new Error(answer.refusal.message)
      if (maxFrameBytes !== undefined) expect(answer.value.length).toBeLessThanOrEqual(maxFrameBytes)
      return Promise.resolve(answer.value)
    }
  },
}

const ndkStorage = (items: readonly SyncItem[]): NegentropyStorage => {
  const storage = new NegentropyStorage()
  for (const { time, id } of items) storage.insert(time, id)
  storage.seal()
  return storage
}
const ndk = {
  asking: (items: readonly SyncItem[]): Asking => {
    const protocol = new NdkNegentropy(ndkStorage(items))
    return {
      first: () => protocol.initiate(),
      read: async (answer) => {
        const { have, need, nextMessage } = await protocol.reconcile(answer)
        return { have: have.map(hexOf), need: need.map(hexOf), next: nextMessage }
      },
    }
  },
  answering: (items: readonly SyncItem[]): Answering => {
    const storage = ndkStorage(items)
    return async (message) => {
      const { nextMessage } = await new NdkNegentropy(storage).reconcile(message)
      return nextMessage ?? expect.fail('no answer')
    }
  },
}

const nostrTools = {
  asking: (items: readonly SyncItem[]): Asking => {
    const storage = new nip77.NegentropyStorageVector()
    for (const { time, id } of items) storage.insert(time, hexOf(id))
    storage.seal()
    const protocol = new nip77.Negentropy(storage)
    return {
      first: () => bytesOf(protocol.initiate())!,
      read: (answer) => {
        const [have, need]: [string[], string[]] = [[], []]
        const next = protocol.reconcile(
          hexOf(answer),
          (id) => have.push(id),
          (id) => need.push(id),
        )
        return Promise.resolve({ have, need, next: next === null ? undefined : bytesOf(next) })
      },
    }
  },
}

const reconcile = async (asking: Asking, answering: Answering): Promise<Difference & { rounds: number }> => {
  const [have, need] = [new Set<string>(), new Set<string>()]
  let rounds = 0
  for (let message: Message = await asking.first(); message !== undefined; rounds++) {
    if (rounds > MAX_ROUNDS) throw new Error('it does not converge')
    const read = await asking.read(await answering(message))
    for (const id of read.have) have.add(id)
    for (const id of read.need) need.add(id)
    message = read.next
  }
  return { have: [...have].sort(), need: [...need].sort(), rounds }
}

const item = (n: number, perSec: number): SyncItem => ({
  time: 1_700_000_000 + Math.floor(n / perSec),
  id: nodeHashes.sha256(`item ${n}`),
})
const hexes = (items: readonly SyncItem[]): string[] => items.map(({ id }) => hexOf(id)).sort()
const expected = (mine: readonly SyncItem[], theirs: readonly SyncItem[]): Difference => {
  const [a, b] = [new Set(hexes(mine)), new Set(hexes(theirs))]
  return { have: [...a].filter((id) => !b.has(id)).sort(), need: [...b].filter((id) => !a.has(id)).sort() }
}

/** Two sets that hold much the same, as a chance of each item to be missing on a side, and how many share a second. */
const twoSets = fc
  .record({
    size: fc.oneof(fc.nat(70), fc.nat(1_500)),
    perSec: fc.constantFrom(1, 3, 40, 10_000),
    lacks: fc.tuple(fc.constantFrom(0, 0.01, 0.3, 1), fc.constantFrom(0, 0.01, 0.3, 1)),
    salt: fc.nat(1_000_000),
  })
  .map(({ size, perSec, lacks, salt }) => {
    const all = Array.from({ length: size }, (_, n) => item(n + salt, perSec))
    const chance = (n: number, side: number): number =>
      new DataView(nodeHashes.sha256(`${salt} ${n} ${side}`).slice(0, 4).buffer).getUint32(0) / 2 ** 32
    const held = (side: 0 | 1): SyncItem[] => all.filter((_, n) => chance(n, side) >= lacks[side])
    return { mine: held(0), theirs: held(1) }
  })
const frames = fc.constantFrom(undefined, 4_096, 10_000)

const PAIRS: [
  string,
  (mine: SyncItem[], frame?: number) => Asking,
  (theirs: SyncItem[], frame?: number) => Answering,
][] = [
  ['nostr-tools asks, we answer', nostrTools.asking, ours.answering],
  ['NDK’s sync asks, we answer', ndk.asking, ours.answering],
  ['we ask, NDK’s sync answers', ours.asking, ndk.answering],
  ['NDK’s sync on both sides, as a check of this test', ndk.asking, ndk.answering],
]

describe.each(PAIRS)('negentropy: %s', (_, asking, answering) => {
  it('finds the difference of any two sets, whatever our limit on a message', async () => {
    await fc.assert(
      fc.asyncProperty(twoSets, frames, async ({ mine, theirs }, frame) => {
        const { have, need } = await reconcile(asking(mine, frame), answering(theirs, frame))

        expect({ have, need }).toEqual(expected(mine, theirs))
      }),
      { numRuns: 40 },
    )
  })

  it.each([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
    [0, 20_000],
    [20_000, 0],
    [19_990, 20_000],
  ])('finds it where one has %i and the other %i items', async (own, other) => {
    const all = Array.from({ length: Math.max(own, other) }, (_, n) => item(n, 9))
    const [mine, theirs] = [all.slice(all.length - own), all.slice(0, other)]

    const { have, need } = await reconcile(asking(mine), answering(theirs))

    expect({ have, need }).toEqual(expected(mine, theirs))
  })
})

it('negentropy: 20,000 ids in messages of at most 8,192 bytes take several rounds', async () => {
  const theirs = Array.from({ length: 20_000 }, (_, n) => item(n, 9))

  const { need, rounds } = await reconcile(ndk.asking([]), ours.answering(theirs, 8_192))

  expect(need).toEqual(hexes(theirs))
  expect(rounds).toBeGreaterThan(50)
})

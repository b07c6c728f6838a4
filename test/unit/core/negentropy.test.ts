import fc from 'fast-check'
import { nip77 } from 'nostr-tools'
import { describe, expect, it } from 'vitest'
import { answerNegentropy, openNegentropy, readNegentropy } from '../../../src/core/negentropy.js'
import { syncSet, type SyncItem, type SyncSet } from '../../../src/core/negentropy-set.js'
import { bytesOf, hexOf } from '../../../src/core/hex.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

const hashes = nodeHashes
const { Negentropy, NegentropyStorageVector } = nip77
const item = (n: number, time = 1_700_000_000 + n): SyncItem => ({ time, id: nodeHashes.sha256(`item ${n}`) })
const some = (...numbers: number[]): SyncItem[] => numbers.map((n) => item(n))
const range = (from: number, to: number): SyncItem[] => Array.from({ length: to - from }, (_, i) => item(from + i))
const hexes = (items: readonly SyncItem[]): string[] => items.map(({ id }) => hexOf(id)).sort()
const without = (a: readonly SyncItem[], b: readonly SyncItem[]): string[] => {
  const other = new Set(hexes(b))
  return hexes(a).filter((id) => !other.has(id))
}

/** Both sides ours. */
const sync = (
  mine: SyncItem[],
  theirs: SyncItem[],
  maxFrameBytes?: number,
): { have: string[]; need: string[]; rounds: number; longest: number } => {
  const o = maxFrameBytes === undefined ? { hashes } : { hashes, maxFrameBytes }
  const [client, server] = [syncSet(mine), syncSet(theirs)]
  const [have, need] = [new Set<string>(), new Set<string>()]
  let [rounds, longest] = [0, 0]
  for (let message: Uint8Array | undefined = openNegentropy(client, o); message !== undefined; rounds++) {
    if (rounds > 1_000) throw new Error('it does not converge')
    const answer = answerNegentropy(server, message, o)
    if (!answer.ok) throw new Error(answer.refusal.message)
    longest = Math.max(longest, answer.value.length)
    const read = readNegentropy(client, answer.value, o)
    if (!read.ok) throw new Error(read.refusal.message)
    for (const id of read.value.have) have.add(id)
    for (const id of read.value.need) need.add(id)
    message = read.value.next
  }
  return { have: [...have].sort(), need: [...need].sort(), rounds, longest }
}

/** The other implementation as the one that asks, ours answers. */
const syncFromOther = (mine: SyncItem[], theirs: SyncItem[], frame?: number): { have: string[]; need: string[] } => {
  const storage = new NegentropyStorageVector()
  for (const { time, id } of mine) storage.insert(time, hexOf(id))
  storage.seal()
  const client = new Negentropy(storage, frame)
  const server = syncSet(theirs)
  const [have, need] = [new Set<string>(), new Set<string>()]
  let message: string | null = client.initiate()
  while (message !== null) {
    const answer = answerNegentropy(server, bytesOf(message)!, {
      hashes,
      ...(frame === undefined ? {} : { maxFrameBytes: frame }),
    })
    if (!answer.ok) throw new Error(answer.refusal.message)
    message = client.reconcile(
      hexOf(answer.value),
      (id) => have.add(id),
      (id) => need.add(id),
    )
  }
  return { have: [...have].sort(), need: [...need].sort() }
}

const itemsArbitrary = fc.uniqueArray(fc.nat(600), { maxLength: 400 })
const timeArbitrary = fc.constantFrom(1, 7, 100_000)

describe('negentropy', () => {
  it('finds nothing between equal sets, in one round', () => {
    expect(sync(range(0, 500), range(0, 500))).toMatchObject({ have: [], need: [], rounds: 1 })
    expect(sync([], [])).toMatchObject({ have: [], need: [] })
  })

  it('finds what each side lacks', () => {
    const [mine, theirs] = [range(0, 900), [...range(0, 400), ...range(410, 1_000)]]

    const { have, need } = sync(mine, theirs)

    expect(have).toEqual(hexes(range(400, 410)))
    expect(need).toEqual(hexes(range(900, 1_000)))
  })

  it('finds all where one side has nothing', () => {
    expect(sync([], range(0, 700)).need).toEqual(hexes(range(0, 700)))
    expect(sync(range(0, 700), []).have).toEqual(hexes(range(0, 700)))
  })

  it('tells items of one second apart by their ids', () => {
    const at = (n: number): SyncItem => item(n, 1_700_000_000)
    const all = Array.from({ length: 400 }, (_, n) => at(n))

    expect(sync(all.slice(0, 399), all.slice(1))).toMatchObject({ have: hexes([at(0)]), need: hexes([at(399)]) })
  })

  it('keeps to the limit on a message and finds all the same', () => {
    const { need, longest, rounds } = sync([], range(0, 2_000), 4_096)

    expect(need).toEqual(hexes(range(0, 2_000)))
    expect(longest).toBeLessThanOrEqual(4_096)
    expect(rounds).toBeGreaterThan(10)
  })

  it('finds the difference between any two sets, whatever the limit', () => {
    fc.assert(
      fc.property(
        itemsArbitrary,
        itemsArbitrary,
        timeArbitrary,
        fc.constantFrom(undefined, 4_096, 8_192),
        (a, b, m, frame) => {
          const timed = (n: number): SyncItem => item(n, 1_700_000_000 + (n % m))
          const [mine, theirs] = [a.map(timed), b.map(timed)]

          const { have, need } = sync(mine, theirs, frame)

          expect(have).toEqual(without(mine, theirs))
          expect(need).toEqual(without(theirs, mine))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('answers another implementation so that it finds the difference', () => {
    fc.assert(
      fc.property(
        itemsArbitrary,
        itemsArbitrary,
        timeArbitrary,
        fc.constantFrom(undefined, 4_096),
        (a, b, m, frame) => {
          const timed = (n: number): SyncItem => item(n, 1_700_000_000 + (n % m))
          const [mine, theirs] = [a.map(timed), b.map(timed)]

          expect(syncFromOther(mine, theirs, frame)).toEqual({
            have: without(mine, theirs),
            need: without(theirs, mine),
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  it('writes the same first message as another implementation', () => {
    const storage = new NegentropyStorageVector()
    for (const { time, id } of range(0, 333)) storage.insert(time, hexOf(id))
    storage.seal()

    expect(hexOf(openNegentropy(syncSet(range(0, 333)), { hashes }))).toBe(new Negentropy(storage).initiate())
  })

  it('answers another version with its own', () => {
    expect(answerNegentropy(syncSet([]), Uint8Array.of(0x62, 1, 2), { hashes })).toEqual({
      ok: true,
      value: Uint8Array.of(0x61),
    })
  })

  it.each([
    ['nothing', ''],
    ['no version', '00'],
    ['a cut bound', '6181'],
    ['a cut fingerprint', '610000010203'],
    ['an unknown mode', '61000003'],
    ['more ids than there are', '6100000205'],
    ['ids without end', '610000028fffffffffffffff7f'],
    ['a number without end', '61ffffffffffffffffffffffffff7f'],
    ['a prefix longer than an id', `610021${'00'.repeat(33)}00`],
  ])('refuses %s', (_, hex) => {
    expect(answerNegentropy(syncSet(some(1, 2)), bytesOf(hex)!, { hashes }).ok).toBe(false)
  })

  it('takes any bytes without an exception', () => {
    const set = syncSet(range(0, 100))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const answer = answerNegentropy(set, Uint8Array.of(0x61, ...bytes), { hashes, maxFrameBytes: 4_096 })

        expect(answer.ok ? answer.value.length : 0).toBeLessThanOrEqual(4_096)
      }),
    )
  })
})

describe('a set', () => {
  const id = (n: number): Uint8Array => nodeHashes.sha256(`item ${n}`)
  const contents = (set: SyncSet): string[] =>
    Array.from({ length: set.size }, (_, i) => `${set.time(i)} ${hexOf(set.id(i))}`)

  it('is the same in whatever order its items come, doubles or not', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ time: fc.nat(20), n: fc.nat(60) }), { maxLength: 700 }), (made) => {
        const items = made.map(({ time, n }) => ({ time, id: id(n) }))
        const inOrder = [...new Set(items.map((item) => `${String(item.time).padStart(2, '0')} ${hexOf(item.id)}`))]
          .toSorted()
          .map((text) => text.replace(/^0/, ''))
        const newestFirst = [...items].toSorted((a, b) => b.time - a.time || Buffer.compare(a.id, b.id))
        const once = newestFirst.filter(
          (item, i, all) => i === 0 || item.time !== all[i - 1]!.time || Buffer.compare(item.id, all[i - 1]!.id) !== 0,
        )

        for (const order of [items, newestFirst, once]) expect(contents(syncSet(order))).toEqual(inOrder)
      }),
    )
  })

  it('takes no id of another length', () => {
    expect(() => syncSet([{ time: 1, id: new Uint8Array(31) }])).toThrow(RangeError)
  })
})

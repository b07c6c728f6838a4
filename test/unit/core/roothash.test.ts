import { describe, expect, it } from 'vitest'
import { LANE_BYTES, addToLanes, emptyLanes, removeFromLanes, rootOfLanes } from '../../../src/core/roothash.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

const idOf = (n: number): string => nodeHashes.sha256Hex(`id ${n}`)

/** The same bytes at an odd offset, where no Uint16Array can start. */
const misaligned = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(new ArrayBuffer(bytes.length + 1), 1)
  copy.set(bytes)
  return copy
}

describe('the root of a scope', () => {
  it('is the same wherever the bytes of the lanes and of the hash happen to lie', () => {
    const oddHashes = { ...nodeHashes, shake256: (d: Uint8Array, n: number) => misaligned(nodeHashes.shake256(d, n)) }
    const aligned = emptyLanes()
    const odd = misaligned(emptyLanes())
    const oddHash = emptyLanes()

    for (let n = 0; n < 50; n++) {
      addToLanes(aligned, idOf(n), nodeHashes)
      addToLanes(odd, idOf(n), nodeHashes)
      addToLanes(oddHash, idOf(n), oddHashes)
    }
    removeFromLanes(aligned, idOf(3), nodeHashes)
    removeFromLanes(odd, idOf(3), nodeHashes)
    removeFromLanes(oddHash, idOf(3), oddHashes)

    expect([...odd]).toEqual([...aligned])
    expect([...oddHash]).toEqual([...aligned])
  })

  it('touches nothing beside the lanes in a shared buffer', () => {
    const buffer = new Uint8Array(LANE_BYTES + 8).fill(0xaa)
    const lanes = buffer.subarray(4, 4 + LANE_BYTES).fill(0)
    addToLanes(lanes, idOf(1), nodeHashes)
    expect([...buffer.subarray(0, 4), ...buffer.subarray(4 + LANE_BYTES)]).toEqual(Array(8).fill(0xaa))
  })

  it('takes an id as hex and as bytes', () => {
    const hex = emptyLanes()
    const bytes = emptyLanes()
    addToLanes(hex, idOf(1), nodeHashes)
    addToLanes(bytes, Buffer.from(idOf(1), 'hex'), nodeHashes)
    expect(rootOfLanes(bytes, nodeHashes)).toBe(rootOfLanes(hex, nodeHashes))
  })

  it('stops at what can only be a bug', () => {
    expect(() => addToLanes(emptyLanes(), 'ab', nodeHashes)).toThrow(RangeError)
    expect(() => addToLanes(emptyLanes(), 'A'.repeat(64), nodeHashes)).toThrow(RangeError)
    expect(() => addToLanes(emptyLanes(), new Uint8Array(31), nodeHashes)).toThrow(RangeError)
    expect(() => addToLanes(new Uint8Array(LANE_BYTES - 1), idOf(1), nodeHashes)).toThrow(RangeError)
    expect(() => rootOfLanes(new Uint8Array(0), nodeHashes)).toThrow(RangeError)
  })
})

import type { Hashes } from './hashes.js'
import { bytesOf } from './hex.js'
import type { Hex32 } from './types.js'

/**
 * The root of a scope of the braid: SHA-256 of LtHash16 over the ids in it (braid.md, Root).
 *
 * LtHash (Bellare and Micciancio 1997; Lewi, Kim, Maykov and Weis 2019) hashes a set: every member is stretched to 1,024
 * numbers of 16 bits, and the set's hash is their lane-wise sum mod 2^16. A sum has no order and can be kept up to date one
 * member at a time, in either direction. That nobody can choose members so that the sums of two different sets agree
 * is as hard as finding a short vector in a lattice of that size; with XOR, or with one sum of 256 bits, it is easy.
 *
 * It is a hash of a multiset: whoever adds an id twice has another root. The caller adds what is new, in the transaction in
 * which it is new.
 */

const LANES = 1_024
/** The state of one scope: 1,024 unsigned 16-bit lanes, little-endian on every machine. */
export const LANE_BYTES = 2 * LANES

const ID_BYTES = 32

/** The state of the empty scope. */
export const emptyLanes = (): Uint8Array => new Uint8Array(LANE_BYTES)

/** Adds an id in place. */
export const addToLanes = (lanes: Uint8Array, id: Hex32 | Uint8Array, hashes: Hashes): void =>
  change(lanes, id, hashes, 1)

/** Takes an id out in place: what was added and then removed leaves no trace. */
export const removeFromLanes = (lanes: Uint8Array, id: Hex32 | Uint8Array, hashes: Hashes): void =>
  change(lanes, id, hashes, -1)

export const rootOfLanes = (lanes: Uint8Array, hashes: Hashes): Hex32 => {
  checkLanes(lanes)
  return hashes.sha256Hex(lanes)
}

const change = (lanes: Uint8Array, id: Hex32 | Uint8Array, hashes: Hashes, sign: 1 | -1): void => {
  checkLanes(lanes)
  const bytes = typeof id === 'string' ? bytesOf(id) : id
  if (bytes?.length !== ID_BYTES) throw new RangeError('an id is 32 bytes')
  const stretched = hashes.shake256(bytes, LANE_BYTES)
  if (isLittleEndian && isAligned(lanes) && isAligned(stretched)) addWords(lanes, stretched, sign)
  else addBytes(lanes, stretched, sign)
}

/** A wrong state would give a wrong root for ever: better to stop. */
const checkLanes = (lanes: Uint8Array): void => {
  if (lanes.length !== LANE_BYTES) throw new RangeError(`lanes are ${LANE_BYTES} bytes`)
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** A Uint16Array can only start at an even byte; a slice of a pooled buffer may not. */
const isAligned = (bytes: Uint8Array): boolean => bytes.byteOffset % 2 === 0

const wordsOf = (bytes: Uint8Array): Uint16Array => new Uint16Array(bytes.buffer, bytes.byteOffset, LANES)

/** Storing into a Uint16Array is the reduction mod 2^16. */
const addWords = (lanes: Uint8Array, stretched: Uint8Array, sign: 1 | -1): void => {
  const sums = wordsOf(lanes)
  const words = wordsOf(stretched)
  for (let i = 0; i < LANES; i++) sums[i] = (sums[i] ?? 0) + sign * (words[i] ?? 0)
}

/** The same for any machine and any alignment. */
const addBytes = (lanes: Uint8Array, stretched: Uint8Array, sign: 1 | -1): void => {
  const sums = new DataView(lanes.buffer, lanes.byteOffset, LANE_BYTES)
  const words = new DataView(stretched.buffer, stretched.byteOffset, LANE_BYTES)
  for (let at = 0; at < LANE_BYTES; at += 2) {
    // setUint16 takes its argument mod 2^16.
    sums.setUint16(at, sums.getUint16(at, true) + sign * words.getUint16(at, true), true)
  }
}

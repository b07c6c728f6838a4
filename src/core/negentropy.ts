import type { Hashes } from './hashes.js'
import { bytesOf } from './hex.js'
import {
  boundAfter,
  compareIds,
  readBound,
  readVarint,
  reader,
  INFINITY,
  writeBound,
  writer,
} from './negentropy-bytes.js'
import type { Bound, Writer } from './negentropy-bytes.js'
import type { SyncSet } from './negentropy-set.js'
import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'

/**
 * Negentropy, protocol version 1 (NIP-77): how two sides that hold much the same events find the difference.
 *
 * Both hold their items in the order of (time, id). A message is a list of ranges that together cover everything; of each
 * range it says nothing ("skip": settled), or a fingerprint of the items in it, or their ids. Whoever receives a fingerprint
 * compares it with that of the own items in that range: equal means settled; else the range is split in sixteen, each with
 * its fingerprint, or its ids are told where there are few. The initiator learns of each id which side lacks it. What does
 * not fit into one message is left to the next: one fingerprint over all the rest asks for it.
 *
 * The fingerprint is the start of SHA-256 over the sum of the ids mod 2^256 and their number. Whoever can choose ids can
 * make two sets agree; what is then not found is not lost, only not found by this.
 */
export const NEGENTROPY_V1 = 0x61

const SKIP = 0
const FINGERPRINT = 1
const IDS = 2
const FINGERPRINT_BYTES = 16
const ID_BYTES = 32
const BUCKETS = 16
/** Fewer items than this are told by their ids. */
const FEW = 2 * BUCKETS

/** A message never holds less than one split range; the least that makes sense. */
export const MIN_FRAME_BYTES = 4_096
/** Room for what must follow when a message is full. */
const RESERVED_BYTES = 200

export interface NegentropyOptions {
  readonly hashes: Hashes
  /** Messages that we write are no longer than this. At least `MIN_FRAME_BYTES`; default: no limit. */
  readonly maxFrameBytes?: number
}

/** The first message, by whoever asks. */
export const openNegentropy = (set: SyncSet, { hashes }: NegentropyOptions): Uint8Array => {
  const out = writer()
  out.byte(NEGENTROPY_V1)
  writeSplit(out, set, 0, set.size, INFINITY, hashes)
  return out.bytes()
}

/** The answer of the side that was asked. `bad-schema` for what is no message of this protocol. */
export const answerNegentropy = (set: SyncSet, message: Uint8Array, o: NegentropyOptions): Result<Uint8Array> => {
  const stepped = step(set, message, o, undefined)
  return stepped.ok ? ok(stepped.value.output) : stepped
}

export interface Difference {
  /** Ids that we have and the other side has not, and the other way round: of what this message settled. Lowercase hex. */
  readonly have: readonly string[]
  readonly need: readonly string[]
  /** The next message; undefined: all is settled. */
  readonly next?: Uint8Array
}

/** What whoever asked learns of an answer. */
export const readNegentropy = (set: SyncSet, message: Uint8Array, o: NegentropyOptions): Result<Difference> => {
  if (message[0] !== NEGENTROPY_V1) return refuse('bad-schema', 'negentropy: another version of the protocol')
  const found: Found = { have: [], need: [] }
  const stepped = step(set, message, o, found)
  if (!stepped.ok) return stepped
  const { output } = stepped.value
  return ok({ ...found, ...(output.length === 1 ? {} : { next: output }) })
}

interface Found {
  readonly have: string[]
  readonly need: string[]
}

const step = (
  set: SyncSet,
  message: Uint8Array,
  { hashes, maxFrameBytes = Infinity }: NegentropyOptions,
  found: Found | undefined,
): Result<{ output: Uint8Array }> => {
  const version = message[0]
  if (version === undefined || version < 0x60 || version > 0x6f) {
    return refuse('bad-schema', 'negentropy: not a message of this protocol')
  }
  const full = writer()
  full.byte(NEGENTROPY_V1)
  // To another version one answers with the highest that one knows.
  if (version !== NEGENTROPY_V1) return ok({ output: full.bytes() })

  const room = Math.max(maxFrameBytes, MIN_FRAME_BYTES) - RESERVED_BYTES
  const input = reader(message, 1)
  let previous: Bound = { time: 0, prefix: EMPTY }
  let index = 0
  /** The settled ranges at the end of what was written so far are not written before something follows them. */
  let skipping = false
  /** All items before this one are covered by what was written. */
  let written = 0

  while (!input.atEnd()) {
    const bound = readBound(input)
    const mode = readVarint(input)
    if (bound === undefined || mode === undefined) return BROKEN
    const lower = index
    let upper = Math.max(lower, set.lowerBound(lower, bound))
    const out = full.branch()
    const writeSkipped = (): void => {
      if (!skipping) return
      skipping = false
      writeBound(out, previous)
      out.varint(SKIP)
    }

    if (mode === SKIP) {
      skipping = true
    } else if (mode === FINGERPRINT) {
      const theirs = input.take(FINGERPRINT_BYTES)
      if (theirs === undefined) return BROKEN
      if (compareIds(theirs, fingerprint(set, lower, upper, hashes)) === 0) skipping = true
      else {
        writeSkipped()
        writeSplit(out, set, lower, upper, bound, hashes)
      }
    } else if (mode === IDS) {
      const count = readVarint(input)
      const ids = count === undefined || count * ID_BYTES > message.length ? undefined : input.take(count * ID_BYTES)
      if (ids === undefined) return BROKEN
      if (found !== undefined) {
        compare(set, lower, upper, ids, found)
        skipping = true
      } else {
        writeSkipped()
        const fitting = Math.max(0, Math.floor((room - full.length - out.length) / ID_BYTES) - 1)
        const isWhole = upper - lower <= fitting
        if (!isWhole) upper = lower + fitting
        writeBound(out, isWhole ? bound : boundAfter(set, upper))
        writeIds(out, set, lower, upper)
        if (!isWhole) {
          full.adopt(out)
          written = upper
          writeRest(full, set, written, hashes)
          return ok({ output: full.bytes() })
        }
      }
    } else return BROKEN

    if (full.length + out.length > room) {
      writeRest(full, set, written, hashes)
      return ok({ output: full.bytes() })
    }
    if (out.length > 0) {
      full.adopt(out)
      written = upper
    }
    index = upper
    previous = bound
  }
  return ok({ output: full.bytes() })
}

const EMPTY = new Uint8Array(0)
const BROKEN = refuse('bad-schema', 'negentropy: the message is cut off or wrong')

const writeRest = (out: Writer, set: SyncSet, from: number, hashes: Hashes): void => {
  writeBound(out, INFINITY)
  out.varint(FINGERPRINT)
  out.put(fingerprint(set, from, set.size, hashes))
}

const writeSplit = (out: Writer, set: SyncSet, lower: number, upper: number, bound: Bound, hashes: Hashes): void => {
  const items = upper - lower
  if (items < FEW) {
    writeBound(out, bound)
    writeIds(out, set, lower, upper)
    return
  }
  let from = lower
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const to = from + Math.floor(items / BUCKETS) + (bucket < items % BUCKETS ? 1 : 0)
    writeBound(out, to === upper ? bound : boundAfter(set, to))
    out.varint(FINGERPRINT)
    out.put(fingerprint(set, from, to, hashes))
    from = to
  }
}

const writeIds = (out: Writer, set: SyncSet, lower: number, upper: number): void => {
  out.varint(IDS)
  out.varint(upper - lower)
  for (let i = lower; i < upper; i++) out.put(set.id(i))
}

const fingerprint = (set: SyncSet, lower: number, upper: number, hashes: Hashes): Uint8Array => {
  const out = writer()
  out.put(set.sum(lower, upper))
  out.varint(upper - lower)
  return hashes.sha256(out.bytes()).slice(0, FINGERPRINT_BYTES)
}

const compare = (set: SyncSet, lower: number, upper: number, ids: Uint8Array, found: Found): void => {
  const theirs = new Set<string>()
  for (let at = 0; at < ids.length; at += ID_BYTES) theirs.add(set.hexOf(ids.subarray(at, at + ID_BYTES)))
  for (let i = lower; i < upper; i++) {
    const id = set.hexOf(set.id(i))
    if (!theirs.delete(id)) found.have.push(id)
  }
  for (const id of theirs) found.need.push(id)
}

/** Hex of a message, as it travels in NIP-77; undefined for what is none. */
export const negentropyBytes = (hex: string): Uint8Array | undefined => bytesOf(hex)

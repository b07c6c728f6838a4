import { fromBase64, toBase64 } from './base64.js'
import type { Fragment } from './envelope-types.js'
import type { Hashes } from './hashes.js'
import { hexOf } from './hex.js'
import { ok, refuse } from './refusal.js'
import type { Refusal, Result } from './refusal.js'

/** An envelope text that does not fit its road, in pieces and whole again (wire.md 2.6). Codec only: keeping them is the store's. */

/** Per carrier, so no one message may have more. */
export const MAX_FRAGMENTS = 256

/** What stands around `data`, at most: the envelope with sha256, the body's numbers, and sender, nonce and one audience. */
export const FRAGMENT_OVERHEAD_BYTES = 640

/** How many bytes of the whole one fragment can take, so that its own envelope is no longer than `maxEnvelopeBytes`. */
export const fragmentDataBytes = (maxEnvelopeBytes: number): number =>
  Math.max(0, Math.floor((maxEnvelopeBytes - FRAGMENT_OVERHEAD_BYTES) / 4) * 3)

/** Inclusive ranges of indexes, as a receipt's `missing` has them. */
export type MissingRanges = (readonly [number, number])[]

/** Pieces of at most `maxBytes` bytes each, before base64. `too-large` if that takes more than 256. */
export const split = (text: string, maxBytes: number, hashes: Hashes): Result<Fragment[]> => {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) return refuse('too-large', 'no room for a fragment on this road')
  const whole = new TextEncoder().encode(text)
  const count = Math.max(1, Math.ceil(whole.length / maxBytes))
  if (count > MAX_FRAGMENTS) return refuse('too-large', `${count} fragments, ${MAX_FRAGMENTS} at most`)
  const of = hashes.sha256Hex(whole)
  return ok(
    Array.from({ length: count }, (_, index) => ({
      of,
      index,
      count,
      data: toBase64(whole.subarray(index * maxBytes, (index + 1) * maxBytes)),
    })),
  )
}

/**
 * The whole text again; the fragments may come in any order, and the same one twice. `missing-fragment` while some are
 * not there, `bad-schema` where they contradict one another or hold no base64, `bad-hash` where the whole is not what `of` says,
 * `bad-json` where it is no UTF-8.
 */
export const join = (fragments: readonly Fragment[], hashes: Hashes): Result<string> => {
  const [first] = fragments
  if (first === undefined) return refuse('missing-fragment', 'no fragment')
  const { of, count } = first
  if (!Number.isSafeInteger(count) || count < 1 || count > MAX_FRAGMENTS) return refuse('bad-schema', `count ${count}`)
  const pieces = new Map<number, string>()
  for (const fragment of fragments) {
    const why = contradiction(fragment, first, pieces)
    if (why !== undefined) return refuse('bad-schema', why)
    pieces.set(fragment.index, fragment.data)
  }
  if (pieces.size < count) return refuse('missing-fragment', `${count - pieces.size} of ${count} are missing`)
  const whole = concat(pieces, count)
  if (!(whole instanceof Uint8Array)) return { ok: false, refusal: whole }
  if (hexOf(hashes.sha256(whole)) !== of) return refuse('bad-hash', 'the fragments make another text')
  try {
    // With ignoreBOM nothing is dropped: the text has to be the one that was hashed.
    return ok(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(whole))
  } catch {
    return refuse('bad-json', 'the whole is not UTF-8')
  }
}

const contradiction = (f: Fragment, first: Fragment, pieces: ReadonlyMap<number, string>): string | undefined => {
  if (f.of !== first.of || f.count !== first.count) return 'fragments of different wholes'
  if (!Number.isSafeInteger(f.index) || f.index < 0 || f.index >= f.count) return `index ${f.index} of ${f.count}`
  const known = pieces.get(f.index)
  return known === undefined || known === f.data ? undefined : `two different fragments ${f.index}`
}

const concat = (pieces: ReadonlyMap<number, string>, count: number): Uint8Array | Refusal => {
  const parts: Uint8Array[] = []
  let length = 0
  for (let index = 0; index < count; index++) {
    const part = fromBase64(pieces.get(index) ?? '')
    if (part === undefined) return refuse('bad-schema', `fragment ${index} is not base64`).refusal
    parts.push(part)
    length += part.length
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** What of 0..count-1 is not there, as a receipt tells it: ascending, at most 128 ranges. */
export const missingRanges = (count: number, have: Iterable<number>): MissingRanges => {
  const there = new Set(have)
  const ranges: [number, number][] = []
  for (let index = 0; index < Math.min(count, MAX_FRAGMENTS); index++) {
    if (there.has(index)) continue
    const last = ranges.at(-1)
    if (last?.[1] === index - 1) last[1] = index
    else ranges.push([index, index])
  }
  return ranges
}

/** The indexes that a receipt's `missing` asks for: ascending, each once, only such as exist. The ranges are a peer's. */
export const indexesIn = (ranges: MissingRanges, count: number): number[] => {
  const wanted = new Set<number>()
  const end = Math.min(count, MAX_FRAGMENTS) - 1
  for (const [first, last] of ranges.slice(0, MAX_FRAGMENTS)) {
    for (let index = Math.max(0, Math.ceil(first)); index <= Math.min(last, end); index++) wanted.add(index)
  }
  return [...wanted].sort((a, b) => a - b)
}

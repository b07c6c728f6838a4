import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { canonical, parseJson } from '../../../src/core/canonical.js'
import type { Fragment, Txxm } from '../../../src/core/envelope-types.js'
import { DEPENDENCY_KINDS } from '../../../src/core/envelope-types.js'
import { checkEventShape, eventId } from '../../../src/core/event.js'
import { join, split } from '../../../src/core/fragment.js'
import { bytesOf, hexOf } from '../../../src/core/hex.js'
import { decodeKapTxxm, encodeKapTxxm, kapObjectId, kapPreimage } from '../../../src/core/kap.js'
import type { KapTxxm } from '../../../src/core/kap.js'
import { korServes } from '../../../src/core/kor.js'
import { addToLanes, emptyLanes, rootOfLanes } from '../../../src/core/roothash.js'
import { toKap } from '../../../src/core/to-kap.js'
import type { JsonValue, NostrEvent } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

interface Reference {
  jcs: { value: JsonValue; canonical: string; sha256: string }[]
  kor_match: { target: string; namespace: string; serves: boolean }[]
  root: { ids: string[]; of_none: string; of_first: string; of_all: string; of_all_reversed: string }
  kap010: Record<'preimage_hex' | 'signed_digest' | 'signature' | 'full_hex' | 'object_id' | 'payload_utf8', string> & {
    fields: Record<string, number | string> & { dependencies: { kind: number; hash: string }[] }
  }
  kap003_invalid_hex: { why: string; hex: string }[]
  fragments: { of: string; events: NostrEvent[] }
  txxm: { event: NostrEvent }
}

const reference = JSON.parse(
  readFileSync(new URL('../../../kinds/vectors/reference.json', import.meta.url), 'utf8'),
) as Reference

/** Every event in the file, with the way to it. */
const eventsIn = (x: unknown, path = 'reference'): [string, NostrEvent][] => {
  if (typeof x !== 'object' || x === null) return []
  if ('sig' in x && 'kind' in x && 'tags' in x) return [[path, x as NostrEvent]]
  return Object.entries(x).flatMap(([key, value]) => eventsIn(value, `${path}.${key}`))
}

const kapOf = ({ fields, signature }: Reference['kap010']): KapTxxm => ({
  ...(fields as unknown as KapTxxm),
  nonce: BigInt(fields.nonce!),
  created_at: BigInt(fields.created_at!),
  valid_from: BigInt(fields.valid_from!),
  valid_until: BigInt(fields.valid_until!),
  payload_length: BigInt(fields.payload_length!),
  postage_limit: BigInt(fields.postage_limit!),
  dependencies: fields.dependencies.map(({ kind, hash }) => ({ kind: DEPENDENCY_KINDS[kind]!, hash })),
  extensions: [],
  signature,
})

describe('the reference vectors', () => {
  const events = eventsIn(reference)

  it('hold events', () => {
    expect(events.length).toBeGreaterThan(25)
  })

  it.each(events)('%s has the shape and the id of its event', (_, event) => {
    const checked = checkEventShape(event)
    expect(checked).toEqual({ ok: true, value: event })
    expect(eventId(event, nodeHashes)).toBe(event.id)
  })

  it('canonical JSON and its hash agree', () => {
    for (const { value, canonical: text, sha256 } of reference.jcs) {
      expect(canonical(value)).toBe(text)
      expect(nodeHashes.sha256Hex(canonical(value))).toBe(sha256)
      expect(parseJson(text)).toEqual({ ok: true, value })
    }
  })

  it('KOR names match as they say', () => {
    for (const { namespace, target, serves } of reference.kor_match) expect(korServes(namespace, target)).toBe(serves)
  })

  it('roots agree, in any order', () => {
    const { ids, of_none, of_first, of_all, of_all_reversed } = reference.root
    const rootOf = (these: string[]): string => {
      const lanes = emptyLanes()
      for (const id of these) addToLanes(lanes, id, nodeHashes)
      return rootOfLanes(lanes, nodeHashes)
    }
    expect(rootOf([])).toBe(of_none)
    expect(rootOf(ids.slice(0, 1))).toBe(of_first)
    expect(rootOf(ids)).toBe(of_all)
    expect(rootOf(ids.toReversed())).toBe(of_all_reversed)
  })

  it('KAP-010 bytes, digest and object id agree both ways', () => {
    const { preimage_hex, signed_digest, full_hex, object_id } = reference.kap010
    const txxm = kapOf(reference.kap010)
    expect(hexOf(kapPreimage(txxm))).toBe(preimage_hex)
    expect(nodeHashes.sha256Hex(kapPreimage(txxm))).toBe(signed_digest)
    expect(hexOf(encodeKapTxxm(txxm))).toBe(full_hex)
    expect(kapObjectId(bytesOf(full_hex)!, nodeHashes)).toBe(object_id)
    expect(decodeKapTxxm(bytesOf(full_hex)!)).toEqual({ ok: true, value: txxm })
  })

  it.each(reference.kap003_invalid_hex)('KAP-003: $why is refused', ({ why, hex }) => {
    const decoded = decodeKapTxxm(bytesOf(hex)!)
    expect(decoded).toMatchObject({
      ok: false,
      refusal: { code: why === 'unknown version' ? 'unsupported-version' : 'bad-schema' },
    })
  })

  it('the body of a TXXM gives the namespace and payload that its tags name', () => {
    const { event } = reference.txxm
    const { txxm } = JSON.parse(event.content) as { txxm: Txxm }
    const fields = toKap(txxm, nodeHashes)
    const tag = (name: string): string | undefined => event.tags.find((t) => t[0] === name)?.[1]
    expect(fields).toMatchObject({
      ok: true,
      value: {
        namespace_id: tag('ns'),
        payload_hash: tag('payload'),
        payload_length: BigInt(Buffer.byteLength(reference.kap010.payload_utf8)),
        sender_key: event.pubkey,
        nonce: BigInt(txxm.nonce!),
        settlement_hint_flags: 2,
      },
    })
  })

  it('the fragments make the whole, and the whole the fragments', () => {
    const fragments = reference.fragments.events.map(
      (event) => (JSON.parse(event.content) as { fragment: Fragment }).fragment,
    )
    expect(join(fragments, nodeHashes)).toEqual({ ok: true, value: reference.txxm.event.content })
    expect(fragments[0]!.of).toBe(reference.fragments.of)
    const firstBytes = Buffer.from(fragments[0]!.data, 'base64').length
    expect(split(reference.txxm.event.content, firstBytes, nodeHashes)).toEqual({ ok: true, value: fragments })
  })
})

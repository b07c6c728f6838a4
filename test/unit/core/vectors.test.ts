import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { canonical, parseJson } from '../../../src/core/canonical.js'
import { DEPENDENCY_KINDS } from '../../../src/core/envelope-types.js'
import type { Fragment } from '../../../src/core/envelope-types.js'
import { join, split } from '../../../src/core/fragment.js'
import { bytesOf, hexOf } from '../../../src/core/hex.js'
import { kapReader } from '../../../src/core/kap-reader.js'
import type { KapReader } from '../../../src/core/kap-reader.js'
import { kapWriter } from '../../../src/core/kap-writer.js'
import type { KapWriter } from '../../../src/core/kap-writer.js'
import { decodeKapTxxm, encodeKapTxxm, kapObjectId, kapPreimage } from '../../../src/core/kap.js'
import type { KapTxxm } from '../../../src/core/kap.js'
import { korServes, namespaceId } from '../../../src/core/kor.js'
import type { Result } from '../../../src/core/refusal.js'
import { addToLanes, emptyLanes, rootOfLanes } from '../../../src/core/roothash.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

// Walks kinds/vectors. A file says by `suite` what it is about; suites that are not named here are read by other tests.

interface Vector {
  readonly suite: string
  readonly [member: string]: unknown
}

const folder = new URL('../../../kinds/vectors/', import.meta.url)
const load = (kind: 'valid' | 'invalid'): { name: string; vector: Vector }[] =>
  readdirSync(new URL(`${kind}/`, folder))
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ name, vector: JSON.parse(readFileSync(new URL(`${kind}/${name}`, folder), 'utf8')) as Vector }))

const bytes = (hex: string): Uint8Array => bytesOf(hex)!
const valueOf = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(`${result.refusal.code}: ${result.refusal.message}`)
  return result.value
}
const codeOf = (result: Result<unknown>): string => (result.ok ? 'accepted' : result.refusal.code)

interface JsonFields {
  readonly dependencies: readonly { readonly kind: number; readonly hash: string }[]
  readonly extensions?: readonly { readonly tag: number; readonly data: string }[]
  readonly [field: string]: unknown
}

/** From the vectors' form: u64 as a decimal string, dependency kinds and extension data as in the bytes. */
const kapOf = (fields: JsonFields, signature: string): KapTxxm => {
  const u64s = ['nonce', 'created_at', 'valid_from', 'valid_until', 'payload_length', 'postage_limit'] as const
  return {
    ...fields,
    ...Object.fromEntries(u64s.map((name) => [name, BigInt(fields[name] as string)])),
    dependencies: fields.dependencies.map(({ kind, hash }) => ({ kind: DEPENDENCY_KINDS[kind]!, hash })),
    extensions: (fields.extensions ?? []).map(({ tag, data }) => ({ tag, data: bytes(data) })),
    signature,
  } as unknown as KapTxxm
}

/** The primitives of KAP-003 by the vectors' names for them, values in JSON. */
const PRIMITIVES: Record<string, { read: (r: KapReader) => unknown; write: (w: KapWriter, value: never) => void }> = {
  bytes: { read: (r) => hexOf(r.bytes()), write: (w, value: string) => w.bytes(bytes(value)) },
  boolean: { read: (r) => r.boolean(), write: (w, value: boolean) => w.boolean(value) },
  u64: { read: (r) => r.u64().toString(), write: (w, value: string) => w.u64(BigInt(value)) },
  u128: { read: (r) => r.u128().toString(), write: (w, value: string) => w.u128(BigInt(value)) },
  'list-u16': {
    read: (r) => r.list(2, () => r.u16()),
    write: (w, value: number[]) => w.list(value, (element) => w.u16(element)),
  },
  'map-bytes-u8': {
    read: (r) =>
      r.map(
        2,
        () => hexOf(r.bytes()),
        () => r.u8(),
      ),
    write: (w, value: [string, number][]) =>
      w.map(
        // In reverse: the writer sorts.
        [...value].reverse(),
        (key, hex) => key.bytes(bytes(hex)),
        (out, number) => out.u8(number),
      ),
  },
}

const VALID: Record<string, (v: Vector) => void> = {
  json: (v) => {
    const written = canonical(valueOf(parseJson(v.text as string)))
    expect(written).toBe(v.canonical)
    expect(nodeHashes.sha256Hex(written)).toBe(v.sha256)
    expect(canonical(valueOf(parseJson(written)))).toBe(written)
  },
  numbers: (v) => {
    for (const { ieee, json } of v.table as { ieee: string; json: string | null }[]) {
      const double = Buffer.from(ieee, 'hex').readDoubleBE()
      if (json === null) expect(() => canonical(double), ieee).toThrow(TypeError)
      else expect(canonical(double), ieee).toBe(json)
    }
  },
  kap003: (v) => {
    const primitive = PRIMITIVES[v.read as string]!
    const reader = kapReader(bytes(v.hex as string))
    const writer = kapWriter()
    expect(primitive.read(reader)).toEqual(v.value)
    expect(reader.done()).toBeUndefined()
    primitive.write(writer, v.value as never)
    expect(hexOf(writer.finish())).toBe(v.hex)
  },
  kap010: (v) => {
    const txxm = kapOf(v.fields as JsonFields, v.signature as string)
    const preimage = kapPreimage(txxm)
    const full = encodeKapTxxm(txxm)
    expect(hexOf(preimage)).toBe(v.preimage_hex)
    expect(nodeHashes.sha256Hex(preimage)).toBe(v.signed_digest)
    expect(hexOf(full)).toBe(v.full_hex)
    expect(kapObjectId(full, nodeHashes)).toBe(v.object_id)
    expect(valueOf(decodeKapTxxm(full))).toEqual(txxm)
  },
  kor: (v) => {
    for (const c of v.cases as { namespace: string; target: string; serves: boolean }[]) {
      expect(korServes(c.namespace, c.target), `${c.namespace} for ${c.target}`).toBe(c.serves)
    }
  },
  namespace: (v) => {
    for (const c of v.cases as { name: string; id: string }[]) expect(namespaceId(c.name, nodeHashes)).toBe(c.id)
  },
  root: (v) => {
    const lanes = emptyLanes()
    for (const id of v.ids as string[]) addToLanes(lanes, id, nodeHashes)
    expect(rootOfLanes(lanes, nodeHashes)).toBe(v.root)
  },
  fragment: (v) => {
    expect(valueOf(split(v.text as string, v.max_bytes as number, nodeHashes))).toEqual(v.fragments)
    expect(valueOf(join((v.fragments as Fragment[]).toReversed(), nodeHashes))).toBe(v.text)
  },
}

const INVALID: Record<string, (v: Vector) => string> = {
  json: (v) => codeOf(parseJson(v.text as string)),
  kap010: (v) => codeOf(decodeKapTxxm(bytes(v.hex as string))),
  kap003: (v) => {
    const reader = kapReader(bytes(v.hex as string))
    PRIMITIVES[v.read as string]!.read(reader)
    return reader.done()?.kind === 'malformed' ? 'bad-schema' : 'accepted'
  },
  fragment: (v) => codeOf(join(v.fragments as Fragment[], nodeHashes)),
}

describe('the valid vectors of the core', () => {
  const ours = load('valid').filter(({ vector }) => vector.suite in VALID)

  it.each(ours)('valid/$name gives what it says', ({ vector }) => {
    VALID[vector.suite]!(vector)
  })

  it('cover every suite', () => {
    expect(new Set(ours.map(({ vector }) => vector.suite))).toEqual(new Set(Object.keys(VALID)))
  })
})

describe('the invalid vectors of the core', () => {
  const ours = load('invalid').filter(({ vector }) => vector.suite in INVALID)

  it.each(ours)('invalid/$name is refused with its code', ({ vector }) => {
    expect(vector.why).toBeTypeOf('string')
    expect(INVALID[vector.suite]!(vector)).toBe(vector.code)
  })

  it('cover every suite', () => {
    expect(new Set(ours.map(({ vector }) => vector.suite))).toEqual(new Set(Object.keys(INVALID)))
  })
})

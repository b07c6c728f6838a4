import { describe, expect, it } from 'vitest'
import { DEPENDENCY_KINDS } from '../../../src/core/envelope-types.js'
import type { Txxm } from '../../../src/core/envelope-types.js'
import { kapReader } from '../../../src/core/kap-reader.js'
import { kapWriter } from '../../../src/core/kap-writer.js'
import { MAX_KAP_TXXM_BYTES, decodeKapTxxm, encodeKapTxxm } from '../../../src/core/kap.js'
import type { KapTxxm } from '../../../src/core/kap.js'
import { toKap } from '../../../src/core/to-kap.js'
import type { Pubkey, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

const hash = (n: number): string => n.toString(16).padStart(64, '0')
const txxm = (over: Partial<KapTxxm> = {}): KapTxxm => ({
  network_id: 1,
  message_class: 1,
  namespace_id: hash(1),
  sender_key: hash(2),
  nonce: 3n,
  created_at: 4n,
  valid_from: 5n,
  valid_until: 6n,
  dependencies: [],
  payload_hash: hash(7),
  payload_length: 8n,
  postage_class: 9,
  postage_limit: 10n,
  settlement_hint_flags: 0,
  attachment_root: hash(0),
  signature_scheme: 1,
  signature: 'd'.repeat(128),
  extensions: [],
  ...over,
})

describe('a reader of canonical bytes', () => {
  it('answers with empty values after its first failure, and tells that one', () => {
    const r = kapReader(Uint8Array.of(2))
    expect(r.boolean()).toBe(false)
    expect([r.u8(), r.u16(), r.u32(), r.u64(), r.u128(), r.length(1)]).toEqual([0, 0, 0, 0n, 0n, 0])
    expect([r.fixed(9).length, r.bytes().length, r.list(1, () => 1), r.extensions()]).toEqual([0, 0, [], []])
    expect(r.failed).toBe(true)
    expect(r.done()).toEqual({ kind: 'malformed', why: 'a boolean that is neither 0 nor 1' })
  })

  it('compares a count with the bytes that are left before it makes a list', () => {
    // 2^32-1 elements of 33 bytes each, announced in five bytes.
    const r = kapReader(Uint8Array.of(0xfe, 0xff, 0xff, 0xff, 0xff, 0, 0, 0))
    let asked = 0
    expect(r.list(33, () => asked++)).toEqual([])
    expect(asked).toBe(0)
    expect(r.done()?.why).toBe('a count beyond the bytes')
  })

  it('hands out copies, also from a pooled Buffer', () => {
    const source = Buffer.from([2, 7, 8])
    const r = kapReader(source)
    const bytes = r.bytes()
    source.fill(0)
    expect([...bytes]).toEqual([7, 8])
  })

  it('knows the critical extensions it is told about, and no others', () => {
    const w = kapWriter()
    w.extensions([
      { tag: 0x8001, data: Uint8Array.of(1) },
      { tag: 5, data: new Uint8Array(0) },
    ])
    const bytes = w.finish()
    const knows = kapReader(bytes)
    expect(knows.extensions([0x8001]).map(({ tag }) => tag)).toEqual([5, 0x8001])
    expect(knows.done()).toBeUndefined()
    const doesNot = kapReader(bytes)
    doesNot.extensions([0x8000])
    expect(doesNot.done()?.kind).toBe('unknown')
  })
})

describe('a writer of canonical bytes', () => {
  it.each<[number, string]>([
    [0, '00'],
    [252, 'fc'],
    [253, 'fd00fd'],
    [0xffff, 'fdffff'],
    [0x1_0000, 'fe00010000'],
    [0xffff_ffff, 'feffffffff'],
    [0x1_0000_0000, 'ff0000000100000000'],
    [Number.MAX_SAFE_INTEGER, 'ff001fffffffffffff'],
  ])('writes the length %d in its shortest form', (length, hex) => {
    const w = kapWriter()
    w.length(length)
    expect(Buffer.from(w.finish()).toString('hex')).toBe(hex)
  })

  it.each<[string, (w: ReturnType<typeof kapWriter>) => void]>([
    ['256 as u8', (w) => w.u8(256)],
    ['-1 as u16', (w) => w.u16(-1)],
    ['half a u32', (w) => w.u32(0.5)],
    ['2^64 as u64', (w) => w.u64(2n ** 64n)],
    ['-1 as u128', (w) => w.u128(-1n)],
    ['a negative length', (w) => w.length(-1)],
    ['a length beyond safe numbers', (w) => w.length(2 ** 53)],
    ['31 bytes where 32 belong', (w) => w.fixed(new Uint8Array(31), 32)],
    [
      'a key twice',
      (w) =>
        w.map(
          [
            [1, 1],
            [1, 2],
          ],
          (k, n) => k.u8(n),
          (v, n) => v.u8(n),
        ),
    ],
    [
      'an extension twice',
      (w) =>
        w.extensions([
          { tag: 1, data: new Uint8Array(0) },
          { tag: 1, data: new Uint8Array(1) },
        ]),
    ],
  ])('throws a RangeError for %s', (_, write) => {
    expect(() => write(kapWriter())).toThrow(RangeError)
  })
})

describe('the KAP-010 codec', () => {
  it.each<[string, Partial<KapTxxm>]>([
    ['valid_until before valid_from', { valid_from: 7n }],
    [
      'a dependency twice',
      {
        dependencies: [
          { kind: 'knot', hash: hash(1) },
          { kind: 'knot', hash: hash(1) },
        ],
      },
    ],
    ['another signature scheme', { signature_scheme: 2 }],
    ['a short key', { sender_key: 'ab' }],
    ['uppercase hex', { payload_hash: 'A'.repeat(64) }],
    ['a short signature', { signature: 'd'.repeat(126) }],
    ['a network beyond u32', { network_id: 2 ** 32 }],
    ['more bytes than the decoder takes', { extensions: [{ tag: 1, data: new Uint8Array(MAX_KAP_TXXM_BYTES) }] }],
  ])('never writes what it would refuse to read: %s', (_, over) => {
    expect(() => encodeKapTxxm(txxm(over))).toThrow(RangeError)
  })

  it('writes extensions in ascending order, whatever order they come in', () => {
    const [a, b] = [
      { tag: 1, data: Uint8Array.of(1) },
      { tag: 2, data: Uint8Array.of(2) },
    ]
    expect(encodeKapTxxm(txxm({ extensions: [b, a] }))).toEqual(encodeKapTxxm(txxm({ extensions: [a, b] })))
  })

  it('refuses every cut of a whole one, and every one with a byte more', () => {
    const dependencies = DEPENDENCY_KINDS.map((kind, n) => ({ kind, hash: hash(n) }))
    const whole = encodeKapTxxm(txxm({ dependencies, extensions: [{ tag: 1, data: Uint8Array.of(1, 2, 3) }] }))
    for (let length = 0; length < whole.length; length++) {
      expect(decodeKapTxxm(whole.subarray(0, length)), `${length} bytes`).toMatchObject({ ok: false })
    }
    expect(decodeKapTxxm(Uint8Array.of(...whole, 0))).toMatchObject({ ok: false, refusal: { code: 'bad-schema' } })
    expect(decodeKapTxxm(whole)).toMatchObject({ ok: true })
  })

  it('refuses what is above its limit without reading it', () => {
    const refused = decodeKapTxxm(new Uint8Array(MAX_KAP_TXXM_BYTES + 1))
    expect(refused).toMatchObject({ ok: false, refusal: { code: 'too-large' } })
  })
})

describe('a body as KAP-010 fields', () => {
  const body: Txxm = {
    type: 'vote',
    action: 'room.vote',
    target_kor: 'Room.KOR',
    source_kor: 'a.kor',
    payload: { b: 'ü', a: 1 },
    sender: hash(2) as Pubkey,
    nonce: '18446744073709551615',
  }

  it('takes our choices where the body is silent', () => {
    expect(toKap(body, nodeHashes)).toEqual({
      ok: true,
      value: {
        network_id: 0,
        message_class: 3,
        namespace_id: nodeHashes.sha256Hex('room.kor'),
        sender_key: hash(2),
        nonce: 2n ** 64n - 1n,
        created_at: 0n,
        valid_from: 0n,
        valid_until: 2n ** 64n - 1n,
        dependencies: [],
        payload_hash: nodeHashes.sha256Hex('{"a":1,"b":"ü"}'),
        payload_length: 16n,
        postage_class: 0,
        postage_limit: 0n,
        settlement_hint_flags: 0,
        attachment_root: hash(0),
        signature_scheme: 1,
        extensions: [],
      },
    })
  })

  it('says what the body says', () => {
    const attachments = [{ size: 1, sha256: hash(9) }]
    const full: Txxm = {
      ...body,
      network_id: 5,
      created_at: 10 as UnixSec,
      valid_from: 20 as UnixSec,
      valid_until: 30 as UnixSec,
      dependencies: [{ kind: 'knot', hash: hash(4) }],
      request_receipt: true,
      attachments,
    }
    expect(toKap(full, nodeHashes)).toMatchObject({
      ok: true,
      value: {
        network_id: 5,
        created_at: 10n,
        valid_from: 20n,
        valid_until: 30n,
        dependencies: [{ kind: 'knot', hash: hash(4) }],
        settlement_hint_flags: 2,
        attachment_root: nodeHashes.sha256Hex(`[{"sha256":"${hash(9)}","size":1}]`),
      },
    })
  })

  const { sender, nonce, ...older } = body
  it.each<[string, Txxm]>([
    ['no sender', { ...older, nonce: nonce! }],
    ['no nonce', { ...older, sender: sender! }],
    ['a type without a message class', { ...body, type: 'constructor' }],
    ['no time in which it is valid', { ...body, created_at: 10 as UnixSec, valid_until: 9 as UnixSec }],
  ])('is refused with %s', (_, txxmBody) => {
    expect(toKap(txxmBody, nodeHashes)).toMatchObject({ ok: false, refusal: { code: 'bad-schema' } })
  })

  it('can be written and read', () => {
    const fields = toKap(body, nodeHashes)
    if (!fields.ok) throw new Error(fields.refusal.message)
    const signed = { ...fields.value, signature: 'd'.repeat(128) }
    expect(decodeKapTxxm(encodeKapTxxm(signed))).toEqual({ ok: true, value: signed })
  })
})

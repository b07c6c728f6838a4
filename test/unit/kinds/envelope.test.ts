import { describe, expect, it } from 'vitest'
import { canonical } from '../../../src/core/canonical.js'
import { checkBody, readContent, writeEnvelope } from '../../../src/core/envelope.js'
import type { Attestation } from '../../../src/core/envelope-types.js'
import type { JsonObject, JsonValue, Pubkey, Signature, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

const key = 'ab'.repeat(32)
const hash = 'cd'.repeat(32)
const txxm: JsonObject = {
  type: 'submission',
  action: 'room.post',
  target_kor: 'room.kor',
  source_kor: 'herm-qubes-alpha.sys.pluronymous.org',
  payload: { b: 1, a: [true, null] },
}
const receipt: JsonObject = { event: hash, status: 'accepted', at: 1780000000 }

const write = (type: 'txxm-envelope' | 'receipt', body: JsonValue, attestation?: Attestation): string => {
  const bodyText = canonical(body)
  return writeEnvelope({ type, bodyText, sha256: nodeHashes.sha256Hex(bodyText), attestation })
}
const codeOf = (text: string): string => {
  const content = readContent(text, nodeHashes)
  return content.ok ? content.value.type : content.refusal.code
}

describe('an envelope that we write', () => {
  it('holds the canonical body to the letter, so that nothing is canonicalised twice', () => {
    const text = write('txxm-envelope', txxm)

    expect(text).toContain(`"txxm":${canonical(txxm)},"sha256":`)
    expect(text.startsWith('{"kapnet":"0.2.0","type":"txxm-envelope","version":1,')).toBe(true)
  })

  it('has a list of receipts under `receipts` and one under `receipt`', () => {
    expect(JSON.parse(write('receipt', [receipt]))).toHaveProperty('receipts')
    expect(JSON.parse(write('receipt', receipt))).toHaveProperty('receipt')
  })

  it('has the three signed members of an attestation and no other', () => {
    const attestation = { pubkey: key as Pubkey, created_at: 1 as UnixSec, sig: 'ef'.repeat(64) as Signature }

    const text = write('txxm-envelope', txxm, { ...attestation, extra: 'unsigned' } as Attestation)

    expect((JSON.parse(text) as { attestation: object }).attestation).toEqual(attestation)
  })
})

describe('reading a content', () => {
  it('gives one receipt and a list of them alike as a list, with the text that was hashed', () => {
    for (const body of [receipt, [receipt]]) {
      const content = readContent(write('receipt', body), nodeHashes)

      expect(content).toMatchObject({
        ok: true,
        value: { type: 'receipt', body: [receipt], bodyText: canonical(body) },
      })
    }
  })

  it('looks at the type first, then the version, then the schema, then the hash', () => {
    expect(codeOf('{"type":"hologram","version":9,"kapnet":7}')).toBe('unknown')
    expect(codeOf('{"type":"txxm-envelope","version":9,"kapnet":7}')).toBe('unsupported-version')
    expect(codeOf('{"type":"txxm-envelope","version":1,"kapnet":7}')).toBe('bad-schema')
    expect(codeOf(write('txxm-envelope', { ...txxm, action: 'A' }).replace(/"sha256":"../, '"sha256":"00'))).toBe(
      'bad-schema',
    )
    expect(codeOf(write('txxm-envelope', txxm).replace(/"sha256":"../, '"sha256":"00'))).toBe('bad-hash')
  })

  it('takes no name that every object has for a type', () => {
    for (const type of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      expect(codeOf(`{"type":"${type}","version":1}`)).toBe('unknown')
    }
  })

  it('cuts the name of an unknown type, which may go into a log', () => {
    const content = readContent(JSON.stringify({ type: 'x'.repeat(10_000) }), nodeHashes)

    expect(content).toEqual({ ok: true, value: { type: 'unknown', name: 'x'.repeat(64) } })
  })

  it('says where it was wrong and by which rule, and never what stood there', () => {
    const secret = 'my secret'
    const refusalOf = (body: JsonObject): string => {
      const content = readContent(write('txxm-envelope', body), nodeHashes)
      return content.ok ? '' : content.refusal.message
    }

    expect(refusalOf({ ...txxm, action: secret })).toBe('/txxm/action has the wrong form')
    expect(refusalOf({ ...txxm, payload: [secret] })).toBe('/txxm/payload must be object')
    expect(refusalOf({ ...txxm, dependencies: [{ kind: secret, hash }] })).not.toContain(secret)
  })

  it('hands over node-info without the members that are no part of it', () => {
    const info = {
      id: 'herm-a',
      npub: `npub1${'q'.repeat(58)}`,
      endpoint: '',
      capabilities: [],
      kor_namespaces: [],
      status: 'active',
    }

    const content = readContent(
      JSON.stringify({ kapnet: '0.2.0', type: 'ksp-service', version: 1, ...info }),
      nodeHashes,
    )

    expect(content).toEqual({ ok: true, value: { type: 'ksp-service', info } })
  })
})

describe('checking a body alone', () => {
  it('agrees with what an envelope around it would be', () => {
    expect(checkBody('txxm-envelope', txxm)).toEqual({ ok: true, value: undefined })
    expect(checkBody('txxm-envelope', { ...txxm, nonce: '01' })).toMatchObject({ refusal: { code: 'bad-schema' } })
    expect(checkBody('txxm-envelope', { ...txxm, valid_from: 2, valid_until: 1 })).toMatchObject({
      refusal: { code: 'bad-schema' },
    })
    expect(checkBody('task-envelope', txxm)).toMatchObject({ refusal: { code: 'bad-schema' } })
  })

  it('reads a list as receipts', () => {
    expect(checkBody('receipt', receipt).ok).toBe(true)
    expect(checkBody('receipt', [receipt]).ok).toBe(true)
    expect(checkBody('receipt', []).ok).toBe(false)
    expect(checkBody('receipt', [receipt, txxm]).ok).toBe(false)
    expect(checkBody('txxm-envelope', [txxm]).ok).toBe(false)
  })
})

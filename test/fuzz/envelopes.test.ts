import { readFileSync, readdirSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brokenRule } from '../../src/core/body-rules.js'
import { canonical } from '../../src/core/canonical.js'
import { checkBody, readContent, writeEnvelope } from '../../src/core/envelope.js'
import type { Content, Envelope } from '../../src/core/envelope-types.js'
import { BODY_KEYS } from '../../src/core/envelope-types.js'
import { REFUSAL_CODES } from '../../src/core/refusal.js'
import { checkTags } from '../../src/core/tags.js'
import type { JsonObject, JsonValue } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { isBodyType, mutated, near, seeds } from '../support/mutated.js'

// No input makes readContent throw; what it accepts is what it was hashed as, and reads back equal. The generated
// validators are held against the schemas themselves, interpreted by ajv. A failure prints its seed.

const kinds = new URL('../../kinds/', import.meta.url)
const schemas = readdirSync(kinds)
  .filter((name) => name.endsWith('.schema.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, kinds), 'utf8')) as { $id: string; properties?: JsonObject })
const ajv = new Ajv2020.default({ schemas })
const schemaOf = (type: string): string => schemas.find(({ $id }) => $id.endsWith(`/${type}.schema.json`))?.$id ?? ''

const isHashed = (content: Content): content is Envelope => content.type !== 'unknown' && content.type !== 'ksp-service'

const check = (text: string): void => {
  const read = readContent(text, nodeHashes)
  if (!read.ok) {
    expect(REFUSAL_CODES).toContain(read.refusal.code)
    expect(read.refusal.message.length).toBeLessThanOrEqual(200)
    return
  }
  if (!isHashed(read.value)) return
  const envelope = read.value
  expect(nodeHashes.sha256Hex(envelope.bodyText)).toBe(envelope.sha256)
  const body = JSON.parse(envelope.bodyText) as JsonValue
  expect(canonical(body)).toBe(envelope.bodyText)
  expect(checkBody(envelope.type, body).ok).toBe(true)
  expect(readContent(writeEnvelope(envelope), nodeHashes)).toEqual({ ok: true, value: stripped(envelope) })
}

/** Unsigned members of an attestation do not travel on, and -0 is 0 once it was hashed. */
const stripped = (envelope: Envelope): Envelope => {
  const body = JSON.parse(envelope.bodyText) as never
  const whole = { ...envelope, body: envelope.type === 'receipt' ? [body].flat() : body } as Envelope
  if (envelope.attestation === undefined) return whole
  const { pubkey, created_at, sig } = envelope.attestation
  return { ...whole, attestation: { pubkey, created_at, sig } }
}

describe('whatever comes in', () => {
  it('any text is read or refused, never thrown over', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.json()), (text) => check(text)),
      { numRuns: 2_000 },
    )
  })

  it('any members around a known type are read or refused', () => {
    const types = fc.constantFrom(...Object.keys(BODY_KEYS), 'ksp-service', 'hologram')
    const members = fc.dictionary(
      fc.constantFrom('kapnet', 'version', 'sha256', 'receipts', ...Object.values(BODY_KEYS)),
      near,
    )
    fc.assert(
      fc.property(types, members, (type, rest) => check(JSON.stringify({ type, version: 1, ...rest }))),
      { numRuns: 2_000 },
    )
  })

  it('an envelope with a few changes is read or refused; what is accepted is what was hashed and reads back equal', () => {
    let accepted = 0
    fc.assert(
      fc.property(mutated, (content) => {
        const text = JSON.stringify(content)
        check(text)
        if (readContent(text, nodeHashes).ok) accepted++
      }),
      { numRuns: 4_000 },
    )
    // Without this the property could hold because nothing was ever accepted.
    expect(accepted).toBeGreaterThan(100)
  })

  it('a text cut or changed at any place is read or refused', () => {
    const cut = fc.tuple(fc.constantFrom(...seeds), fc.nat(), fc.string({ maxLength: 3 })).map(([seed, at, with_]) => {
      const text = JSON.stringify(seed)
      const i = at % text.length
      return at % 2 === 0 ? text.slice(0, i) + with_ : text.slice(0, i) + with_ + text.slice(i + 1)
    })
    fc.assert(
      fc.property(cut, (text) => check(text)),
      { numRuns: 2_000 },
    )
  })
})

describe('the generated validators', () => {
  /** What the schema files and the rules beside them say of a content; undefined where they are not asked. */
  const fits = (content: JsonObject): boolean | undefined => {
    const { type } = content
    const schema = typeof type === 'string' ? schemaOf(type) : ''
    if (schema === '' || (content.version !== 1 && content.version !== undefined)) return undefined
    if (!ajv.validate(schema, content)) return false
    const body = isBodyType(type) ? (content[BODY_KEYS[type]] ?? content.receipts) : undefined
    return !isBodyType(type) || body === undefined || brokenRule(type, body) === undefined
  }

  it('say of every mutated content what the schemas say', () => {
    fc.assert(
      fc.property(mutated, (content) => {
        const text = JSON.stringify(content)
        const seen = JSON.parse(text) as JsonValue
        if (typeof seen !== 'object' || seen === null || Array.isArray(seen)) return
        const read = readContent(text, nodeHashes)
        const wanted = fits(seen)
        if (wanted === undefined || (!read.ok && read.refusal.code === 'bad-json')) return
        expect(read.ok || read.refusal.code !== 'bad-schema').toBe(wanted)
      }),
      { numRuns: 3_000 },
    )
  })
})

describe('the tags of what was read', () => {
  const value = fc.oneof(fc.string(), fc.constantFrom('txxm', 'enc-', 'txxm-', 'ab'.repeat(32)))
  const tags = fc.array(
    fc
      .tuple(fc.constantFrom('d', 'id', 'ns', 'payload', 'class', 'kap', 'p', 'k', ''), value)
      .map((tag) => tag.slice()),
  )
  const envelopes = seeds.flatMap((seed) => {
    const read = readContent(JSON.stringify(seed), nodeHashes)
    return read.ok && isHashed(read.value) ? [read.value] : []
  })

  it('match or are refused with bad-schema, whatever they are', () => {
    fc.assert(
      fc.property(fc.constantFrom(...envelopes), tags, (envelope, given) => {
        const result = checkTags({ tags: given }, envelope, nodeHashes)
        if (!result.ok) expect(result.refusal.code).toBe('bad-schema')
      }),
      { numRuns: 2_000 },
    )
  })
})

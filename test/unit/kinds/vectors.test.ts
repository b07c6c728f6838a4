import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { schnorr } from '@noble/curves/secp256k1.js'
import { v2 as nip44 } from 'nostr-tools/nip44'
import { describe, expect, it } from 'vitest'
import { attestationProof } from '../../../src/core/attestation.js'
import { readContent } from '../../../src/core/envelope.js'
import type { Envelope } from '../../../src/core/envelope-types.js'
import { checkEventShape, eventId, proofOf } from '../../../src/core/event.js'
import { checkNodeInfo } from '../../../src/core/nodeinfo.js'
import { ok, refuse, REFUSAL_CODES } from '../../../src/core/refusal.js'
import type { Result } from '../../../src/core/refusal.js'
import { checkTags } from '../../../src/core/tags.js'
import type { NostrEvent, Proof, UnsignedEvent } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { eventVectors, testSecret } from '../../support/vectors.js'

// Walks the vectors of suite "event" as far as one event alone decides: shape -> id -> signature -> content -> tags ->
// attestation -> author. The signatures are checked by @noble and the ciphertexts opened by nostr-tools, not by our code.

const root = new URL('../../../', import.meta.url)
const referenceText = readFileSync(new URL('kinds/vectors/reference.json', root), 'utf8')
const reference = JSON.parse(referenceText) as { keys: Record<string, { sk: string }> }
const beta = testSecret(reference, 'beta')

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const verifies = ({ sig, digest, pubkey }: Proof): boolean => {
  try {
    return schnorr.verify(bytes(sig), bytes(digest), bytes(pubkey))
  } catch {
    // A key that is no point of the curve.
    return false
  }
}
const opened = (content: string, from: string): string =>
  nip44.decrypt(content, nip44.utils.getConversationKey(Uint8Array.from(beta), from))

interface Read {
  readonly type: string
  readonly sha256?: string
  readonly author?: string
  readonly name?: string
}

const authorOf = (carrier: string, envelope: Envelope): Result<string> => {
  const { attestation } = envelope
  if (attestation && !verifies(attestationProof(envelope.type, envelope.sha256, attestation, nodeHashes))) {
    return refuse('bad-signature', 'the attestation does not verify')
  }
  const senders = [envelope.body].flat().map((body) => (body as { sender?: string }).sender)
  // Without a sender the author is the carrier only (wire.md 2, also accepted).
  const author = attestation && senders[0] !== undefined ? attestation.pubkey : carrier
  return senders.every((sender) => sender === undefined || sender === author)
    ? ok(author)
    : refuse('bad-signature', 'the sender is not the author')
}

const readText = (carrier: UnsignedEvent, text: string): Result<Read> => {
  const content = readContent(text, nodeHashes)
  if (!content.ok) return content
  if (content.value.type === 'unknown') return content
  if (content.value.type === 'ksp-service') {
    const info = checkNodeInfo(carrier, content.value.info)
    return info.ok ? ok({ type: 'ksp-service', author: carrier.pubkey }) : info
  }
  const tags = checkTags(carrier, content.value, nodeHashes)
  if (!tags.ok) return tags
  const author = authorOf(carrier.pubkey, content.value)
  if (!author.ok) return author
  return ok({ type: content.value.type, sha256: content.value.sha256, author: author.value })
}

/** wire.md 6 as far as one event decides. */
const readEvent = (given: unknown, encrypted: boolean): Result<Read> => {
  const shape = checkEventShape(given)
  if (!shape.ok) return shape
  const event = shape.value
  if (eventId(event, nodeHashes) !== event.id) return refuse('bad-event', 'not its id')
  if (!verifies(proofOf(event))) return refuse('bad-signature', 'the event')
  return readText(event, encrypted ? opened(event.content, event.pubkey) : event.content)
}

const valid = eventVectors('valid')
const invalid = eventVectors('invalid')
const decidedAlone = ({ stage }: { stage: string }): boolean => stage === 'content'

describe('a valid vector', () => {
  it.each(valid.filter((v) => v.stage !== 'wrap'))('$name: $why', ({ event, road, expect: wanted }) => {
    const read = readEvent(event, road === 'nip44')

    expect(read).toMatchObject({ ok: true })
    // When a message is due only its receiver's clock tells.
    if (read.ok) expect({ ...wanted, ...read.value }).toEqual(wanted)
  })

  it.each(valid.filter((v) => v.text !== undefined && v.road === 'nip44'))('$name: opens to its text', (v) => {
    expect(opened(v.event.content, v.event.pubkey)).toBe(v.text)
  })

  it.each(valid.filter((v) => v.stage === 'wrap'))('$name: $why', ({ event, rumor, text, expect: wanted }) => {
    const seal = JSON.parse(opened(event.content, event.pubkey)) as NostrEvent
    const found = JSON.parse(opened(seal.content, seal.pubkey)) as UnsignedEvent

    expect(event.kind).toBe(1059)
    expect(verifies(proofOf(event)) && verifies(proofOf(seal))).toBe(true)
    expect(seal).toMatchObject({ kind: 13, tags: [], pubkey: found.pubkey })
    expect(found).toEqual(rumor)
    expect(eventId(found, nodeHashes)).toBe(found.id)
    expect(found.content).toBe(text)
    expect(readText(found, found.content)).toEqual({ ok: true, value: wanted })
  })
})

describe('an invalid vector', () => {
  it.each(invalid.filter(decidedAlone))('$name is refused with $code: $why', ({ event, road, code }) => {
    const read = readEvent(event, road === 'nip44')

    expect(read.ok ? 'accepted' : read.refusal.code).toBe(code)
  })

  it.each(invalid.filter((v) => decidedAlone(v) && v.code === 'bad-schema'))(
    '$name is refused for what its name says: by a tag, or before the tags are looked at',
    ({ name, event, road }) => {
      const read = readEvent(event, road === 'nip44')

      expect(!read.ok && read.refusal.message.startsWith('tag ')).toBe(name.startsWith('tag-'))
    },
  )

  it.each(invalid.filter((v) => v.stage === 'receiver'))(
    '$name is whole, so that only its receiver refuses it with $code',
    ({ event, road }) => {
      expect(readEvent(event, road === 'nip44')).toMatchObject({ ok: true })
    },
  )
})

describe('the vectors', () => {
  it('hold every code that one event and a stated context can decide', () => {
    const undecidable = ['missing-fragment', 'local-unavailable', 'local-rejected', 'rate-limited']

    const codes = new Set(invalid.map(({ code }) => code))

    expect([...codes].toSorted()).toEqual(REFUSAL_CODES.filter((code) => !undecidable.includes(code)).toSorted())
  })

  it('hold every content type, valid and invalid', () => {
    const registryText = readFileSync(new URL('kinds/registry.json', root), 'utf8')
    const registry = JSON.parse(registryText) as { types: { type: string }[] }
    const texts = (vectors: typeof valid): string => vectors.map((v) => v.text ?? v.event.content).join('\n')

    for (const { type } of registry.types) {
      expect(texts(valid)).toContain(`"type":"${type}"`)
      expect(texts(invalid)).toContain(`"type":"${type}"`)
    }
  })

  it('say why, and each has a name of its own', () => {
    const all = [...valid, ...invalid]

    for (const { name, why } of all) expect(why.length, name).toBeGreaterThan(5)
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  })

  it('are those that the committed script makes', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build-vectors.mjs', '--check'], { cwd: root })

    expect(stderr.toString()).toBe('')
    expect(status).toBe(0)
  })

  it('include the reference vectors as the wire contract beside this checkout has them, where there is one', () => {
    const beside = new URL('../shared/spec/vectors.json', root)
    if (existsSync(beside)) expect(referenceText).toBe(readFileSync(beside, 'utf8'))
    else expect(reference).toHaveProperty('note')
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { attestationTemplate } from '../../../src/core/attestation.js'
import { readContent } from '../../../src/core/envelope.js'
import type { Envelope } from '../../../src/core/envelope-types.js'
import { eventId, serializeEvent } from '../../../src/core/event.js'
import { emptyLanes, rootOfLanes } from '../../../src/core/roothash.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { eventVectors } from '../../support/vectors.js'

const readme = readFileSync(new URL('../../../kinds/README.md', import.meta.url), 'utf8')

describe('the worked example of kinds/README.md', () => {
  const { event } = eventVectors('valid').find(({ name }) => name === 'txxm-least')!
  const content = readContent(event.content, nodeHashes)
  const envelope = (content.ok ? content.value : undefined) as Envelope
  const { pubkey, created_at, sig } = envelope.attestation!
  const signed = { ...attestationTemplate(envelope.type, envelope.sha256, created_at), pubkey }

  it.each([
    ['canonical body', envelope.bodyText],
    ['TXXM id', `\`${envelope.sha256}\``],
    ['serialized attestation', serializeEvent(signed)],
    ['signed digest', `\`${eventId(signed, nodeHashes)}\``],
    ['signature', `\`${sig}\``],
    ['content', event.content],
    ['tags', JSON.stringify(event.tags)],
  ])('holds the %s of its vector', (_, text) => {
    expect(readme).toContain(text)
  })

  it('holds the root of no ids', () => {
    expect(readme).toContain(rootOfLanes(emptyLanes(), nodeHashes))
  })
})

import { describe, expect, it } from 'vitest'
import * as library from '../../src/index.js'
import type { HermId, KorName, UnixSec } from '../../src/index.js'

const {
  attestationOf,
  attestationProof,
  attestationTemplate,
  canonical,
  checkEventShape,
  checkTags,
  engineVerifier,
  localSigner,
  nip44,
  nodeHashes,
  openEngine,
  proofOf,
  readContent,
  systemRandom,
  txxmTags,
  writeEnvelope,
} = library

describe('the library', () => {
  it('lets another program make a TXXM, and read it back with every check that a receiver makes', async () => {
    // Arrange: a signer, and a TXXM as its author wants it.
    const engine = await openEngine()
    const signer = localSigner(systemRandom.bytes(32), engine, nip44, systemRandom)
    const sender = await signer.getPublicKey()
    const createdAt = 1_790_000_000 as UnixSec
    const txxm = {
      type: 'signal',
      action: 'fleet.signal',
      target_kor: 'room.kor' as KorName,
      source_kor: `${'herm-a' as HermId}.room.kor`,
      payload: { load: 0.5 },
      sender,
      nonce: '1',
    }
    const bodyText = canonical(txxm)
    const id = nodeHashes.sha256Hex(bodyText)

    // Act: attested, wrapped, signed; then read as by a stranger.
    const signed = await signer.signEvent(attestationTemplate('txxm-envelope', id, createdAt))
    const attestation = attestationOf(signed)
    const event = await signer.signEvent({
      kind: 30_078,
      created_at: createdAt,
      tags: txxmTags({ id: id as library.MessageId, txxm }, nodeHashes),
      content: writeEnvelope({ type: 'txxm-envelope', bodyText, sha256: id, attestation }),
    })
    const shape = checkEventShape(JSON.parse(JSON.stringify(event)))
    const content = readContent(event.content, nodeHashes)

    // Assert
    expect(shape.ok).toBe(true)
    if (!content.ok || content.value.type !== 'txxm-envelope') throw new Error('it was not read back')
    expect(content.value.body).toEqual(txxm)
    expect(checkTags(event, content.value, nodeHashes)).toEqual({ ok: true, value: undefined })
    const proofs = [proofOf(event), attestationProof('txxm-envelope', id, attestation, nodeHashes)]
    expect(await engineVerifier(engine).verify(proofs)).toEqual([true, true])
  })
})

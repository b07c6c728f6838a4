import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { attestationOf, attestationProof, attestationTemplate } from '../../../src/core/attestation.js'
import { readContent, writeEnvelope } from '../../../src/core/envelope.js'
import type { Content, Envelope, NodeInfo } from '../../../src/core/envelope-types.js'
import { eventId } from '../../../src/core/event.js'
import { nodeInfoTemplate } from '../../../src/core/nodeinfo.js'
import {
  checkTags,
  encTags,
  fragmentTags,
  receiptTags,
  resultTags,
  taskTags,
  txxmTags,
  WIRE_KIND,
} from '../../../src/core/tags.js'
import type { EventId, MessageId, NostrEvent, Pubkey, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

// The reference vectors of the wire contract, written by our own builders: each must come out to the byte.

interface Reference {
  keys: Record<string, { pk: Pubkey }>
  txxm: { id: MessageId; event: NostrEvent }
  txxm_gossip: { id: MessageId; event: NostrEvent }
  task: { sha256: string; event: NostrEvent }
  result: { sha256: string; event: NostrEvent }
  receipt_stored: { sha256: string; event: NostrEvent }
  receipts_list: object
  node_info: { event: NostrEvent }
  nip44: { event: NostrEvent }
  fragments: { of: string; events: NostrEvent[] }
  also_accepted: { what: string; event: NostrEvent }[]
  invalid: { code: string; why: string; event: NostrEvent }[]
}
const reference = JSON.parse(
  readFileSync(new URL('../../../kinds/vectors/reference.json', import.meta.url), 'utf8'),
) as Reference
const alpha = reference.keys.alpha!.pk
const beta = reference.keys.beta!.pk
const expiration = 1780604800 as UnixSec

const read = (text: string): Content => {
  const content = readContent(text, nodeHashes)
  if (!content.ok) throw new Error(content.refusal.message)
  return content.value
}
const readEnvelope = <T extends Envelope['type']>(text: string, type: T): Extract<Envelope, { type: T }> => {
  const content = read(text)
  if (content.type !== type) throw new Error(`it is a ${content.type}`)
  return content as Extract<Envelope, { type: T }>
}

describe('the reference vectors', () => {
  it('of TXXMs have the tags that we write', () => {
    const { txxm, txxm_gossip } = reference
    const addressed = readEnvelope(txxm.event.content, 'txxm-envelope').body
    const gossip = readEnvelope(txxm_gossip.event.content, 'txxm-envelope').body

    expect(txxmTags({ id: txxm.id, txxm: addressed, to: beta, expiration }, nodeHashes)).toEqual(txxm.event.tags)
    expect(txxmTags({ id: txxm_gossip.id, txxm: gossip }, nodeHashes)).toEqual(txxm_gossip.event.tags)
  })

  it('of tasks, results, receipts, fragments and the nip44 form have the tags that we write', () => {
    const { task, result, receipt_stored: receipt, fragments, nip44 } = reference
    const events = readEnvelope(receipt.event.content, 'receipt').body.map(({ event }) => event)
    const random = Uint8Array.from(Buffer.from(nip44.event.tags[0]![1]!.slice(4), 'hex'))

    expect(taskTags({ sha256: task.sha256, to: beta, expiration })).toEqual(task.event.tags)
    expect(resultTags({ sha256: result.sha256, to: alpha, expiration })).toEqual(result.event.tags)
    expect(receiptTags({ sha256: receipt.sha256, to: alpha, events, expiration })).toEqual(receipt.event.tags)
    fragments.events.forEach((event, index) =>
      expect(fragmentTags({ of: fragments.of, index, to: beta, expiration })).toEqual(event.tags),
    )
    expect(encTags({ random, to: beta, expiration })).toEqual(nip44.event.tags)
  })

  it('of node-info are the event that we write', () => {
    const { event } = reference.node_info
    const content = read(event.content)
    const info = (content as Extract<Content, { type: 'ksp-service' }>).info

    const template = nodeInfoTemplate(info, event.created_at, 1780003600 as UnixSec)

    expect(template).toEqual({
      kind: event.kind,
      created_at: event.created_at,
      tags: event.tags,
      content: event.content,
    })
    expect(eventId({ ...template, pubkey: event.pubkey }, nodeHashes)).toBe(event.id)
  })

  it('hold attestations over the id of the event of kind 78', () => {
    for (const { event } of [reference.txxm, reference.txxm_gossip, reference.task, reference.result]) {
      const envelope = read(event.content) as Envelope
      const attestation = envelope.attestation!
      const template = attestationTemplate(envelope.type, envelope.sha256, attestation.created_at)
      const whole = { ...template, id: '' as EventId, pubkey: attestation.pubkey, sig: attestation.sig }

      expect(attestationProof(envelope.type, envelope.sha256, attestation, nodeHashes)).toEqual({
        digest: eventId({ ...template, pubkey: attestation.pubkey }, nodeHashes),
        pubkey: attestation.pubkey,
        sig: attestation.sig,
      })
      expect(attestationOf(whole)).toEqual(attestation)
    }
  })

  it('are read back equal from what we write', () => {
    const texts = [reference.txxm, reference.task, reference.result, reference.receipt_stored].map(
      (v) => v.event.content,
    )

    for (const text of [...texts, JSON.stringify(reference.receipts_list), reference.fragments.events[0]!.content]) {
      const envelope = read(text) as Envelope
      expect(read(writeEnvelope(envelope))).toEqual(envelope)
    }
  })

  it.each(reference.also_accepted)('are also accepted: $what', ({ event }) => {
    const content = read(event.content)

    if (content.type === 'ksp-service')
      expect((content.info as NodeInfo & { version?: number }).version).toBeUndefined()
    else expect(checkTags(event, content as Envelope, nodeHashes)).toEqual({ ok: true, value: undefined })
  })

  it.each(
    reference.invalid.filter(({ code }) =>
      ['bad-json', 'bad-hash', 'bad-schema', 'unsupported-version'].includes(code),
    ),
  )('are refused with $code: $why', ({ event, code }) => {
    const content = readContent(event.content, nodeHashes)
    const tags = content.ok ? checkTags(event, content.value as Envelope, nodeHashes) : content

    expect(tags.ok ? 'accepted' : tags.refusal.code).toBe(code)
    expect(event.kind).toBe(WIRE_KIND)
  })
})

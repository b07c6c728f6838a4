import { canonical } from '../../src/core/canonical.js'
import { attestationOf, attestationTemplate } from '../../src/core/attestation.js'
import { writeEnvelope } from '../../src/core/envelope.js'
import type { NodeInfo, Txxm } from '../../src/core/envelope-types.js'
import { tagValue } from '../../src/core/event.js'
import { nodeInfoTemplate, npubOf } from '../../src/core/nodeinfo.js'
import type { JsonValue, MessageId, NostrEvent, Pubkey, RelayUrl, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { Arrival } from '../../src/ports.js'
import type { Party } from './transport-bench.js'

/** What a transport hands over, made by a key that a test holds. Nothing here asserts. */

const NOW_SEC = 1_750_000_000

export const arrivalOf = (event: NostrEvent, parts: Partial<Arrival> = {}): Arrival => ({
  event,
  carrier: event.pubkey,
  road: 'public',
  confidential: false,
  toUs: tagValue(event, 'p') !== undefined,
  text: event.content,
  relay: 'ws://127.0.0.1:1' as RelayUrl,
  ...parts,
})

export interface Sent {
  readonly id: MessageId
  readonly arrival: Arrival
}

/** A TXXM of `by`; with `to` it is addressed, else it is gossip. `n` tells it from the others. */
export const txxmOf = async (
  by: Party,
  n: number | string,
  o: { readonly to?: Pubkey; readonly body?: Partial<Txxm>; readonly attested?: boolean; readonly at?: number } = {},
): Promise<Sent> => {
  const body = {
    type: 'signal',
    action: 'room.post',
    target_kor: 'room.kor',
    source_kor: 'herm-alpha.room.kor',
    payload: { n },
    sender: by.key,
    nonce: '1',
    ...(o.to === undefined ? {} : { audience: [o.to] }),
    ...o.body,
  }
  const bodyText = canonical(body as unknown as JsonValue)
  const sha256 = nodeHashes.sha256Hex(bodyText)
  const attestation =
    o.attested === false
      ? undefined
      : attestationOf(await by.signEvent(attestationTemplate('txxm-envelope', sha256, NOW_SEC as UnixSec)))
  const content = writeEnvelope({
    type: 'txxm-envelope',
    bodyText,
    sha256,
    ...(attestation === undefined ? {} : { attestation }),
  })
  const event = await by.signEvent({
    kind: 30078,
    created_at: (o.at ?? NOW_SEC) as UnixSec,
    tags: [['d', `txxm-${sha256}`], ['t', 'kapnet'], ...(o.to === undefined ? [] : [['p', o.to]])],
    content,
  })
  return { id: sha256 as MessageId, arrival: arrivalOf(event) }
}

export const nodeInfoOf = async (
  by: Party,
  id: string,
  at = NOW_SEC,
  over: Partial<NodeInfo> = {},
): Promise<Arrival> => {
  const info: NodeInfo = {
    id: id as NodeInfo['id'],
    npub: npubOf(by.key),
    endpoint: '',
    capabilities: ['txxm-gossip'],
    kor_namespaces: ['room.kor'],
    status: 'active',
    ...over,
  }
  return arrivalOf(await by.signEvent(nodeInfoTemplate(info, at as UnixSec, (at + 3_600) as UnixSec)))
}

import type { NodeInfo } from '../core/envelope-types.js'
import { npubOf } from '../core/nodeinfo.js'
import type { Pubkey, Road } from '../core/types.js'
import type { Config } from './config-type.js'

/** At most as many as wire.md 2.5 allows. */
const MAX_RELAYS = 8
/** What this version drives. */
const DRIVEN: readonly Road[] = ['nip44', 'public']

/** What this Herm says of itself, as far as the configuration knows it (wire.md 2.5). */
export const nodeInfoOf = (
  config: Pick<Config, 'id' | 'korNamespaces' | 'relays' | 'limits' | 'advertise'>,
  key: Pubkey,
  status: NodeInfo['status'],
  version: string,
): NodeInfo => {
  const roads = new Set(config.relays.flatMap((relay) => (relay.read ? relay.roads : [])))
  const relays = config.relays.filter((relay) => relay.read).map((relay) => relay.url)
  return {
    id: config.id,
    npub: npubOf(key),
    endpoint: config.advertise.endpoint ?? '',
    capabilities: ['txxm-gossip'],
    kor_namespaces: config.korNamespaces,
    status,
    relays: relays.slice(0, MAX_RELAYS),
    transports: DRIVEN.filter((road) => roads.has(road)),
    limits: { max_envelope_bytes: config.limits.maxEnvelopeBytes },
    software: { name: 'ksp-bridge', version },
  }
}

import type { Config } from '../../config.js'
import { readContent } from '../../core/envelope.js'
import type { NodeInfo } from '../../core/envelope-types.js'
import { proofOf } from '../../core/event.js'
import { reasonOf } from '../../core/fault.js'
import type { Filter } from '../../core/match.js'
import type { NostrEvent, Pubkey, RelayUrl } from '../../core/types.js'
import { openEngine } from '../../crypto/engine.js'
import { nodeHashes } from '../../crypto/hashes.js'
import { nip44 } from '../../crypto/nip44.js'
import { localSigner, type LocalSigner } from '../../identity/local-signer.js'
import { systemClock, systemRandom } from '../../ops/system.js'
import { fetchEvents } from '../../transports/fetch.js'
import { unlockOwnKey } from '../keys.js'
import { CliError } from '../print.js'

/** Asks relays what they hold, beside the bridge: a witness of its own. */
export interface Witness {
  /** Events that a relay has, each with a signature that holds. Those of the first relay that answers. */
  onRelay(filter: Filter): Promise<{ relay: RelayUrl; events: NostrEvent[] }>
  /** The newest node-info that holds, by an author or by a Herm id. */
  findNodeInfo(who: {
    readonly key?: Pubkey
    readonly id?: string
  }): Promise<{ relay: RelayUrl; event: NostrEvent; info: NodeInfo } | undefined>
  /** Forgets the key, if it was needed. */
  close(): Promise<void>
}

const FETCH_MS = 10_000
const clock = systemClock()

/**
 * With the relays and the key of this Herm. The key is unlocked only where a relay wants to know who asks (NIP-42): most
 * relays don't, and then a proof needs no passphrase.
 */
export const openWitness = async (config: Config): Promise<Witness> => {
  const engine = await openEngine()
  const relays = config.relays.map((r) => r.url)
  const wantAuth = new Set<RelayUrl>()
  let unlocking: Promise<LocalSigner> | undefined

  const unlock = async (): Promise<LocalSigner> => {
    const { secret } = await unlockOwnKey(config)
    const signer = localSigner(secret, engine, nip44, systemRandom)
    secret.fill(0)
    return signer
  }

  const fetch = async (relay: RelayUrl, filter: Filter): Promise<NostrEvent[]> => {
    const once = { clock, timeoutMs: FETCH_MS, hashes: nodeHashes }
    if (!wantAuth.has(relay)) {
      try {
        return await fetchEvents(relay, [filter], once)
      } catch (error) {
        if (!reasonOf(error).startsWith('refused: auth-required')) throw error
        wantAuth.add(relay)
      }
    }
    unlocking ??= unlock()
    return fetchEvents(relay, [filter], { ...once, signer: await unlocking })
  }

  const onRelay: Witness['onRelay'] = async (filter) => {
    const failures: string[] = []
    for (const relay of relays) {
      try {
        const events = await fetch(relay, filter)
        return { relay, events: events.filter((e) => engine.verify(proofOf(e))) }
      } catch (error) {
        failures.push(`${relay}: ${reasonOf(error)}`)
      }
    }
    throw new CliError('relay', `no relay answers: ${failures.join('; ')}`, { hint: 'check relays in ksp.yaml' })
  }

  return {
    onRelay,
    findNodeInfo: async (who) => {
      const { relay, events } = await onRelay({
        kinds: [30078],
        '#t': ['ksp-service'],
        ...(who.key === undefined ? {} : { authors: [who.key] }),
      })
      const found = events.flatMap((event) => {
        const content = readContent(event.content, nodeHashes)
        if (!content.ok || content.value.type !== 'ksp-service') return []
        const { info } = content.value
        return who.id === undefined || info.id === who.id ? [{ relay, event, info }] : []
      })
      return found.sort((a, b) => b.event.created_at - a.event.created_at)[0]
    },
    close: async () => {
      // One that could not be unlocked has said so where it was needed.
      const signer = await unlocking?.catch(() => undefined)
      signer?.wipe()
    },
  }
}

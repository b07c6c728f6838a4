import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Decision } from '../../src/core/decision.js'
import { checkEventShape, proofOf, tagValue } from '../../src/core/event.js'
import { decideInbound, openCarried, type Carried, type InboundContext } from '../../src/core/inbound.js'
import { makeRoster, type PeerRule, type RosterInput } from '../../src/core/peers.js'
import type { RefusalCode } from '../../src/core/refusal.js'
import { pKeys } from '../../src/core/tags.js'
import type { HermId, KorName, NostrEvent, Pubkey, RelayUrl, UnixMs } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { BraidReader, Clock, CryptoEngine, Store } from '../../src/ports.js'
import { openStore } from '../../src/store/open.js'

/** A receiver without a network: the real checks, the real engine and a real store in a folder of its own. */
export interface Receiver {
  readonly store: Store & BraidReader
  readonly clock: { set(ms: number): void }
  /** Configures anew: a new roster, and a new generation where `generation` says so. */
  configure(over: Partial<ReceiverSettings>): void
  receive(event: NostrEvent, text?: string): Promise<Decision>
  context(): InboundContext
  close(): Promise<void>
}

export interface ReceiverSettings {
  readonly me: string
  readonly myId: string
  readonly kors: readonly string[]
  readonly rules: readonly PeerRule[]
  readonly mode: RosterInput['mode']
  readonly agents: readonly string[]
  readonly ports: InboundContext['ports']
  readonly maxEnvelopeBytes: number
  readonly generation: number
  readonly inFlight: InboundContext['inFlight']
}

export const makeReceiver = async (
  nowSec: number,
  settings: Partial<ReceiverSettings> & { me: string },
): Promise<Receiver> => {
  const folder = mkdtempSync(join(tmpdir(), 'ksp-receiver-'))
  const engine: CryptoEngine = await openEngine()
  let now = nowSec * 1000
  const clock: Clock = { now: () => now as UnixMs, sleep: () => Promise.resolve() }
  const store = openStore(join(folder, 'braid.sqlite'), { clock, hashes: nodeHashes })
  let s: ReceiverSettings = {
    myId: 'herm-qubes-beta',
    kors: [],
    rules: [],
    mode: 'allowlist',
    agents: [],
    ports: ['kapnetd'],
    maxEnvelopeBytes: 512 * 1024,
    generation: 1,
    inFlight: () => undefined,
    ...settings,
  }
  const context = (): InboundContext => ({
    now: now as UnixMs,
    roster: makeRoster({
      me: s.me as Pubkey,
      myId: s.myId as HermId,
      mode: s.mode,
      rules: s.rules,
      grants: store.grants(),
      pins: store.pins(),
      infos: store.peers(),
    }),
    korNamespaces: s.kors as KorName[],
    agents: s.agents,
    ports: s.ports,
    generation: s.generation,
    inFlight: s.inFlight,
    retryAfterMs: 30_000,
  })
  return {
    store,
    clock: { set: (ms) => (now = ms) },
    configure: (over) => (s = { ...s, ...over }),
    context,
    receive: (event, text) => {
      const ctx = context()
      const no = (code: RefusalCode): Promise<Decision> => Promise.resolve({ refusal: { code, message: code } })
      const shape = checkEventShape(event)
      if (!shape.ok) return no(shape.refusal.code)
      const isNodeInfo = event.tags.some((t) => t[0] === 't' && t[1] === 'ksp-service')
      if (!isNodeInfo && !ctx.roster.standing(event.pubkey).trusted) return no('untrusted-sender')
      if (!engine.verify(proofOf(event))) return no('bad-signature')
      const sealed = tagValue(event, 'd')?.startsWith('enc-') === true
      const carried: Carried = {
        event,
        carrier: event.pubkey,
        road: sealed ? 'nip44' : 'public',
        confidential: sealed,
        toUs: pKeys(event).includes(s.me as Pubkey),
        text: text ?? (sealed ? undefined : event.content),
        relay: 'ws://127.0.0.1:1' as RelayUrl,
      }
      const opened = openCarried(carried, s.maxEnvelopeBytes, nodeHashes)
      const attested = opened.proof === undefined || engine.verify(opened.proof)
      return store.commit((view) => decideInbound(opened, attested, view, ctx))
    },
    close: async () => {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

import { setImmediate as turn } from 'node:timers/promises'
import { openEngine } from '../../src/crypto/engine.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { nip44 } from '../../src/crypto/nip44.js'
import { engineVerifier } from '../../src/crypto/verify.js'
import { systemClock, systemRandom } from '../../src/ops/system.js'
import { encTags } from '../../src/core/tags.js'
import { Fault } from '../../src/core/fault.js'
import { eventId } from '../../src/core/event.js'
import type { RefusalCode } from '../../src/core/refusal.js'
import type { EventId, EventTemplate, NostrEvent, Pubkey, RelayUrl, Signature, UnixMs } from '../../src/core/types.js'
import { toSec } from '../../src/core/types.js'
import type { Arrival, CryptoEngine, RelayMemory, Signer, Transport } from '../../src/ports.js'
import type { RelayConfig } from '../../src/transports/line.js'
import { relayTransport, type RelayTransportOptions } from '../../src/transports/relay.js'
import { watching, type Watch } from './watching.js'

const clock = systemClock()

/** A Herm's key in the open: a test signs, seals and opens with it. */
export interface Party extends Signer {
  readonly key: Pubkey
  /** A message as wire.md 3 has it, to one key or to nobody; `n` tells it from the others. */
  message(n: number | string, o?: { to?: Pubkey; at?: number; content?: string; tags?: string[][] }): NostrEvent
  sealed(to: Pubkey, text: string): Promise<NostrEvent>
}

export const partyOf = (engine: CryptoEngine, name: string): Party => {
  const secret = nodeHashes.sha256(`ksp test key ${name}`)
  const key = Buffer.from(engine.publicKey(secret)).toString('hex') as Pubkey
  const conversation = (other: Pubkey): Uint8Array => nip44.conversationKey(engine.sharedX(secret, other))
  const sign = (template: EventTemplate): NostrEvent => {
    const id = eventId({ ...template, pubkey: key }, nodeHashes)
    const sig = Buffer.from(engine.sign(Buffer.from(id, 'hex'), secret, systemRandom.bytes(32))).toString('hex')
    return { ...template, pubkey: key, id, sig: sig as Signature }
  }
  const nip44Encrypt = (to: Pubkey, text: string): Promise<string> =>
    Promise.resolve(nip44.encrypt(text, conversation(to), systemRandom.bytes(32)))
  return {
    key,
    getPublicKey: () => Promise.resolve(key),
    signEvent: (template) => Promise.resolve(sign(template)),
    nip44Encrypt,
    nip44Decrypt: (from, payload) => {
      const text = nip44.decrypt(payload, conversation(from))
      return text === undefined ? Promise.reject(new Fault('signer', 'not for this key')) : Promise.resolve(text)
    },
    message: (n, { to, at = toSec(clock.now()), content = '{}', tags = [] } = {}) =>
      sign({
        kind: 30078,
        created_at: at as never,
        tags: [['d', `txxm-${n}`], ['t', 'kapnet'], ...(to === undefined ? [] : [['p', to]]), ...tags],
        content,
      }),
    sealed: async (to, text) =>
      sign({
        kind: 30078,
        created_at: toSec(clock.now()),
        tags: encTags({ random: systemRandom.bytes(16), to, expiration: (toSec(clock.now()) + 600) as never }),
        content: await nip44Encrypt(to, text),
      }),
  }
}

/** A transport on real sockets with everything it hands over kept, and a memory that outlives it. */
export interface Bench {
  readonly me: Party
  readonly peer: Party
  readonly stranger: Party
  readonly transport: Transport
  /** In the order in which the intake got them. */
  readonly arrivals: Arrival[]
  readonly refused: { code: RefusalCode; event?: EventId; relay: RelayUrl }[]
  readonly memory: Map<RelayUrl, RelayMemory>
  readonly marks: Set<EventId>
  readonly watch: Watch
  /** Contents of what arrived, without repetition. */
  contents(): Set<string>
  isWhole(url: RelayUrl): boolean
  start(): void
  stop(): Promise<void>
}

export interface BenchOptions {
  readonly relays: readonly (Partial<RelayConfig> & { url: RelayUrl })[]
  readonly limits?: RelayTransportOptions['limits']
  /** Called before the arrivals count as taken. */
  readonly intake?: (arrivals: Arrival[]) => Promise<void>
  readonly signer?: Partial<Signer>
  readonly webSocket?: RelayTransportOptions['webSocket']
  /** Beside the peer. */
  readonly trusts?: (key: Pubkey) => boolean
  /** Of a bench before: what a restarted bridge still knows. */
  readonly after?: Pick<Bench, 'memory' | 'marks'>
  readonly onOpen?: (url: RelayUrl) => void
}

const SOON = { minMs: 10, maxMs: 100 }
const QUICK = { reconnect: SOON, intakeRetry: SOON, pageRetry: SOON, roundRetry: SOON }

export const transportBench = async (o: BenchOptions): Promise<Bench> => {
  const engine = await openEngine()
  const [me, peer, stranger] = [partyOf(engine, 'alpha'), partyOf(engine, 'beta'), partyOf(engine, 'gamma')]
  const arrivals: Arrival[] = []
  const refused: Bench['refused'] = []
  const memory = o.after?.memory ?? new Map<RelayUrl, RelayMemory>()
  const marks = o.after?.marks ?? new Set<EventId>()
  const watch = watching()
  const said = (): void => watch.changed()
  let life = new AbortController()
  let running: Promise<void> | undefined

  const transport = relayTransport({
    relays: o.relays.map((r) => ({ roads: ['public', 'nip44'], read: true, write: true, ...r })),
    me: me.key,
    signer: { ...me, ...o.signer },
    verifier: engineVerifier(engine),
    hashes: nodeHashes,
    clock,
    random: systemRandom,
    log: { debug: said, info: said, warn: said, error: said },
    trusted: () => [peer.key],
    isTrusted: (key) => key === peer.key || o.trusts?.(key) === true,
    seen: (ids) => new Set(ids.filter((id) => marks.has(id))),
    intake: async (batch) => {
      // A commit takes a moment.
      await turn()
      await o.intake?.(batch)
      arrivals.push(...batch)
      for (const { event } of batch) marks.add(event.id)
      watch.changed()
    },
    onRefused: (code, about) => {
      refused.push({ code, ...about })
      watch.changed()
    },
    memory: (url) => memory.get(url) ?? { url },
    remember: async (m) => {
      await turn()
      memory.set(m.url, m)
      watch.changed()
    },
    onOpen: (url) => {
      o.onOpen?.(url)
      watch.changed()
    },
    limits: { ...QUICK, ...o.limits },
    ...(o.webSocket === undefined ? {} : { webSocket: o.webSocket }),
  })

  return {
    me,
    peer,
    stranger,
    transport,
    arrivals,
    refused,
    memory,
    marks,
    watch,
    contents: () => new Set(arrivals.map((a) => a.text ?? '')),
    isWhole: (url) => memory.get(url)?.lastWhole !== undefined,
    start: () => {
      life = new AbortController()
      running = transport.run(life.signal)
      // A failure is seen when the test stops it.
      running.catch(() => undefined)
    },
    stop: async () => {
      life.abort()
      await running
    },
  }
}

export const nowMs = (): UnixMs => clock.now()
export const nowSec = (): number => toSec(clock.now())

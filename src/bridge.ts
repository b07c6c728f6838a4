import { setMaxListeners } from 'node:events'
import { join } from 'node:path'
import type { Config } from './config.js'
import { fingerprint, nodeInfoOf, socketPath } from './config.js'
import { ownRelay, runPrivateRelay } from './bridge-relay.js'
import { nodeHashes } from './crypto/hashes.js'
import { engineVerifier } from './crypto/verify.js'
import { Fault } from './core/fault.js'
import type { InboundContext } from './core/inbound.js'
import { npubOf } from './core/nodeinfo.js'
import type { OutboundContext } from './core/outbound.js'
import type { Pubkey } from './core/types.js'
import { MAX_SEALED_BYTES } from './core/wire.js'
import { openControl } from './ops/control-server.js'
import { takeLock } from './ops/lock.js'
import { createAdvertiser } from './pipeline/advertise.js'
import { createAfterCommit } from './pipeline/after-commit.js'
import { createBell } from './pipeline/bell.js'
import { createInbound } from './pipeline/intake-inbound.js'
import { createOutbound } from './pipeline/intake-outbound.js'
import { createKorResolver } from './pipeline/resolve-kor.js'
import { createRosterKeeper } from './pipeline/roster-keeper.js'
import type { InFlight } from './pipeline/send-peer.js'
import { createSeen } from './pipeline/seen.js'
import { sparingLog } from './pipeline/sparing-log.js'
import { tagSecretOf } from './pipeline/tag-secret.js'
import { createTally } from './pipeline/tally.js'
import { hastenFor, wokenPeers } from './pipeline/wake-peers.js'
import { createWatch } from './pipeline/watch.js'
import type { Clock, CryptoEngine, Log, Random, Signer } from './ports.js'
import { controlHandlers } from './bridge-control.js'
import { createOutgoing } from './bridge-outgoing.js'
import { openPorts, portNamesOf } from './bridge-ports.js'
import { bridgeStatus } from './bridge-status.js'
import { restartNeeded } from './bridge-restart.js'
import { trustedKeysFile } from './bridge-trusted-keys.js'
import { openStore } from './store/open.js'
import { limitsFor } from './transports/limits.js'
import { relayTransport } from './transports/relay.js'

/**
 * The one composition root: every part is made here and knows the others only by their interfaces. Its life is one
 * AbortSignal. Nothing in it is durable; the store alone is.
 */
export interface BridgeOptions {
  readonly config: Config
  /** Reads the configuration again (SIGHUP, `ksp config reload`). Throws with all mistakes when it is wrong. */
  readonly reload: () => Config
  readonly signer: Signer
  readonly engine: CryptoEngine
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly version: string
  /** Shown by status when a test has moved the clock. */
  readonly clockOffsetMs: number
}

export interface Bridge {
  readonly me: Pubkey
  /** Runs until `signal` aborts, then drains: no new work, what is under way ends, `offline` is told. Rejects for a bug. */
  run(signal: AbortSignal, onReady: () => void): Promise<void>
  reload(): Promise<void>
}

/** Another bridge holds this data folder. */
export class AlreadyRunning extends Error {}

/** The longest that a stopping bridge waits for what is under way. */
const DRAIN_MS = 8_000
/** And for the relays' answers to its goodbye: one that is silent must not hold up every stop. */
const GOODBYE_MS = 2_000

export const openBridge = async (o: BridgeOptions): Promise<Bridge> => {
  const { clock, random, log, signer } = o
  let config = o.config
  const me = await signer.getPublicKey()

  const lock = takeLock(join(config.dataDir, 'lock'))
  if (lock === undefined) throw new AlreadyRunning(`another bridge runs on ${config.dataDir}`)
  const store = openStore(join(config.dataDir, 'braid.sqlite'), { clock, hashes: nodeHashes })
  const tagSecret = await tagSecretOf(store, random)

  const verifier = engineVerifier(o.engine)
  const bell = createBell()
  const tally = createTally()
  const inFlight: InFlight = new Map()
  const hard = new AbortController()
  const bugs: unknown[] = []
  const stop = new AbortController()
  const onBug = (error: unknown): void => {
    bugs.push(error)
    stop.abort()
  }

  const conflicts = new Map<string, string>()
  const watch = createWatch((message) => store.deliveriesOf(message))
  const afterCommit = createAfterCommit({
    bell,
    tally,
    rosterChanged: () => keeper.changed(),
    isTrusted: (key) => keeper.roster().standing(key).trusted,
    moved: watch.moved,
    conflict: (refusal) => {
      if (conflicts.size < 100) conflicts.set(refusal.message, refusal.code)
    },
  })

  const trustedKeys = config.privateRelay?.onlyTrusted === true ? trustedKeysFile(config.dataDir, me, log) : undefined
  const keeper = await createRosterKeeper({
    me,
    myId: config.id,
    rules: { ...config.trust, fingerprint: fingerprint(config) },
    store,
    log,
    onBug,
    onChange: ({ trust, before }) => {
      if (trust) transport.trustChanged()
      if (trust) trustedKeys?.keep(keeper.roster().trustedKeys())
      rereadIfReconfigured().catch(onBug)
      // What waited for a Herm that serves its name may have found one.
      resolveKor().catch(onBug)
      const woken = wokenPeers(before, keeper.roster(), clock.now())
      hastenFor(woken, { store, clock, withinMs: config.delivery.backoffMaxMs }).catch(unlessFault('hasten.fault'))
    },
  })
  /** What a store that fails can't write now is tried again by itself at the next change. */
  const unlessFault =
    (event: string) =>
    (error: unknown): void => {
      if (error instanceof Fault) log.warn(event, { reason: error.message })
      else onBug(error)
    }
  const resolveKor = createKorResolver({ store, roster: keeper.roster, clock, log, afterCommit })

  const inboundContext = (): InboundContext => ({
    now: clock.now(),
    roster: keeper.roster(),
    korNamespaces: config.korNamespaces,
    // No local port takes tasks yet, so no agent is exposed and every task is refused.
    agents: [],
    ports: portNamesOf(config),
    generation: keeper.generation(),
    inFlight: (event) => inFlight.get(event),
    retryAfterMs: config.delivery.receiptTimeoutMs,
  })
  const outboundContext = (): Omit<OutboundContext, 'tips' | 'nonce'> => ({
    now: clock.now(),
    roster: keeper.roster(),
    korNamespaces: config.korNamespaces,
    ports: portNamesOf(config),
    maxEnvelopeBytes: config.limits.maxEnvelopeBytes,
    maxSealedBytes: MAX_SEALED_BYTES,
    outboxMaxAgeMs: config.limits.outboxMaxAgeMs,
  })

  const seen = createSeen(store.view, keeper.generation)
  const refusals = sparingLog(log, 'inbound.refused', clock)
  const intake = createInbound({
    store,
    verifier,
    hashes: nodeHashes,
    clock,
    log: refusals,
    tally,
    afterCommit,
    context: inboundContext,
    maxEnvelopeBytes: config.limits.maxEnvelopeBytes,
    peerRatePerSecond: config.limits.peerRatePerSecond,
    ofStranger: seen.ofStranger,
  })
  const accept = createOutbound({
    store,
    signer,
    hashes: nodeHashes,
    clock,
    random,
    tally,
    afterCommit,
    context: outboundContext,
  })

  let rereadFor: string | undefined
  /** What was refused under another configuration is asked for again, also when it changed while we were down. */
  const rereadIfReconfigured = async (): Promise<void> => {
    const generation = String(keeper.generation())
    if (generation === rereadFor || store.cursor('read-generation') === generation) return
    rereadFor = generation
    transport.rereadAll()
    // If it can't be written, this process still knows, and the next one reads once more.
    await store.setCursor('read-generation', generation).catch(unlessFault('reread.fault'))
  }

  const { privateRelay } = config
  const transport = relayTransport({
    relays: privateRelay === undefined ? config.relays : [...config.relays, ownRelay(privateRelay)],
    me,
    signer,
    verifier,
    hashes: nodeHashes,
    clock,
    random,
    log,
    trusted: () => keeper.roster().trustedKeys(),
    isTrusted: (key) => keeper.roster().standing(key).trusted,
    seen: seen.among,
    intake,
    onRefused: (code, about) => {
      tally.refused(code)
      refusals.info('inbound.refused', { code, ...about })
    },
    memory: store.relayMemory,
    remember: store.rememberRelay,
    onOpen: () => bell.ring('advertise'),
    limits: limitsFor(config.limits.maxEnvelopeBytes),
    outboxMaxAgeMs: config.limits.outboxMaxAgeMs,
  })

  const ports = openPorts({ config, store, accept, clock, random, log })

  const advertiser = createAdvertiser({
    info: (status) => nodeInfoOf(config, me, status, o.version),
    intervalMs: config.advertise.intervalMs,
    expireMs: config.advertise.expireMs,
    relays: () => transport.relaysFor('public'),
    signer,
    transport,
    clock,
    log,
    bell,
    lastAt: () => {
      const at = store.cursor('advertised-at')
      return at === undefined ? undefined : Number(at)
    },
    setLastAt: (at) => store.setCursor('advertised-at', String(at)),
  })

  const outgoing = createOutgoing({
    config,
    me,
    store,
    transport,
    ports,
    signer,
    tagSecret,
    clock,
    random,
    log,
    bell,
    tally,
    afterCommit,
    inFlight,
    isTrusted: (peer) => keeper.roster().standing(peer).receipts,
    isAsleep: (peer) => {
      const roster = keeper.roster()
      return roster.infoOf(peer) !== undefined && !roster.isFresh(peer, clock.now())
    },
    hardStop: hard.signal,
    onBug,
  })

  const reload = async (): Promise<void> => {
    const next = o.reload()
    const fixed = restartNeeded(config, next)
    config = { ...config, trust: next.trust, korNamespaces: next.korNamespaces, advertise: next.advertise }
    await keeper.reconfigure({ ...config.trust, fingerprint: fingerprint(config) })
    bell.ring('advertise')
    log.info('config.reloaded', { generation: keeper.generation() })
    if (fixed.length > 0)
      log.warn('config.restart-needed', { sections: fixed, hint: 'what changed there holds from the next start' })
  }

  const status = (): ReturnType<typeof bridgeStatus> =>
    bridgeStatus({ ...o, config, me, store, keeper, transport, ports, tally, conflicts, now: clock.now() })

  const run = async (signal: AbortSignal, onReady: () => void): Promise<void> => {
    const abort = (): void => stop.abort()
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    const control = await openControl(
      socketPath(config),
      controlHandlers({
        accept,
        watch,
        store,
        keeper,
        rules: () => ({ ...config.trust, fingerprint: fingerprint(config) }),
        reload,
        status,
        clock,
        stopping: stop.signal,
      }),
      log,
    )
    const guard = (work: Promise<void>): Promise<void> => work.catch(onBug)
    const receiving = new AbortController()
    // Every wait in the process listens to one of these three.
    setMaxListeners(0, stop.signal, hard.signal, receiving.signal)
    trustedKeys?.keep(keeper.roster().trustedKeys())
    const ofRelay = { engine: config.crypto.engine, trusted: trustedKeys?.file, clock, random, log }
    const listening = [
      ...(privateRelay === undefined ? [] : [guard(runPrivateRelay(privateRelay, ofRelay, receiving.signal))]),
      guard(transport.run(receiving.signal)),
      ...ports.map((p) => guard(p.run(receiving.signal))),
    ]
    const working = [guard(outgoing.run(stop.signal)), guard(advertiser.run(stop.signal))]
    await guard(rereadIfReconfigured())
    await guard(resolveKor())
    log.info('bridge.started', { id: config.id, npub: npubOf(me), engine: o.engine.name })
    onReady()

    await aborted(stop.signal)
    // Draining: what is under way ends by itself or is cut off; all of it is still owed in the store if it is.
    log.info('bridge.stopping', {})
    const cutOff = setTimeout(() => {
      hard.abort()
      receiving.abort()
    }, DRAIN_MS)
    const briefly = (): AbortSignal => AbortSignal.any([hard.signal, AbortSignal.timeout(GOODBYE_MS)])
    if (bugs.length > 0) hard.abort()
    else await advertiser.announce('draining', briefly())
    await Promise.all(working)
    if (bugs.length === 0) await advertiser.announce('offline', briefly())
    hard.abort()
    receiving.abort()
    await Promise.all(listening)
    clearTimeout(cutOff)
    await control.close()
    keeper.close()
    await store.close()
    lock.release()
    signal.removeEventListener('abort', abort)
    if (bugs.length > 0) throw bugs[0]
    log.info('bridge.stopped', {})
  }

  return { me, run, reload }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

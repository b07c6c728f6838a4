import { randomBytes } from 'node:crypto'
import { engineFields, openEngine } from '../src/crypto/engine.js'
import type { EngineChoice } from '../src/crypto/engine.js'
import { nodeHashes } from '../src/crypto/hashes.js'
import { engineVerifier } from '../src/crypto/verify.js'
import { Fault } from '../src/core/fault.js'
import { toSec } from '../src/core/types.js'
import type { UnixMs, UnixSec } from '../src/core/types.js'
import type { Clock, Log, Verifier } from '../src/ports.js'
import { openConnection } from './connection.js'
import type { ConnectionParts } from './connection.js'
import { relayDocument } from './document.js'
import { openIngest } from './ingest.js'
import { DEFAULT_LIMITS } from './limits.js'
import type { RelayLimits } from './limits.js'
import { silentLog } from './log.js'
import { defaultPolicy } from './policy.js'
import { normalRelayUrl } from './place.js'
import type { Policy } from './policy.js'
import { listen } from './server.js'
import { openEventStore } from './store.js'
import { openSubscriptions } from './subscriptions.js'
import { startSweep } from './sweep.js'
import { verifyStage } from './verify.js'
import { RELAY_VERSION } from './version.js'

export interface RelayOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** A file; it is made where there is none. `:memory:` keeps nothing. */
  readonly db: string
  /** Default `ksp-relay`. */
  readonly name?: string
  readonly description?: string
  readonly contact?: string
  readonly limits?: Partial<RelayLimits>
  /** ws:// or wss:// URLs under which clients know the relay (NIP-42), besides the addresses of this machine. */
  readonly publicUrls?: readonly string[]
  /** Default: `defaultPolicy`. */
  readonly policy?: Policy
  readonly clock?: Pick<Clock, 'now'>
  readonly log?: Log
  /** What checks signatures where no verifier is given. Default `auto`: the fastest that works. */
  readonly engine?: EngineChoice
  /** Default: one on this thread. */
  readonly verifier?: Verifier
}

export interface Relay {
  /** `ws://HOST:PORT` */
  readonly url: string
  readonly port: number
  readonly connections: number
  /** Finishes what it has taken in, says goodbye, closes the file. Never takes longer than about `stopDeadlineMs`. */
  close(): Promise<void>
}

/** Rejects with a Fault that says what to do: the file can't be opened, the port is in use. */
export const startRelay = async (options: RelayOptions): Promise<Relay> => {
  const limits: RelayLimits = { ...DEFAULT_LIMITS, ...options.limits }
  const policy = options.policy ?? defaultPolicy(limits, nodeHashes)
  const log = options.log ?? silentLog
  const name = options.name ?? 'ksp-relay'
  const clock = options.clock ?? { now: () => Date.now() as UnixMs }
  const now = (): UnixSec => toSec(clock.now())
  const { verifier, about } = await verifierOf(options)

  const store = openEventStore(options.db, nodeHashes)
  const subscriptions = openSubscriptions()
  const ingest = openIngest({ policy, verifier, store, subscriptions, limits, now, log })
  const connectionParts: ConnectionParts = {
    ...{ limits, policy, ingest, store, subscriptions, now, log, hashes: nodeHashes },
    verify: verifyStage(verifier),
    newChallenge: () => randomBytes(16).toString('hex'),
    publicUrls: ownUrls(options),
  }
  const server = await listen({
    host: options.host,
    port: options.port,
    limits,
    name,
    document: relayDocument({ ...options, name, version: RELAY_VERSION }, limits),
    connect: (wire) => openConnection(wire, connectionParts),
  }).catch((error: unknown) => {
    store.close()
    throw error
  })
  const sweep = startSweep(store, now, log)
  const url = `ws://${options.host.includes(':') ? `[${options.host}]` : options.host}:${server.port}`
  log.info('relay-started', { url, ...about, events: store.count() })

  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    const deadline = Date.now() + limits.stopDeadlineMs
    sweep.stop()
    server.hush()
    await within(ingest.idle(), limits.stopDeadlineMs)
    await server.close(Math.max(0, deadline - Date.now()))
    store.close()
    log.info('relay-stopped')
  }

  return {
    url,
    port: server.port,
    get connections() {
      return server.connections
    },
    close: () => (closing ??= close()),
  }
}

const ownUrls = (options: Pick<RelayOptions, 'publicUrls'>): string[] =>
  (options.publicUrls ?? []).map((text) => {
    const url = normalRelayUrl(text)
    if (url === undefined) throw new Fault('relay', `${text} is no ws:// or wss:// URL: correct --public-url`)
    return url
  })

/** With what the log says of it. */
const verifierOf = async ({
  verifier,
  engine: choice,
}: RelayOptions): Promise<{ verifier: Verifier; about: Record<string, string> }> => {
  if (verifier !== undefined) return { verifier, about: { engine: verifier.engine } }
  const engine = await openEngine(choice)
  return { verifier: engineVerifier(engine), about: engineFields(engine) }
}

/** Resolves with `work`, or after `timeoutMs`. */
const within = async (work: Promise<void>, timeoutMs: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  await Promise.race([work, timeout])
  clearTimeout(timer)
}

export { DEFAULT_LIMITS, RELAY_VERSION, defaultPolicy }
export type { Policy, RelayLimits }

import { randomBytes } from 'node:crypto'
import { nodeHashes } from '../src/crypto/hashes.js'
import { Fault } from '../src/core/fault.js'
import { toSec } from '../src/core/types.js'
import type { UnixMs, UnixSec } from '../src/core/types.js'
import type { Clock, Log } from '../src/ports.js'
import { openLists } from './policy/lists.js'
import { openConnection } from './session/connection.js'
import type { ConnectionParts } from './session/connection.js'
import { openShared } from './session/shared.js'
import { relayDocument } from './server/document.js'
import { openIngest } from './ingest/ingest.js'
import { openVerifier } from './ingest/verifier.js'
import type { VerifierOptions } from './ingest/verifier.js'
import { DEFAULT_LIMITS } from './limits.js'
import type { RelayLimits } from './limits.js'
import { silentLog } from './log.js'
import { openManagement } from './manage/management.js'
import { openMeters } from './ops/meters.js'
import type { Meters } from './ops/meters.js'
import { openControl } from './operator/control-server.js'
import type { OpsPlace } from './ops/ops-server.js'
import { withModeration } from './policy/moderated.js'
import { defaultPolicy } from './policy/policy.js'
import { normalRelayUrl, pathsOf, urlsOfPlace } from './server/place.js'
import type { Policy } from './policy/policy.js'
import { listen } from './server/server.js'
import type { RelayServer } from './server/server.js'
import { withinRetention } from './policy/retained.js'
import { clashOf } from './store/retention-rules.js'
import type { RetentionRules } from './store/retention-rules.js'
import { openEventStore } from './store/store.js'
import type { EventStore } from './store/store.js'
import { openSubscriptions } from './live/subscriptions.js'
import { startUpkeep } from './store/upkeep.js'
import { verifyStage } from './ingest/verify.js'
import { RELAY_VERSION } from './version.js'

export interface RelayOptions extends VerifierOptions {
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
  /** IP addresses of proxies before the relay: their X-Forwarded-For says who the client is. Loopback alone needs none. */
  readonly proxies?: readonly string[]
  /** Files of keys (allowlist.ts): who may write, who may read, who may write the kinds of Kapnet. Absent: everybody. */
  readonly allowWrite?: string
  readonly allowRead?: string
  readonly allowKapnet?: string
  /** The same for who may manage the relay over HTTP (NIP-86). Absent: nobody. */
  readonly admin?: string
  /** NIP-13: leading zero bits that an event's id must have. Default 0. */
  readonly minPow?: number
  /** Default: `defaultPolicy`, with what the options above ask for. */
  readonly policy?: Policy
  /** How long events are kept (retention-rules.ts). Default: all of them, for ever. */
  readonly retention?: RetentionRules
  /** Bytes of pages in use; beyond, the oldest events go (evict-by-size.ts). Absent: any number. */
  readonly maxDbBytes?: number
  /** Where metrics and health are served (ops-server.ts). Absent: nowhere. */
  readonly metrics?: OpsPlace
  readonly clock?: Pick<Clock, 'now'>
  readonly log?: Log
}

export interface Relay {
  /** `ws://HOST:PORT` */
  readonly url: string
  readonly port: number
  /** `http://HOST:PORT` of metrics and health, where they are served. */
  readonly metricsUrl?: string
  readonly connections: number
  /** Reads the files of keys again now; changes are also seen without. */
  reload(): void
  /** Finishes what it has taken in, says goodbye, closes the file. Never takes longer than about `stopDeadlineMs`. */
  close(): Promise<void>
}

/** Rejects with a Fault that says what to do: the file can't be opened, the port is in use. */
export const startRelay = async (options: RelayOptions): Promise<Relay> => {
  /** What is open so far, and is closed again, last first, when the rest can't be. */
  const opened: (() => unknown)[] = []
  try {
    return await start(options, opened)
  } catch (error) {
    for (const close of opened.reverse()) await close()
    throw error
  }
}

const start = async (options: RelayOptions, opened: (() => unknown)[]): Promise<Relay> => {
  const limits: RelayLimits = { ...DEFAULT_LIMITS, ...options.limits }
  const log = options.log ?? silentLog
  const name = options.name ?? 'ksp-relay'
  const clock = options.clock ?? { now: () => Date.now() as UnixMs }
  const now = (): UnixSec => toSec(clock.now())

  const publicUrls = ownUrls(options)
  const lists = openLists(options, log)
  opened.push(lists.close)
  /** Known once we listen. */
  let placeUrls: readonly string[] = []
  const isOurs = (url: string): boolean => publicUrls.includes(url) || placeUrls.includes(url)
  const meters = openMeters()
  const store = openStore(options, { log, now, meters })
  opened.push(() => store.close())
  const { moderation } = store
  const access = withModeration({ ...lists.access, minPow: options.minPow ?? 0, isOurs }, moderation)
  const policy = bounded(options.policy ?? defaultPolicy(limits, nodeHashes, access), store, options)
  const { verifier, about, close: closeVerifier } = await openVerifier(options, log)
  opened.push(closeVerifier)
  const subscriptions = openSubscriptions()
  const shared = openShared(limits, now)
  const ingest = openIngest({ policy, verifier, store, subscriptions, limits, now, log, meters })
  const verify = verifyStage(verifier)
  const connectionParts: ConnectionParts = {
    ...{ limits, policy, ingest, store, subscriptions, now, log, meters, hashes: nodeHashes },
    verify,
    newChallenge: () => randomBytes(16).toString('hex'),
    publicUrls,
    shared,
  }
  const nameNow = (): string => moderation.noteOf('setting', 'name') ?? name
  const documentNow = (): string => {
    const description = moderation.noteOf('setting', 'description') ?? options.description
    const said = description === undefined ? {} : { description }
    return relayDocument({ ...options, ...said, name: nameNow(), version: RELAY_VERSION }, limits, options)
  }
  const { admins, writersFile } = lists
  const management =
    admins === undefined
      ? undefined
      : openManagement({
          ...{ store, verify, isOurs, now, log, hashes: nodeHashes, meters: meters.management },
          isAdmin: (key) => admins.has(key),
          fileWriters: writersFile === undefined ? undefined : () => writersFile.keys(),
          cutAddress: (address) => server.cutAddress(address),
        })
  const server: RelayServer = await listen({
    host: options.host,
    port: options.port,
    limits,
    name: nameNow,
    ...(management === undefined ? {} : { management }),
    isBlocked: (address) => moderation.has('blocked-address', address),
    paths: pathsOf(publicUrls),
    document: documentNow,
    connect: (wire) => openConnection(wire, connectionParts),
    checkMemory: shared.memory.check,
    ...(options.proxies === undefined ? {} : { proxies: options.proxies }),
    meters,
  })
  opened.push(() => server.close(0))
  placeUrls = urlsOfPlace(options.host, server.port)
  const control = await openControl(store, options.db, log)
  opened.push(() => control.close())
  let closing: Promise<void> | undefined
  const ops =
    options.metrics === undefined
      ? undefined
      : // Only here, because its library takes 2 MB.
        await (
          await import('./ops/open-ops.js')
        ).openOps(options.metrics, {
          ...{ db: options.db, store, subscriptions, server, meters, startedAtSec: now() },
          isStopping: () => closing !== undefined,
        })
  const upkeep = startUpkeep(store.chores, log)
  const url = `ws://${options.host.includes(':') ? `[${options.host}]` : options.host}:${server.port}`
  log.info('relay-started', {
    url,
    ...about,
    events: store.count(),
    ...(ops === undefined ? {} : { metrics: ops.url }),
  })

  const close = async (): Promise<void> => {
    const deadline = Date.now() + limits.stopDeadlineMs
    upkeep.stop()
    lists.close()
    server.hush()
    await within(ingest.idle(), limits.stopDeadlineMs)
    await server.close(Math.max(0, deadline - Date.now()))
    await control.close()
    await closeVerifier()
    // Last of all: while the relay stops, it can be asked how far it is.
    await ops?.close()
    store.close()
    log.info('relay-stopped')
  }

  return {
    url,
    port: server.port,
    ...(ops === undefined ? {} : { metricsUrl: ops.url }),
    get connections() {
      return server.connections
    },
    reload: () => lists.reload(),
    close: () => (closing ??= close()),
  }
}

const openStore = (
  options: RelayOptions,
  { log, now, meters }: { log: Log; now: () => UnixSec; meters: Meters },
): EventStore => {
  const clash = clashOf(options.retention ?? [])
  if (clash !== undefined) throw new Fault('options', `${clash}: correct --retain`)
  return openEventStore(options.db, nodeHashes, {
    ...{ log, now, rules: options.retention ?? [] },
    ...(options.maxDbBytes === undefined ? {} : { maxDbBytes: options.maxDbBytes }),
    onRemoved: (reason, events) => {
      meters.removed[reason] += events
    },
    onWritable: (writable) => {
      meters.commit.writable = writable
    },
  })
}

/** The policy, and what the bounds of the store say. */
const bounded = (policy: Policy, store: EventStore, options: RelayOptions): Policy =>
  options.retention === undefined && options.maxDbBytes === undefined
    ? policy
    : { ...policy, write: [withinRetention(store.retention), ...policy.write] }

const ownUrls = (options: Pick<RelayOptions, 'publicUrls'>): string[] =>
  (options.publicUrls ?? []).map((text) => {
    const url = normalRelayUrl(text)
    if (url === undefined) throw new Fault('relay', `${text} is no ws:// or wss:// URL: correct --public-url`)
    return url
  })

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

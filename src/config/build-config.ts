import { join } from 'node:path'
import type { PeerRule } from '../core/peers.js'
import type { HermId, RelayUrl } from '../core/types.js'
import type { Config, RelayConfig } from './config-type.js'
import { OPTION_PATHS } from './options.js'
import type { ReadOf, OptionPath } from './options.js'
import type { Values } from './read-options.js'
import type { Report } from './report.js'

/**
 * From single values to the whole, with the checks that concern more than one of them. After a mistake the result is
 * not used, so what is absent because it was wrong is filled with something harmless here.
 */
export const buildConfig = (
  values: Values,
  report: Report,
  base: { file: string; dir: string; runtimeDir: string | undefined },
): Config => {
  const { get } = values
  const wrong = (key: string, message: string): void => report.mistake(values.placeOf(key), key, message)
  const id = get('id') ?? ('' as HermId)
  const dataDir = get('data_dir') ?? base.dir

  const privateRelay = values.has('private_relay') ? privateRelayOf(values, wrong, dataDir) : undefined
  const relays = relaysOf(values, wrong)
  if (values.count('relays') === 0 && privateRelay === undefined) {
    wrong('relays', 'there is no relay: add one (relays: [{ url: wss://relay.example }]) or a private_relay')
  }

  const intervalMs = get('advertise.interval') ?? 0
  const expireMs = get('advertise.expire') ?? 0
  if (expireMs <= intervalMs && expireMs > 0) {
    wrong('advertise.expire', 'must be longer than advertise.interval, or peers take this Herm for gone between two')
  }
  const backoffMinMs = get('delivery.backoff_min') ?? 0
  const backoffMaxMs = get('delivery.backoff_max') ?? 0
  if (backoffMaxMs < backoffMinMs && backoffMaxMs > 0) {
    wrong('delivery.backoff_max', 'must not be shorter than delivery.backoff_min')
  }
  const endpoint = get('advertise.endpoint') ?? privateRelay?.publicUrl
  const passphraseFile = get('identity.passphrase_file')

  return {
    file: base.file,
    dir: base.dir,
    dataDir,
    id,
    korNamespaces: get('kor_namespaces') ?? [],
    identity: {
      keystore: get('identity.keystore') ?? '',
      key: get('identity.key') ?? id,
      ...given({ passphraseFile }),
    },
    relays,
    ...given({ privateRelay }),
    trust: { mode: get('trust.mode') ?? 'allowlist', peers: peersOf(values, report, id) },
    local: values.has('local.kapnetd') ? { kapnetd: kapnetdOf(values, wrong, id, base.runtimeDir) } : {},
    advertise: { intervalMs, expireMs, ...given({ endpoint }) },
    limits: {
      maxEnvelopeBytes: get('limits.max_envelope') ?? 0,
      outboxMaxAgeMs: get('limits.outbox_max_age') ?? 0,
      peerRatePerSecond: get('limits.peer_rate') ?? 0,
    },
    delivery: {
      receiptTimeoutMs: get('delivery.receipt_timeout') ?? 0,
      backoffMinMs,
      backoffMaxMs,
      triesPerRoad: get('delivery.tries_per_road') ?? 0,
    },
    allowPrivateEndpoints: get('allow_private_endpoints') ?? false,
    crypto: { engine: get('crypto.engine') ?? 'auto' },
    log: { level: get('log.level') ?? 'info' },
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The members that are there: an absent one is absent, not `undefined`. */
const given = <T extends object>(members: T): Present<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>

type Wrong = (key: string, message: string) => void

/** Options of this section that the bridge itself has a use for. */
const NOT_PASSED_ON: ReadonlySet<OptionPath> = new Set([
  'private_relay.listen',
  'private_relay.db',
  'private_relay.public_url',
  'private_relay.only_trusted',
])

const privateRelayOf = (values: Values, wrong: Wrong, dataDir: string): NonNullable<Config['privateRelay']> => {
  const listen = values.get('private_relay.listen') ?? { host: '', port: 0 }
  const publicUrl = values.get('private_relay.public_url')
  const onlyTrusted = values.get('private_relay.only_trusted') ?? false
  const options: Record<string, readonly string[]> = {}
  for (const path of OPTION_PATHS) {
    if (!path.startsWith('private_relay.') || NOT_PASSED_ON.has(path)) continue
    const value: unknown = values.get(path)
    const texts = Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : []
    if (texts.length > 0 && value !== 'false') options[path.slice('private_relay.'.length)] = texts
  }
  const metrics = values.get('private_relay.metrics')
  if (metrics !== undefined && options['metrics_public'] === undefined && !isLoopback(metrics)) {
    wrong('private_relay.metrics', 'is open to other machines: choose 127.0.0.1, or add metrics_public: true')
  }
  const db = values.get('private_relay.db') ?? join(dataDir, 'relay.sqlite')
  return { ...listen, db, onlyTrusted, options, ...given({ publicUrl }) }
}

/** As the relay sees it, which refuses to start where this is not asked for. */
const isLoopback = (place: string): boolean => /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]):\d+$/.test(place)

const relaysOf = (values: Values, wrong: Wrong): RelayConfig[] => {
  const relays: RelayConfig[] = []
  const first = new Map<RelayUrl, number>()
  for (let i = 0; i < values.count('relays'); i++) {
    const url = values.get('relays[].url', i)
    const readOnly = values.get('relays[].read_only', i) ?? false
    const writeOnly = values.get('relays[].write_only', i) ?? false
    const roads = values.get('relays[].roads', i) ?? []
    if (readOnly && writeOnly) wrong(`relays[${i}]`, 'is read_only and write_only at once; leave out one, or both')
    if (url === undefined) continue
    const before = first.get(url)
    if (before !== undefined) wrong(`relays[${i}].url`, `is the relay of relays[${before}] again`)
    first.set(url, i)
    relays.push({ url, roads, read: !writeOnly, write: !readOnly })
  }
  return relays
}

const peersOf = (values: Values, report: Report, ownId: HermId): PeerRule[] => {
  const peers: PeerRule[] = []
  const firstBy = new Map<string, number>()
  for (let i = 0; i < values.count('trust.peers'); i++) {
    const here = `trust.peers[${i}]`
    const wrong = (key: string, message: string): void => report.mistake(values.placeOf(key), key, message)
    const get = <P extends OptionPath>(path: P): ReadOf<P> | undefined => values.get(path, i)
    const key = get('trust.peers[].key')
    const id = get('trust.peers[].id')
    const unread = !values.origins.has(`${here}.key`) && !values.origins.has(`${here}.id`)
    if (unread) wrong(here, 'names nobody: it needs a key (npub or hex), an id, or both')
    if (id !== undefined && id === ownId) wrong(`${here}.id`, 'is our own id')
    for (const [member, name] of [
      ['key', key],
      ['id', id],
    ] as const) {
      if (name === undefined) continue
      const before = firstBy.get(`${member}:${name}`)
      if (before !== undefined)
        wrong(`${here}.${member}`, `is that of trust.peers[${before}] again; make one entry of the two`)
      firstBy.set(`${member}:${name}`, i)
    }
    if (id !== undefined && key === undefined && values.get('trust.mode') === 'allowlist') {
      const where = values.placeOf(`${here}.id`)
      report.warn(where, here, `has no key: with trust.mode allowlist ${id} is believed by nobody; add its key`)
    }
    peers.push(
      given({
        key,
        id,
        kor: get('trust.peers[].kor'),
        actions: get('trust.peers[].actions'),
        agents: get('trust.peers[].agents'),
      }),
    )
  }
  return peers
}

const kapnetdOf = (
  values: Values,
  wrong: Wrong,
  id: HermId,
  runtimeDir: string | undefined,
): NonNullable<Config['local']['kapnetd']> => {
  const named = values.get('local.kapnetd.socket')
  const unnamed = !values.origins.has('local.kapnetd.socket')
  if (unnamed && runtimeDir === undefined) {
    wrong('local.kapnetd.socket', 'is missing, and without $XDG_RUNTIME_DIR there is no default for it')
  }
  return {
    socket: named ?? join(runtimeDir ?? '/', 'kapnetd', `${id}.sock`),
    ...given({ methods: values.get('local.kapnetd.methods'), fields: values.get('local.kapnetd.fields') }),
  }
}

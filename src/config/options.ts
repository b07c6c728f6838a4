import { listOf, textMapType } from './option-lists.js'
import { fixed, needed, open, type OptionRow } from './option-row.js'
import {
  addressType,
  hostNameType,
  passedCount,
  passedDuration,
  passedListen,
  passedPath,
  passedSize,
  passedSwitch,
  relayNameType,
  retentionType,
} from './relay-option-types.js'
import {
  actionPatternType,
  agentIdType,
  booleanType,
  countType,
  durationType,
  hermIdType,
  keyNameType,
  korType,
  listenType,
  oneOf,
  pathType,
  pubkeyType,
  relayUrlType,
  roadType,
  sizeType,
  socketType,
} from './option-types.js'

/**
 * Every option, once. Parsing, `--help`, the table in the documentation and the file that `ksp init` writes all come
 * from here; adding a row is all it takes to add an option (and a line in build-config.ts to use it).
 */

export const OPTIONS = {
  id: needed(hermIdType, { about: 'Herm id, unique among its peers.', example: 'herm-a', env: 'KSP_ID' }),
  data_dir: fixed(pathType, 'data', {
    about: 'Folder of the braid, the lock and the control socket.',
    example: '/var/lib/ksp',
    env: 'KSP_DATA_DIR',
    flag: '--data-dir',
  }),
  kor_namespaces: fixed(listOf(korType, 64), '[]', {
    about: 'KOR namespaces this Herm serves.',
    example: '[sys.pluronymous.org]',
    env: 'KSP_KOR_NAMESPACES',
  }),

  'identity.keystore': fixed(pathType, 'keystore.json', {
    about: 'The key file. Mode 0600, in a folder of mode 0700.',
    example: 'keystore.json',
    env: 'KSP_KEYSTORE',
  }),
  'identity.key': open(keyNameType, {
    about: 'Name of the key of this Herm in the keystore.',
    example: 'herm-a',
    env: 'KSP_KEY',
    otherwise: 'the id',
  }),
  'identity.passphrase_file': open(pathType, {
    about: 'File that holds the passphrase of the key. Mode 0600.',
    example: 'passphrase',
    env: 'KSP_PASSPHRASE_FILE',
    otherwise: 'the systemd credential ksp-passphrase, else a prompt',
  }),

  'relays[].url': needed(relayUrlType, {
    about: 'Address of a relay.',
    example: 'wss://relay.example',
    env: 'KSP_RELAYS',
    flag: '--relay',
  }),
  'relays[].roads': fixed(listOf(roadType, 4, 1), '[public, nip44]', {
    about: 'What travels over this relay: public, nip44, private, dm.',
    example: '[public, nip44]',
  }),
  'relays[].read_only': fixed(booleanType, 'false', { about: 'Never write to this relay.', example: 'true' }),
  'relays[].write_only': fixed(booleanType, 'false', { about: 'Never read from this relay.', example: 'true' }),

  'private_relay.listen': fixed(listenType, '127.0.0.1:7447', {
    about: 'Where the bundled relay listens.',
    example: '127.0.0.1:7447',
  }),
  'private_relay.db': open(pathType, {
    about: 'Database of the bundled relay.',
    example: 'relay.sqlite',
    otherwise: 'relay.sqlite in data_dir',
  }),
  'private_relay.public_url': open(relayUrlType, {
    about: 'Under which address others reach the bundled relay.',
    example: 'wss://herm-a.example',
  }),
  // From here on: what the relay itself has an option for, under the same name (bridge-relay.ts hands it on).
  'private_relay.name': open(relayNameType, {
    about: 'Its name in its document (NIP-11).',
    example: 'herm-a relay',
    otherwise: 'ksp-relay',
  }),
  'private_relay.only_trusted': fixed(booleanType, 'false', {
    about: 'Only this Herm and the peers it trusts may write to it and read from it; kept up when peers change.',
    example: 'true',
  }),
  'private_relay.allow_write': open(passedPath, {
    about: 'File of the keys that may write to it, an npub or hex a line; read again when it changes.',
    example: 'writers.txt',
    otherwise: 'everybody, or with only_trusted the trusted',
  }),
  'private_relay.allow_read': open(passedPath, {
    about: 'File of the keys that may read from it.',
    example: 'readers.txt',
    otherwise: 'everybody, or with only_trusted the trusted',
  }),
  'private_relay.allow_kapnet': open(passedPath, {
    about: 'File of the keys that may write kinds 30000 to 30599 to it.',
    example: 'herms.txt',
    otherwise: 'who may write',
  }),
  'private_relay.admin': open(passedPath, {
    about: 'File of the keys that may manage it over HTTP (NIP-86).',
    example: 'admins.txt',
    otherwise: 'nobody',
  }),
  'private_relay.min_pow': open(passedCount(0, 64), {
    about: 'Leading zero bits that an event must have (NIP-13).',
    example: '8',
    otherwise: '0',
  }),
  'private_relay.rate': open(passedCount(0, 1_000_000), {
    about: 'Events a second that one connection may send, ten times as many at once; 0: any number.',
    example: '200',
    otherwise: '0',
  }),
  'private_relay.key_rate': open(passedCount(0, 1_000_000), {
    about: 'Events a second of one author, in the same way.',
    example: '100',
    otherwise: '0',
  }),
  'private_relay.ask_rate': open(passedCount(0, 1_000_000), {
    about: 'REQs a second of one connection, in the same way.',
    example: '50',
    otherwise: '200',
  }),
  'private_relay.key_ask_rate': open(passedCount(0, 1_000_000), {
    about: 'REQs, COUNTs and comparisons a second of one authenticated key, on all its connections.',
    example: '100',
    otherwise: '500',
  }),
  'private_relay.address_connections': open(passedCount(1, 1_000_000), {
    about: 'Connections from one address, or one IPv6 network of 64 bits; loopback has no such limit.',
    example: '64',
    otherwise: '100',
  }),
  'private_relay.proxy': open(listOf(addressType, 16), {
    about: 'IP addresses of proxies before it, whose X-Forwarded-For says which address a client has.',
    example: '[127.0.0.1]',
    otherwise: 'none',
  }),
  'private_relay.retain': open(listOf(retentionType, 64), {
    about: 'How long it keeps events, by kind: KINDS=AGE[,COUNT].',
    example: '["1=90d", "1000-9999=7d,5000"]',
    otherwise: 'for ever',
  }),
  'private_relay.max_db_size': open(passedSize({ min: '4MiB', max: '64TiB' }), {
    about: 'How large its file may grow before the oldest events go.',
    example: '2GiB',
    otherwise: 'any size',
  }),
  'private_relay.metrics': open(passedListen, {
    about: 'Where it serves metrics and health.',
    example: '127.0.0.1:9447',
    otherwise: 'nowhere',
  }),
  'private_relay.metrics_public': open(passedSwitch, {
    about: 'Let metrics be an address that other machines reach.',
    example: 'true',
    otherwise: 'false',
  }),
  'private_relay.metrics_name': open(listOf(hostNameType, 16), {
    about: 'Host names by which metrics is asked, besides localhost and IP addresses.',
    example: '[metrics.example]',
    otherwise: 'none',
  }),
  'private_relay.stop_deadline': open(passedDuration({ min: '0s', max: '10m' }), {
    about: 'How long its stop may take.',
    example: '10s',
    otherwise: '5s',
  }),

  'trust.mode': fixed(oneOf('allowlist', 'tofu', 'open'), 'allowlist', {
    about: 'Whom to believe: the peers listed; the first key seen for an id listed; or anyone.',
    example: 'allowlist',
    env: 'KSP_TRUST_MODE',
  }),
  'trust.peers[].key': open(pubkeyType, {
    about: 'Public key of a peer. A plain npub in the list is a peer without grants.',
    example: 'npub19mwjjmqypv43t6mfqteraele3c0c3wnkdq454qgzrydntfpr2r6q2v5kzy',
  }),
  'trust.peers[].id': open(hermIdType, { about: 'Herm id that is pinned to it.', example: 'herm-b' }),
  'trust.peers[].kor': open(listOf(korType, 64), {
    about: 'Namespaces it may serve and speak from.',
    example: '[member.submission.room.kor]',
    otherwise: 'it attracts no KOR traffic',
  }),
  'trust.peers[].actions': open(listOf(actionPatternType, 256), {
    about: 'Actions it may send; a final * stands for any ending.',
    example: '["room.*"]',
    otherwise: 'all',
  }),
  'trust.peers[].agents': open(listOf(agentIdType, 256), {
    about: 'Agents here that it may give tasks to.',
    example: '[ezra]',
    otherwise: 'none',
  }),

  'local.kapnetd.socket': open(socketType, {
    about: 'Unix socket of the local kapnetd.',
    example: 'kapnetd.sock',
    otherwise: '$XDG_RUNTIME_DIR/kapnetd/ID.sock',
  }),
  'local.kapnetd.methods': open(textMapType(32), {
    about: 'Other names for its methods.',
    example: '{ submit_txxm: submit }',
  }),
  'local.kapnetd.fields': open(textMapType(32), {
    about: 'Other names for its fields.',
    example: '{ txxm_id: id }',
  }),

  'advertise.interval': fixed(durationType({ min: '1s', max: '1d' }), '10m', {
    about: 'How often the node-info is published.',
    example: '10m',
  }),
  'advertise.expire': fixed(durationType({ min: '2s', max: '7d' }), '1h', {
    about: 'How long a node-info counts as fresh.',
    example: '1h',
  }),
  'advertise.endpoint': open(relayUrlType, {
    about: 'Relay address told to peers.',
    example: 'wss://herm-a.example',
    env: 'KSP_ENDPOINT',
    otherwise: 'private_relay.public_url, else none',
  }),

  'limits.max_envelope': fixed(sizeType({ min: '1KiB', max: '8MiB' }), '512KiB', {
    about: 'Largest message taken or sent.',
    example: '512KiB',
  }),
  'limits.outbox_max_age': fixed(durationType({ min: '1s', max: '365d' }), '7d', {
    about: 'How long an undelivered message is tried before it is dead.',
    example: '7d',
  }),
  'limits.peer_rate': fixed(countType(1, 1_000_000), '2000', {
    about:
      'Messages a second taken from one peer, with bursts of five seconds; a tenth for unknown ones in trust mode open.',
    example: '2000',
  }),

  'delivery.receipt_timeout': fixed(durationType({ min: '100ms', max: '1h' }), '30s', {
    about: 'How long to wait for a receipt before a message is sent again.',
    example: '30s',
  }),
  'delivery.backoff_min': fixed(durationType({ min: '10ms', max: '1h' }), '1s', {
    about: 'First pause before a retry; each next one is up to twice as long.',
    example: '1s',
  }),
  'delivery.backoff_max': fixed(durationType({ min: '10ms', max: '1d' }), '15m', {
    about: 'Longest pause before a retry.',
    example: '15m',
  }),
  'delivery.tries_per_road': fixed(countType(1, 100), '5', {
    about:
      'Quick tries to a peer that is awake; after them, and to one that sleeps, a try from backoff_max to 6 h apart.',
    example: '5',
  }),

  allow_private_endpoints: fixed(booleanType, 'false', {
    about: 'Connect to private and loopback addresses that peers name. For tests and closed networks.',
    example: 'false',
  }),
  'crypto.engine': fixed(oneOf('auto', 'native', 'wasm', 'js'), 'auto', {
    about: "What checks and makes signatures; auto: the fastest that works. native is the system's libsecp256k1.",
    example: 'native',
    env: 'KSP_CRYPTO_ENGINE',
  }),
  'log.level': fixed(oneOf('debug', 'info', 'warn', 'error'), 'info', {
    about: 'How much is logged.',
    example: 'info',
    env: 'KSP_LOG_LEVEL',
    flag: '--log-level',
  }),
} as const

export type OptionPath = keyof typeof OPTIONS

export const OPTION_PATHS = Object.keys(OPTIONS) as OptionPath[]

/** A row without what its type reads: what help and documentation need. */
export const rowOf = (path: OptionPath): OptionRow<unknown> => OPTIONS[path]

export type ValueOf<P extends OptionPath> = (typeof OPTIONS)[P] extends OptionRow<infer T> ? T : never

/** Absent is possible only where there is neither a need nor a default. */
export type ReadOf<P extends OptionPath> = (typeof OPTIONS)[P]['presence'] extends 'open'
  ? ValueOf<P> | undefined
  : ValueOf<P>

export interface Section {
  readonly about: string
  /** Of a list: how many, and which option a plain word stands for. */
  readonly list?: { readonly max: number; readonly word: string }
  readonly needed?: boolean
  /** What it configures runs only where it stands in the file, be it empty. */
  readonly switch?: boolean
}

/** The sections that options stand in; `[]` marks a list of maps. */
export const SECTIONS: Readonly<Record<string, Section>> = {
  identity: { about: 'The key this Herm signs with.', needed: true },
  'relays[]': { about: 'Where this Herm meets the others.', list: { max: 32, word: 'url' } },
  private_relay: { about: 'The bundled relay, started beside the bridge.', switch: true },
  trust: { about: 'Who may send to us.' },
  'trust.peers[]': { about: 'The peers.', list: { max: 1_000, word: 'key' } },
  local: { about: 'What messages are delivered to on this host.' },
  'local.kapnetd': { about: 'The local kapnetd.', switch: true },
  advertise: { about: 'What this Herm tells the others of itself.' },
  limits: { about: 'Limits.' },
  delivery: { about: 'How hard a delivery is tried.' },
  crypto: { about: 'How signatures are checked and made.' },
  log: { about: 'The log, on stderr.' },
}

/** Parts of the whole that this version does not have: recognised, so that nobody hunts for a spelling mistake. */
export const LATER: Readonly<Record<string, string>> = {
  'identity.bunker': 'use a key of the keystore (identity.keystore and identity.key)',
  'local.nats': 'use local.kapnetd, or no local port',
  http: 'ask with ksp status',
}

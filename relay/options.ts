import { isIP } from 'node:net'
import { ENGINE_CHOICES } from '../src/crypto/engine.js'
import type { EngineChoice } from '../src/crypto/engine.js'
import type { RelayOptions } from './index.js'
import { DEFAULT_LIMITS } from './limits.js'
import { optionsHelp } from './options/help.js'
import { count, duration, file, oneOf, place, shown, size } from './options/readers.js'
import { flag, given, list, open, wrong } from './options/row.js'
import type { Reader, ValuesOf } from './options/row.js'
import { normalRelayUrl } from './server/place.js'
import { MAX_RETENTION_RULES, parseRetentionRule } from './store/retention-rules.js'
import type { RetentionRule } from './store/retention-rules.js'

/**
 * Every option of `ksp relay`, once. Parsing, `--help` and the table in docs/cli.md come from here; adding a row is all it
 * takes to add an option, and a line in `relayOptionsOf` to use it. A row with `config` stands in the section private_relay of
 * ksp.yaml too (a row of src/config/options.ts; a guard compares them).
 */

const MAX_NAME_CHARS = 100
const name: Reader<string> = (text) =>
  text === '' || text.length > MAX_NAME_CHARS ? wrong(`needs 1 to ${MAX_NAME_CHARS} characters`) : text

const url: Reader<string> = (text) =>
  normalRelayUrl(text) === undefined ? wrong(`${shown(text)} is not a ws:// or wss:// URL`) : text

const retention: Reader<RetentionRule> = (text) => {
  const rule = parseRetentionRule(text)
  return typeof rule === 'string' ? wrong(`${shown(text)} ${rule}`) : rule
}

const hostName: Reader<string> = (text) =>
  /^[a-zA-Z0-9._-]{1,253}$/.test(text) ? text : wrong(`${shown(text)} is not a host name`)

const address: Reader<string> = (text) => (isIP(text) === 0 ? wrong(`${shown(text)} is not an IP address`) : text)

const MAX_PUBLIC_URLS = 16
const MAX_PROXIES = 16
const MAX_METRICS_NAMES = 16
/** More is a mistake: it would take years. */
const MAX_POW_BITS = 64
const MAX_RATE = 1_000_000
const MAX_THREADS = 16

const PLACE = 'Where it is, and what it keeps'
const ACCESS = 'Who may do what'
const RATES = 'How much of it'
const RUNNING = 'How it runs'

export const OPTIONS = {
  listen: given('HOST:PORT', place, '127.0.0.1:7447', {
    about: 'where to listen; port 0 takes any free one',
    group: PLACE,
    config: 'listen',
  }),
  db: given('FILE', file, 'relay.sqlite', {
    about: 'the SQLite file that holds the events; :memory: keeps nothing',
    group: PLACE,
    config: 'db',
  }),
  name: given('NAME', name, 'ksp-relay', {
    about: "the relay's name in its document (NIP-11)",
    group: PLACE,
    config: 'name',
  }),
  retain: list('KINDS=AGE[,COUNT]', retention, MAX_RETENTION_RULES, {
    about:
      'how long events are kept: 1=90d, 1000-9999=7d,5000 (the newest 5000 of each kind), *=1y, 30078=forever,10000; the ' +
      'narrowest range that holds a kind decides, deletions are always kept; may be given several times; without: for ever',
    group: PLACE,
    config: 'retain',
  }),
  'max-db-size': open('SIZE', size('4MiB', '64TiB'), {
    about: 'how much room events may take, such as 10GB; beyond, the oldest are taken away; without: any',
    group: PLACE,
    config: 'max_db_size',
  }),
  'public-url': list('URL', url, MAX_PUBLIC_URLS, {
    about:
      'the ws:// or wss:// URL by which clients know the relay, where a name or a proxy stands before it; AUTH needs it ' +
      'then; may be given several times',
    group: PLACE,
    config: 'public_url',
  }),
  proxy: list('ADDRESS', address, MAX_PROXIES, {
    about:
      'the IP address of a proxy before the relay: its X-Forwarded-For then says which address a client has; may be given ' +
      'several times',
    group: PLACE,
    config: 'proxy',
  }),

  'allow-write': open('FILE', file, {
    about:
      'take events only of, or from, the keys in FILE: an npub or hex a line; it is read again when it changes, and at ' +
      'SIGHUP, like the next two',
    group: ACCESS,
    config: 'allow_write',
  }),
  'allow-read': open('FILE', file, {
    about: 'answer only the keys in FILE',
    group: ACCESS,
    config: 'allow_read',
  }),
  'allow-kapnet': open('FILE', file, {
    about: 'take kinds 30000 to 30599 only of, or from, the keys in FILE',
    group: ACCESS,
    config: 'allow_kapnet',
  }),
  'min-pow': given('BITS', count(0, MAX_POW_BITS), '0', {
    about: 'take only events whose id has so many leading zero bits (NIP-13)',
    group: ACCESS,
    config: 'min_pow',
  }),

  admin: open('FILE', file, {
    about:
      'keys that may manage the relay over HTTP (NIP-86): ban, allow, block, rename; an npub or hex a line, read again when ' +
      'it changes; without: nobody',
    group: ACCESS,
    config: 'admin',
  }),

  rate: given('N', count(0, MAX_RATE), '0', {
    about: 'events a second that one connection may send, ten times as many at once; 0: any number',
    group: RATES,
    config: 'rate',
  }),
  'key-rate': given('N', count(0, MAX_RATE), '0', {
    about: 'events a second of one author, in the same way',
    group: RATES,
    config: 'key_rate',
  }),
  'ask-rate': given('N', count(0, MAX_RATE), `${DEFAULT_LIMITS.maxReqsPerSec}`, {
    about: 'REQs a second of one connection, in the same way',
    group: RATES,
    config: 'ask_rate',
  }),
  'key-ask-rate': given('N', count(0, MAX_RATE), `${DEFAULT_LIMITS.maxAsksPerSecOfKey}`, {
    about: 'REQs, COUNTs and comparisons a second of one authenticated key, on all its connections',
    group: RATES,
    config: 'key_ask_rate',
  }),
  'address-connections': given('N', count(1, MAX_RATE), `${DEFAULT_LIMITS.maxConnectionsPerAddress}`, {
    about: 'connections from one address, or one IPv6 network of 64 bits; loopback has no such limit',
    group: RATES,
    config: 'address_connections',
  }),

  metrics: open('HOST:PORT', place, {
    about: 'where to serve /metrics, /healthz and /readyz; without: nowhere',
    group: RUNNING,
    config: 'metrics',
  }),
  'metrics-public': flag({
    about: 'let --metrics be an address that other machines reach',
    group: RUNNING,
    config: 'metrics_public',
  }),
  'metrics-name': list('NAME', hostName, MAX_METRICS_NAMES, {
    about:
      'a host name by which --metrics is asked, besides localhost and IP addresses: requests that name another host are ' +
      'refused; may be given several times',
    group: RUNNING,
    config: 'metrics_name',
  }),
  engine: given('ENGINE', oneOf(ENGINE_CHOICES), 'auto', {
    about: `what checks signatures: ${ENGINE_CHOICES.join(', ')}; auto is the fastest that works`,
    group: RUNNING,
  }),
  'verify-threads': open('N', count(0, MAX_THREADS), {
    about: 'threads that check signatures, besides the one for all else; without: as many as pay on this machine',
    group: RUNNING,
  }),
  'stop-deadline': given('DURATION', duration('0s', '10m'), `${DEFAULT_LIMITS.stopDeadlineMs / 1_000}s`, {
    about: 'how long a stop may take: what was taken in is finished, then whoever is still connected is cut off',
    group: RUNNING,
    config: 'stop_deadline',
  }),
  'exit-with-parent': flag({ about: 'end when the program that started this one ends', group: RUNNING }),
} as const

export type ServeValues = ValuesOf<typeof OPTIONS>

/** From what was typed to what `startRelay` takes. */
export const relayOptionsOf = (values: ServeValues): RelayOptions & { readonly engine: EngineChoice } => ({
  ...values.listen,
  db: values.db,
  name: values.name,
  publicUrls: values['public-url'],
  ...(values.proxy.length === 0 ? {} : { proxies: values.proxy }),
  ...(values.retain.length === 0 ? {} : { retention: values.retain }),
  ...present({
    allowWrite: values['allow-write'],
    allowRead: values['allow-read'],
    allowKapnet: values['allow-kapnet'],
    maxDbBytes: values['max-db-size'],
    admin: values.admin,
    verifyThreads: values['verify-threads'],
    metrics:
      values.metrics === undefined
        ? undefined
        : { ...values.metrics, isPublic: values['metrics-public'], names: values['metrics-name'] },
  }),
  minPow: values['min-pow'],
  limits: {
    maxEventsPerSec: values.rate,
    maxEventsPerSecOfKey: values['key-rate'],
    maxReqsPerSec: values['ask-rate'],
    maxAsksPerSecOfKey: values['key-ask-rate'],
    maxConnectionsPerAddress: values['address-connections'],
    stopDeadlineMs: values['stop-deadline'],
  },
  engine: values.engine,
})

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** The members that are there: an absent one is absent, not `undefined`. */
const present = <T extends object>(members: T): Present<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>

export const USAGE = `usage: ksp relay [options]

A Nostr relay of your own. Prints one line "ready ws://HOST:PORT"; logs JSON lines to stderr.

${optionsHelp(OPTIONS)}

example: ksp relay --listen 0.0.0.0:7447 --db /var/lib/ksp/relay.sqlite
`

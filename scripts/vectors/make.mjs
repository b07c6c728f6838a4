// What the vectors are made with. Nothing of src/ is used here, so that the vectors are evidence of their own: ids and tags
// are built from the words of wire.md, by nostr-tools, @noble and node:crypto. Everything is fixed: the keys come from
// their names, the nonces from the vectors' names, every signature has 32 zero bytes of auxiliary randomness.

import { createHash } from 'node:crypto'
import { schnorr } from '@noble/curves/secp256k1.js'
import { npubEncode } from 'nostr-tools/nip19'
import { v2 as nip44 } from 'nostr-tools/nip44'
import { getEventHash } from 'nostr-tools/pure'

/** created_at of every event, and the receiver's clock. */
export const T = 1780000000
export const NOW = T + 10

export const sha256 = (data) => createHash('sha256').update(data).digest()
export const sha256Hex = (data) => sha256(data).toString('hex')

const keyNamed = (name) => {
  const sk = sha256(`ksp test key ${name}`)
  const pk = Buffer.from(schnorr.getPublicKey(sk)).toString('hex')
  return { name, sk, pk, npub: npubEncode(pk), p16: pk.slice(0, 16) }
}
export const alpha = keyNamed('alpha')
export const beta = keyNamed('beta')
export const gamma = keyNamed('gamma')

/** RFC 8785 for what the vectors hold: JSON.stringify writes numbers and strings as it wants them; keys by UTF-16 units. */
export const jcs = (value) => {
  if (Array.isArray(value)) return `[${value.map(jcs).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const keys = Object.keys(value).filter((key) => value[key] !== undefined)
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${jcs(value[key])}`)
    .join(',')}}`
}

const schnorrSign = (digestHex, sk) =>
  Buffer.from(schnorr.sign(Buffer.from(digestHex, 'hex'), sk, Buffer.alloc(32))).toString('hex')

/** A whole NIP-01 event; members in the order in which they are usually written. */
export const signed = ({ kind, created_at = T, tags, content }, by) => {
  const unsigned = { pubkey: by.pk, created_at, kind, tags, content }
  const id = getEventHash(unsigned)
  return { id, ...unsigned, sig: schnorrSign(id, by.sk) }
}

/** wire.md 2, `attestation`. */
export const attest = (type, hash, by, created_at = T) => {
  const tags = [
    ['t', 'kapnet'],
    ['t', 'attestation'],
    ['k', type],
    ['x', hash],
  ]
  const { pubkey, sig } = signed({ kind: 78, created_at, tags, content: '' }, by)
  return { pubkey, created_at, sig }
}

const BODY_KEY = { 'txxm-envelope': 'txxm', 'task-envelope': 'task', 'task-result': 'result' }
const PRIVATE_KIND = {
  'txxm-envelope': 30000,
  'task-envelope': 30001,
  'task-result': 30002,
  receipt: 30003,
  fragment: 30004,
  knot: 30300,
  braid: 30500,
  heartbeat: 30500,
}
const ATTESTED = new Set(['txxm-envelope', 'task-envelope', 'task-result'])
/** Seven days: the default of outbox_max_age. */
const EXPIRATION = ['expiration', String(T + 604800)]

const tagsOf = (type, body, hash, to) => {
  const k = ['k', String(PRIVATE_KIND[type])]
  const addressed = (d, t) => [['d', `${d}-${to?.p16}`], ['t', 'kapnet'], ['t', t], ['p', to?.pk], k, EXPIRATION]
  switch (type) {
    case 'txxm-envelope':
      return [
        ['d', to ? `txxm-${hash}-${to.p16}` : `txxm-${hash}`],
        ['t', 'kapnet'],
        ['t', 'txxm'],
        ...(to ? [['p', to.pk]] : []),
        k,
        ['kap', 'txxm'],
        ['id', hash],
        ['class', String(body.type)],
        ['ns', sha256Hex(String(body.target_kor).toLowerCase())],
        ['payload', sha256Hex(jcs(body.payload ?? null))],
        ...(to ? [EXPIRATION] : []),
      ]
    case 'task-envelope':
      return addressed(`task-${hash}`, 'task')
    case 'task-result':
      return addressed(`result-${hash}`, 'task-result')
    case 'fragment':
      return addressed(`frag-${body.of}-${body.index}`, 'fragment')
    case 'receipt':
      return [
        ['d', `receipt-${hash}`],
        ['t', 'kapnet'],
        ['t', 'receipt'],
        ['p', to.pk],
        k,
        ...[body].flat().map(({ event }) => ['e', String(event)]),
        EXPIRATION,
      ]
    default:
      return [['d', `${type}-${hash}`], ['t', 'kapnet'], ...(to ? [['p', to.pk]] : []), EXPIRATION]
  }
}

const nonceFor = (name) => sha256(`ksp vector nonce ${name}`)

const encrypted = (text, from, to, name) =>
  nip44.encrypt(text, nip44.utils.getConversationKey(from.sk, to.pk), nonceFor(name))

/** NIP-59: rumor, seal and wrap, with the times that a sender would have drawn. */
const wrapped = (template, from, to, name) => {
  const unsigned = { pubkey: from.pk, created_at: T, ...template }
  const rumor = { id: getEventHash(unsigned), ...unsigned }
  const sealText = encrypted(JSON.stringify(rumor), from, to, `${name} seal`)
  const seal = signed({ kind: 13, created_at: T - 3600, tags: [], content: sealText }, from)
  const once = keyNamed(`wrap of ${name}`)
  const wrapText = encrypted(JSON.stringify(seal), once, to, `${name} wrap`)
  return { event: signed({ kind: 1059, created_at: T - 7200, tags: [['p', to.pk]], content: wrapText }, once), rumor }
}

/**
 * A message as wire.md has it, and how it departs from that:
 * - carrier, to: keys; `to: null` for what is not addressed
 * - attest: false, a key, or a finished attestation
 * - sha256, version, bodyKey, beside: members of the envelope (undefined leaves one out)
 * - text: changes the content text; tags: changes the tags; both before the event is signed; event: changes it afterwards
 * - road: public (default), private, nip44, dm
 */
export const message = (name, type, body, o = {}) => {
  const carrier = o.carrier ?? alpha
  const to = o.to === undefined ? beta : o.to
  const road = o.road ?? 'public'
  const hash = sha256Hex(jcs(body))
  const by = o.attest ?? (ATTESTED.has(type) ? alpha : false)
  const attestation = by === false ? undefined : by.sk ? attest(type, hash, by) : by
  const content = {
    kapnet: '0.2.0',
    type,
    version: 1,
    [o.bodyKey ?? (Array.isArray(body) ? 'receipts' : (BODY_KEY[type] ?? type))]: body,
    sha256: hash,
    attestation,
    ...o.beside,
  }
  const written = JSON.stringify(content)
  const text = o.text ? o.text(written) : written
  const own = tagsOf(type, body, hash, to)
  const nip44Tags = [
    ['d', `enc-${nonceFor(`${name} d`).toString('hex').slice(0, 32)}`],
    ['t', 'kapnet'],
    ['p', to?.pk],
    EXPIRATION,
  ]
  const base = road === 'nip44' ? nip44Tags : own
  const tags = o.tags ? o.tags(base, hash) : base
  const kind = o.kind ?? (road === 'private' ? PRIVATE_KIND[type] : 30078)
  const expect = {
    type,
    sha256: hash,
    author: (attestation && body.sender ? attestation : { pubkey: carrier.pk }).pubkey,
  }
  if (road === 'dm') return { road, ...wrapped({ kind, tags, content: text }, carrier, to, name), text, expect }
  if (road === 'nip44') {
    const event = signed({ kind, tags, content: encrypted(text, carrier, to, name) }, carrier)
    return { road, event, text, expect }
  }
  const event = signed({ kind, tags, content: text, ...o.sign }, carrier)
  return { road, event: o.event ? o.event(event) : event, expect }
}

/** An event of the kind for public relays whose content is this text, and nothing more. */
export const bare = (content, tags = [['t', 'kapnet']], o = {}) => {
  const event = signed({ kind: 30078, tags: [['d', 'bare'], ...tags], content, ...o }, alpha)
  return { road: 'public', event }
}

/** wire.md 1: a random u64; here from the vector's name. */
export const u64 = (name) => String(nonceFor(`${name} u64`).readBigUInt64BE(0))

/** Bodies of alpha for beta that version 1 has nothing against. */
export const txxm = (name, over = {}) => ({
  type: 'submission',
  action: 'room.post',
  target_kor: 'member.submission.room.kor',
  source_kor: 'herm-qubes-alpha.sys.pluronymous.org',
  payload: { text: 'hello' },
  sender: alpha.pk,
  nonce: u64(name),
  created_at: T,
  audience: [beta.pk],
  ...over,
})

export const task = (name, over = {}) => ({
  task_id: name.slice(0, 128),
  from: 'allegro',
  to: 'ezra',
  payload: { do: 'review' },
  sender: alpha.pk,
  nonce: u64(name),
  audience: [beta.pk],
  ...over,
})

export const result = (name, over = {}) => ({
  task_id: name.slice(0, 128),
  status: 'completed',
  agent: 'allegro',
  result: { verdict: 'ok' },
  finished_at: T,
  sender: alpha.pk,
  nonce: u64(name),
  audience: [beta.pk],
  ...over,
})

export const receipt = (name, over = {}) => ({
  event: sha256Hex(`event of ${name}`),
  ref: sha256Hex(`message of ${name}`),
  status: 'accepted',
  stage: 'done',
  at: T,
  sender: alpha.pk,
  nonce: u64(name),
  audience: [beta.pk],
  ...over,
})

export const fragment = (over = {}) => ({
  of: sha256Hex('a whole'),
  index: 0,
  count: 2,
  data: Buffer.from('the first half').toString('base64'),
  ...over,
})

const pair = `pair:${[alpha.pk, beta.pk].sort().join(':')}`
export const braid = (name, over = {}) => ({
  op: 'get',
  scope: pair,
  session: 's1',
  ids: [sha256Hex('a strand')],
  sender: alpha.pk,
  nonce: u64(name),
  audience: [beta.pk],
  ...over,
})

export const heartbeat = (name, over = {}) => ({
  at: T,
  interval_s: 60,
  agents: [{ id: 'allegro', model: 'a-model', load: 0.25, status: 'idle' }, { id: 'ezra' }],
  sender: alpha.pk,
  nonce: u64(name),
  ...over,
})

export const knot = (name, over = {}) => ({
  index: 0,
  prior: '0'.repeat(64),
  scope: 'gossip',
  count: 1,
  root: sha256Hex('a root'),
  order_root: sha256Hex('an order root'),
  sender: alpha.pk,
  nonce: u64(name),
  ...over,
})

export const nodeInfo = (over = {}) => ({
  kapnet: '0.2.0',
  type: 'ksp-service',
  version: 1,
  id: 'herm-qubes-alpha',
  npub: alpha.npub,
  endpoint: 'wss://relay.example',
  capabilities: ['txxm-gossip', 'braid-sync', 'knot-building'],
  kor_namespaces: ['sys.pluronymous.org'],
  status: 'active',
  ...over,
})

/** The event that advertises it. */
export const advertised = (info, o = {}) => {
  const tags = [
    ['d', `ksp-service:${info.id}`],
    ['t', 'kapnet'],
    ['t', 'ksp-service'],
    ['L', 'kor'],
    ...[info.kor_namespaces ?? []].flat().map((namespace) => ['l', String(namespace), 'kor']),
    ['expiration', String(T + 3600)],
  ]
  const by = o.carrier ?? alpha
  const event = signed({ kind: 30078, tags: o.tags ?? tags, content: JSON.stringify(info), ...o.sign }, by)
  return { road: 'public', event, expect: { type: 'ksp-service', author: by.pk } }
}

/** The first tag of this name with another value; every other as it was. */
export const retag = (name, value) => (tags) => {
  const at = tags.findIndex(([tag]) => tag === name)
  return tags.map((tag, i) => (i === at ? [name, value] : tag))
}
export const without =
  (...names) =>
  (tags) =>
    tags.filter(([name]) => !names.includes(name))

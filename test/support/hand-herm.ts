import { finalizeEvent, generateSecretKey, getPublicKey, verifyEvent } from 'nostr-tools/pure'
import * as nip19 from 'nostr-tools/nip19'
import * as nip44 from 'nostr-tools/nip44'
import { createHash, randomBytes } from 'node:crypto'
import { canonical } from '../../src/core/canonical.js'
import type { Receipt } from '../../src/core/envelope-types.js'
import type { JsonObject, JsonValue, MessageId, NostrEvent, Pubkey } from '../../src/core/types.js'
import { connectClient, type RelayClient } from './relay-client.js'

/**
 * A Herm that is nothing but a key in a test's hand: it can say whatever the wire allows, right or wrong. Signatures and
 * encryption are another library's than the bridge's own.
 */
export interface HandHerm {
  readonly id: string
  readonly key: Pubkey
  readonly npub: string
  /** A TXXM that nobody has made before, to `to`. `over` replaces members; undefined leaves one out. */
  txxm(to: string | readonly string[] | undefined, over?: Record<string, JsonValue | undefined>): HandTxxm
  /** The signature over (type, sha256) that stands in an envelope. */
  attest(type: string, sha256: string): JsonObject
  /** Any event, signed. */
  sign(over: { kind?: number; created_at?: number; tags?: string[][]; content: string }): NostrEvent
  /** `content` in the clear to `to`, or to everyone; with the `d` that its content asks for. */
  clear(content: string, to?: string, over?: { d?: string; created_at?: number; tags?: string[][] }): NostrEvent
  /** The nip44 road. */
  sealed(content: string, to: string, over?: { created_at?: number }): NostrEvent
  ciphertext(content: string, to: string): string
  nodeInfo(over?: Record<string, JsonValue>, createdAt?: number): NostrEvent
  /** A receipt, or several, as an envelope's text. */
  receipt(...receipts: JsonObject[]): string
  /** Opens what was sealed by `from` to us. */
  open(from: string, ciphertext: string): string
}

export interface HandTxxm {
  readonly id: MessageId
  readonly body: JsonObject
  /** The envelope's text, attested by its author. `over` replaces members of the envelope; undefined leaves one out. */
  envelope(over?: Record<string, JsonValue | undefined>): string
}

export const nowSec = (): number => Math.floor(Date.now() / 1000)
export const sha256Of = (value: JsonValue): string => createHash('sha256').update(canonical(value)).digest('hex')
export const envelopeText = (type: string, key: string, body: JsonValue, more: JsonObject = {}): string =>
  JSON.stringify({ kapnet: '0.2.0', type, version: 1, [key]: body, sha256: sha256Of(body), ...more })

const without = (members: Record<string, JsonValue | undefined>): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JsonObject
const u64 = (): string => randomBytes(8).readBigUInt64BE().toString()
const random = (): string => randomBytes(16).toString('hex')

/** wire.md 3. What is no envelope gets one that nothing else has, or a relay would take it for a newer version of another. */
const dOf = (content: string, to: string | undefined): string => {
  const [, type] = /"type":"(txxm|task|receipt)(?:-envelope)?"/.exec(content) ?? []
  const sha256 = /"sha256":"([0-9a-f]{64})"/.exec(content)?.[1]
  if (type === undefined || sha256 === undefined) return random()
  return to === undefined || type === 'receipt' ? `${type}-${sha256}` : `${type}-${sha256}-${to.slice(0, 16)}`
}

export const handHerm = (id: string): HandHerm => {
  const secret = generateSecretKey()
  const key = getPublicKey(secret) as Pubkey
  const npub = nip19.npubEncode(key)

  const sign: HandHerm['sign'] = ({ kind = 30_078, created_at = nowSec(), tags = [], content }) =>
    // Without the mark that the library puts on what it has signed.
    JSON.parse(JSON.stringify(finalizeEvent({ kind, created_at, tags, content }, secret))) as NostrEvent
  const attest: HandHerm['attest'] = (type, sha256) => {
    const tags = [
      ['t', 'kapnet'],
      ['t', 'attestation'],
      ['k', type],
      ['x', sha256],
    ]
    const { pubkey, created_at, sig } = sign({ kind: 78, tags, content: '' })
    return { pubkey, created_at, sig }
  }
  const ciphertext: HandHerm['ciphertext'] = (content, to) =>
    nip44.encrypt(content, nip44.getConversationKey(secret, to))

  return {
    id,
    key,
    npub,
    sign,
    attest,
    ciphertext,
    txxm: (to, over = {}) => {
      const audience = to === undefined ? undefined : [to].flat()
      const body = without({
        type: 'submission',
        action: 'room.post',
        target_kor: 'review.sys.pluronymous.org',
        source_kor: `${id}.sys.pluronymous.org`,
        payload: { text: 'grüße 🜂' },
        sender: key,
        nonce: u64(),
        created_at: nowSec(),
        ...(audience === undefined ? {} : { audience }),
        ...over,
      })
      const sha256 = sha256Of(body)
      return {
        id: sha256 as MessageId,
        body,
        envelope: (members = {}) =>
          JSON.stringify(
            without({
              kapnet: '0.2.0',
              type: 'txxm-envelope',
              version: 1,
              txxm: body,
              sha256,
              attestation: attest('txxm-envelope', sha256),
              ...members,
            }),
          ),
      }
    },
    clear: (content, to, { d = dOf(content, to), created_at, tags = [] } = {}) =>
      sign({
        content,
        ...(created_at === undefined ? {} : { created_at }),
        tags: [['d', d], ['t', 'kapnet'], ...(to === undefined ? [] : [['p', to]]), ...tags],
      }),
    sealed: (content, to, over = {}) =>
      sign({
        content: ciphertext(content, to),
        tags: [
          ['d', `enc-${random()}`],
          ['t', 'kapnet'],
          ['p', to],
          ['expiration', String(nowSec() + 3_600)],
        ],
        ...over,
      }),
    nodeInfo: (over = {}, created_at = nowSec()) => {
      const info = {
        kapnet: '0.2.0',
        type: 'ksp-service',
        version: 1,
        id,
        npub,
        endpoint: '',
        capabilities: ['txxm-gossip'],
        kor_namespaces: ['sys.pluronymous.org'],
        status: 'active',
        ...over,
      }
      const tags = [
        ['d', `ksp-service:${info.id}`],
        ['t', 'kapnet'],
        ['t', 'ksp-service'],
        ['expiration', String(created_at + 3_600)],
      ]
      return sign({ created_at, tags, content: JSON.stringify(info) })
    },
    receipt: (...receipts) => {
      const bodies = receipts.map((r) => ({ at: nowSec(), sender: key, nonce: u64(), ...r }))
      return bodies.length === 1
        ? envelopeText('receipt', 'receipt', bodies[0]!)
        : envelopeText('receipt', 'receipts', bodies)
    },
    open: (from, text) => nip44.decrypt(text, nip44.getConversationKey(secret, from)),
  }
}

/** What a Herm in a test's hand hears of one other Herm, on one relay. */
export interface Ear {
  readonly client: RelayClient
  /** Every receipt so far, in the order of arrival, with how it came. Each is proved: signature, sha256, sender, audience. */
  receipts(): HeardReceipt[]
  about(event: string): HeardReceipt[]
  /** TXXMs that were sent to us: the envelope and the event it came in. */
  messages(): { readonly event: NostrEvent; readonly text: string }[]
  close(): Promise<number>
}

export interface HeardReceipt extends Receipt {
  readonly sealed: boolean
}

export const listen = async (url: string, me: HandHerm, from: string): Promise<Ear> => {
  const client = await connectClient(url)
  client.send('REQ', 'ear', { kinds: [30_078], '#p': [me.key], authors: [from] })
  await client.take('EOSE', 'ear')
  const opened = new Map<string, { event: NostrEvent; text: string; sealed: boolean }>()
  const heard = (): { event: NostrEvent; text: string; sealed: boolean }[] => {
    for (const [verb, sub, raw] of client.heard) {
      const event = raw as NostrEvent
      // A relay that filters nothing also says what is for others.
      if (verb !== 'EVENT' || sub !== 'ear' || event.pubkey !== from || opened.has(event.id)) continue
      if (!event.tags.some((t) => t[0] === 'p' && t[1] === me.key)) continue
      if (!verifyEvent(event as never)) throw new Error(`an event of ${from} does not verify`)
      const sealed = event.tags.some((t) => t[0] === 'd' && t[1]?.startsWith('enc-') === true)
      opened.set(event.id, { event, sealed, text: sealed ? me.open(from, event.content) : event.content })
    }
    return [...opened.values()]
  }
  const typeOf = (text: string): unknown => (JSON.parse(text) as JsonObject).type
  const receipts = (): HeardReceipt[] =>
    heard()
      .filter(({ text }) => typeOf(text) === 'receipt')
      .flatMap(({ text, sealed }) => {
        const envelope = JSON.parse(text) as JsonObject
        const body = (envelope.receipt ?? envelope.receipts) as JsonValue
        if (sha256Of(body) !== envelope.sha256) throw new Error('a receipt whose sha256 is wrong')
        return ([body].flat() as unknown as Receipt[]).map((r) => {
          if (r.sender !== from || r.audience?.join() !== me.key) throw new Error('a receipt that is not for us')
          return { ...r, sealed }
        })
      })
  return {
    client,
    receipts,
    about: (event) => receipts().filter((r) => r.event === event),
    messages: () => heard().filter(({ text }) => typeOf(text) === 'txxm-envelope'),
    close: () => client.close(),
  }
}

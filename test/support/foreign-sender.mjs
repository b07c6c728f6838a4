// A Herm that shares no code with this project: only nostr-tools, ws and node:crypto, written from wire.md alone. It sends one
// TXXM with an attestation to a bridge, waits for its receipts until one says `done`, then takes one TXXM from the bridge and
// answers it.
// usage: FOREIGN_SECRET=<64 hex> node test/support/foreign-sender.mjs --relay URL --to HEX --road public|nip44 --id HERM-ID
// Prints JSON lines: {"sent"}, {"receipt"}..., {"took"}, {"answered"}. Exits 0 when all of it went well, 1 with a reason.
import { createHash, randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { finalizeEvent, getPublicKey, verifyEvent } from 'nostr-tools/pure'
import * as nip44 from 'nostr-tools/nip44'
import { WebSocket } from 'ws'

const { values } = parseArgs({
  options: { relay: { type: 'string' }, to: { type: 'string' }, road: { type: 'string' }, id: { type: 'string' } },
})
const { relay, to, road, id: hermId } = values
const secret = new Uint8Array(Buffer.from(process.env.FOREIGN_SECRET, 'hex'))
const me = getPublicKey(secret)
const KIND = 30078

const say = (line) => console.log(JSON.stringify(line))
const fail = (reason) => {
  console.error(reason)
  process.exit(1)
}
const must = (holds, reason) => holds || fail(reason)

// RFC 8785 for objects, lists, strings, booleans and whole numbers, which is all that is used here.
const jcs = (x) => {
  if (Array.isArray(x)) return `[${x.map(jcs).join(',')}]`
  if (x === null || typeof x !== 'object') return JSON.stringify(x)
  const names = Object.keys(x).sort()
  return `{${names.map((name) => `${JSON.stringify(name)}:${jcs(x[name])}`).join(',')}}`
}
const sha256 = (data) => createHash('sha256').update(data).digest('hex')
const now = () => Math.floor(Date.now() / 1000)
const nonce = () => randomBytes(8).readBigUInt64BE().toString()

// wire.md 2, attestation
const attestationEvent = (type, hash, createdAt) => ({
  kind: 78,
  created_at: createdAt,
  tags: [
    ['t', 'kapnet'],
    ['t', 'attestation'],
    ['k', type],
    ['x', hash],
  ],
  content: '',
})
const attest = (type, hash) => {
  const { pubkey, created_at, sig } = finalizeEvent(attestationEvent(type, hash, now()), secret)
  return { pubkey, created_at, sig }
}
const isAttested = (type, hash, { pubkey, created_at, sig }) => {
  const event = { ...attestationEvent(type, hash, created_at), pubkey }
  const form = [0, pubkey, created_at, event.kind, event.tags, event.content]
  return verifyEvent({ ...event, id: sha256(JSON.stringify(form)), sig })
}

const envelope = (type, key, body, attested) => {
  const hash = sha256(jcs(body))
  const more = attested ? { attestation: attest(type, hash) } : {}
  return { hash, text: JSON.stringify({ kapnet: '0.2.0', type, version: 1, [key]: body, sha256: hash, ...more }) }
}

// wire.md 3 and 4
const conversation = nip44.getConversationKey(secret, to)
const carry = (text, openTags) => {
  const expiration = ['expiration', String(now() + 3600)]
  const tags =
    road === 'nip44'
      ? [['d', `enc-${randomBytes(16).toString('hex')}`], ['t', 'kapnet'], ['p', to], expiration]
      : [...openTags, expiration]
  const content = road === 'nip44' ? nip44.encrypt(text, conversation) : text
  return finalizeEvent({ kind: KIND, created_at: now(), tags, content }, secret)
}

const txxm = {
  type: 'submission',
  action: 'room.post',
  target_kor: 'sys.pluronymous.org',
  source_kor: `${hermId}.sys.pluronymous.org`,
  payload: { text: 'Grüße aus einem anderen Programm \u2713 "\\"', list: [1, 2, { b: true, a: null }] },
  sender: me,
  nonce: nonce(),
  audience: [to],
  created_at: now(),
}
const { hash: txxmId, text: txxmText } = envelope('txxm-envelope', 'txxm', txxm, true)
const sent = carry(txxmText, [
  ['d', `txxm-${txxmId}-${to.slice(0, 16)}`],
  ['t', 'kapnet'],
  ['t', 'txxm'],
  ['p', to],
  ['k', '30000'],
  ['kap', 'txxm'],
  ['id', txxmId],
  ['class', txxm.type],
  ['ns', sha256(txxm.target_kor)],
  ['payload', sha256(jcs(txxm.payload))],
])

// braid.md, Root: LtHash16 over the ids that we know both of us hold.
const rootOf = (ids) => {
  const sum = new Uint16Array(1024)
  for (const id of ids) {
    const lanes = createHash('shake256', { outputLength: 2048 }).update(Buffer.from(id, 'hex')).digest()
    for (let i = 0; i < 1024; i++) sum[i] += lanes.readUInt16LE(2 * i)
  }
  const bytes = Buffer.alloc(2048)
  sum.forEach((lane, i) => bytes.writeUInt16LE(lane, 2 * i))
  return sha256(bytes)
}

const takeReceipts = (content, event) => {
  const body = content.receipts ?? content.receipt
  must(content.sha256 === sha256(jcs(body)), 'the sha256 of a receipt is not that of its body')
  if (road === 'public')
    must(
      event.tags.some(([n, v]) => n === 'e' && v === sent.id),
      'no e tag names our event',
    )
  for (const receipt of [body].flat()) {
    must(receipt.event === sent.id && receipt.ref === txxmId, 'a receipt for another event')
    must(receipt.sender === to && receipt.audience.includes(me), 'a receipt by or for another')
    must(receipt.status === 'accepted', `status ${receipt.status} ${receipt.code}: ${receipt.message}`)
    if (receipt.braid) must(receipt.braid.root === rootOf([txxmId]), 'another root than ours')
    say({ receipt: { stage: receipt.stage, braid: receipt.braid !== undefined } })
    done ||= receipt.stage === 'done'
  }
}

const takeTxxm = (content, event) => {
  must(content.sha256 === sha256(jcs(content.txxm)), 'the sha256 of a TXXM is not that of its body')
  must(content.txxm.sender === to && content.txxm.audience.includes(me), 'a TXXM by or for another')
  must(content.attestation?.pubkey === to, 'not attested by its author')
  must(isAttested('txxm-envelope', content.sha256, content.attestation), 'the attestation does not verify')
  say({ took: content.sha256, payload: content.txxm.payload })
  const receipt = { event: event.id, ref: content.sha256, status: 'accepted', stage: 'done', at: now() }
  const { hash, text } = envelope(
    'receipt',
    'receipt',
    { ...receipt, sender: me, nonce: nonce(), audience: [to] },
    false,
  )
  const answer = carry(text, [
    ['d', `receipt-${hash}`],
    ['t', 'kapnet'],
    ['t', 'receipt'],
    ['p', to],
    ['k', '30003'],
    ['e', event.id],
  ])
  socket.send(JSON.stringify(['EVENT', answer]))
  return answer.id
}

let done = false
let answer
const socket = new WebSocket(relay)
socket.on('error', (error) => fail(error.message))
socket.on('close', () => fail('the relay has closed the connection'))
socket.on('open', () => {
  socket.send(JSON.stringify(['REQ', 'inbox', { kinds: [KIND], '#p': [me], since: now() - 60 }]))
  socket.send(JSON.stringify(['EVENT', sent]))
})
socket.on('message', (data) => {
  const [verb, first, second, reason] = JSON.parse(data.toString())
  if (verb === 'OK') {
    must(second === true, `the relay refused it: ${reason}`)
    if (first === sent.id) say({ sent: txxmId, event: sent.id })
    if (first === answer) {
      say({ answered: true })
      process.exit(0)
    }
  }
  if (verb !== 'EVENT') return
  must(verifyEvent(second), 'an event that does not verify')
  must(second.pubkey === to, 'an event of somebody else')
  const sealed = second.tags.some(([name, value]) => name === 'd' && value.startsWith('enc-'))
  must(sealed === (road === 'nip44'), `it was answered on another road: ${second.tags}`)
  const content = JSON.parse(sealed ? nip44.decrypt(second.content, conversation) : second.content)
  if (content.type === 'receipt') takeReceipts(content, second)
  else if (content.type === 'txxm-envelope') {
    must(done, 'a TXXM before ours was done')
    answer ??= takeTxxm(content, second)
  } else fail(`an unexpected ${content.type}`)
})

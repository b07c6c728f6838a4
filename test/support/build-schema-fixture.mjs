// Builds test/fixtures/schema-N.db with something in every table, and schema-N.json with what the store says of it.
// Run it once for each schema that is released: node test/support/build-schema-fixture.mjs (needs the built dist/).
// A fixture that exists is never built again: it stands for the files that people have.
import { createHash } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { attestationOf, attestationTemplate } from '../../dist/src/core/attestation.js'
import { canonical } from '../../dist/src/core/canonical.js'
import { eventId } from '../../dist/src/core/event.js'
import { openEngine } from '../../dist/src/crypto/engine.js'
import { nodeHashes } from '../../dist/src/crypto/hashes.js'
import { openStore } from '../../dist/src/store/open.js'
import { MIGRATIONS } from '../../dist/src/store/schema.js'
import { surveyStore } from './survey-store.mjs'

const NOW = 1_750_000_000_000
const LATER = NOW + 1_000_000_000
const name = new URL(`../fixtures/schema-${MIGRATIONS.length}`, import.meta.url)
const file = fileURLToPath(`${name}.db`)
if (existsSync(file)) {
  console.error(`${file} exists: a released schema does not change`)
  process.exit(1)
}

const hash = (word) => createHash('sha256').update(word).digest('hex')
const engine = await openEngine()
const people = Object.fromEntries(
  ['me', 'alice', 'bob'].map((who) => {
    const secret = Buffer.from(hash(`secret ${who}`), 'hex')
    return [who, { secret, key: Buffer.from(engine.publicKey(secret)).toString('hex') }]
  }),
)
const { me, alice, bob } = people
const pair = (a, b) => `pair:${[a.key, b.key].sort().join(':')}`

const sign = (who, template) => {
  const id = eventId({ ...template, pubkey: who.key }, nodeHashes)
  const sig = Buffer.from(engine.sign(Buffer.from(id, 'hex'), who.secret, Buffer.alloc(32))).toString('hex')
  return { ...template, pubkey: who.key, id, sig }
}

const strand = (word, who, parents, scopes, more) => {
  const dependencies = parents.map((parent) => ({ kind: 'causal-parent', hash: parent }))
  const created_at = NOW / 1000
  const body = canonical({
    ...{ type: 'signal', action: 'room.say', target_kor: 'room.kor', source_kor: 'herm-a.room.kor' },
    ...{ payload: { word }, sender: who.key, nonce: '1', created_at, dependencies },
  })
  const id = hash(body)
  return {
    ...{ id, author: who.key, type: 'signal', action: 'room.say', targetKor: 'room.kor' },
    ...{ sourceKor: 'herm-a.room.kor', createdAt: created_at, body, parents, scopes },
    attestation: attestationOf(sign(who, attestationTemplate('txxm-envelope', id, created_at))),
    ...{ confidential: true, origin: 'peer', carrier: who.key, road: 'nip44' },
    ...more,
  }
}

const store = openStore(file, { clock: { now: () => NOW, sleep: () => Promise.resolve() }, hashes: nodeHashes })
const put = (decision) => store.commit(() => decision)
const owe = (message, to) => ({ message, to, dueAt: NOW, expiresAt: LATER, confidential: true })
const receipt = (event, ref, more) => ({
  ...{ to: alice.key, event, ref, status: 'accepted', stage: 'stored' },
  ...{ at: NOW, dueAt: NOW + 200, confidential: true, ...more },
})

const first = strand('first', alice, [], [pair(me, alice)], { validUntil: LATER / 1000 })
const second = strand('second', alice, [first.id, hash('a parent that is missing')], [pair(me, alice)])
const clear = strand('in the clear', bob, [], ['gossip'], { confidential: false, road: 'public' })
const content = JSON.stringify({ type: 'txxm-envelope', sha256: clear.id })
const event = sign(bob, { kind: 30078, created_at: NOW / 1000, tags: [['t', 'kapnet']], content })
const own = strand('own', me, [clear.id], ['gossip', pair(me, bob)], {
  origin: 'cli',
  carrier: undefined,
  road: undefined,
})
const id = (word) => hash(`event ${word}`)

await put({
  strand: first,
  marks: [{ id: id('first') }],
  owes: [owe(first.id, 'port:kapnetd')],
  answers: [{ message: first.id, carrier: alice.key, event: id('first'), confidential: true }],
  receipts: [receipt(id('first'), first.id, { scope: pair(me, alice) })],
})
await put({ moves: [{ message: first.id, to: 'port:kapnetd', state: 'done', at: NOW + 5 }] })
await put({ strand: second, marks: [{ id: id('second') }], owes: [owe(second.id, 'port:kapnetd')] })
await put({ strand: { ...clear, event }, marks: [{ id: event.id }], owes: [owe(clear.id, 'port:nats')] })
await put({
  strand: own,
  orderKey: { key: 'order 1', message: own.id },
  owes: [owe(own.id, bob.key), owe(own.id, 'gossip'), owe(own.id, 'kor:room.kor')],
})
const sent = { road: 'nip44', relay: 'wss://relay.example', event: id('sent'), sent: true, try: true }
await put({
  moves: [
    { message: own.id, to: bob.key, state: 'relay-ok', at: NOW + 7, retryAt: NOW + 30_000, ...sent },
    { message: own.id, to: 'gossip', state: 'dead', at: NOW + 8, code: 'max-age', reason: 'nobody took it' },
  ],
})
await put({
  row: {
    ...{ id: hash('{"task":1}'), kind: 'task', author: alice.key, taskId: 't-1', body: '{"task":1}' },
    ...{ confidential: true, origin: 'peer' },
  },
})
await put({
  refusal: { code: 'forbidden-kor', message: 'not granted' },
  marks: [{ id: id('refused'), code: 'forbidden-kor', generation: 1 }],
  receipts: [
    receipt(id('refused'), undefined, { status: 'rejected', stage: undefined, code: 'forbidden-kor', message: 'no' }),
  ],
})
await put({
  peer: {
    key: bob.key,
    info: { id: 'herm-b', npub: 'npub1', endpoint: '', capabilities: [], kor_namespaces: [], status: 'active' },
    ...{ createdAt: NOW / 1000, expiresAt: LATER / 1000, event: id('info'), relay: 'wss://relay.example', seenAt: NOW },
  },
  pin: { id: 'herm-b', key: bob.key },
})
await store.generation('fingerprint')
await store.setGrant({ key: alice.key, verdict: 'approved', id: 'herm-a', at: NOW })
await store.rememberRelay({ url: 'wss://relay.example', lastWhole: NOW })
await store.setCursor('kapnetd', '17')

writeFileSync(`${fileURLToPath(name)}.json`, `${JSON.stringify(surveyStore(store, LATER), null, 1)}\n`)
await store.close()
console.log(`${file} is built`)

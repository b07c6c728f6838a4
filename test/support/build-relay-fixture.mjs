// Builds test/fixtures/relay-schema-N.sqlite: a file of the relay as the built dist/ makes it, with something in every table,
// and relay-schema-N.json with what it must answer for ever after.
// Run it once for each schema that is released: node test/support/build-relay-fixture.mjs [a built dist/ of that release]
// A fixture that exists is never built again: it stands for the files that people have.
import Database from 'better-sqlite3'
import { createHash } from 'node:crypto'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { pathToFileURL, fileURLToPath } from 'node:url'
import { resolve } from 'node:path'

const dist = pathToFileURL(`${resolve(process.argv[2] ?? 'dist')}/`)
const load = async (...paths) => {
  for (const path of paths) {
    const url = new URL(path, dist)
    if (existsSync(url)) return import(url.href)
  }
  throw new Error(`${paths.join(' and ')} are not there: build first`)
}
const { openEventStore } = await load('relay/store/store.js', 'relay/store.js')
const { eventId } = await load('src/core/event.js')
const { openEngine } = await load('src/crypto/engine.js')
const { nodeHashes } = await load('src/crypto/hashes.js')

const NOW = 1_750_000_000
const hash = (word) => createHash('sha256').update(word).digest('hex')
const engine = await openEngine()
const author = (name) => {
  const secret = Buffer.from(hash(`secret ${name}`), 'hex')
  const pubkey = Buffer.from(engine.publicKey(secret)).toString('hex')
  const sign = (kind, age, tags, content) => {
    const template = { pubkey, created_at: NOW - age, kind, tags, content }
    const id = eventId(template, nodeHashes)
    const sig = Buffer.from(engine.sign(Buffer.from(id, 'hex'), secret, Buffer.alloc(32))).toString('hex')
    return { ...template, id, sig }
  }
  return { pubkey, sign }
}
const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(author)

const note = alice.sign(1, 100, [['t', 'kapnet']], 'a note')
const reply = bob.sign(
  1,
  90,
  [
    ['e', note.id],
    ['p', alice.pubkey],
    ['t', 'x'.repeat(100)],
  ],
  'a reply',
)
const deleted = bob.sign(1, 80, [], 'deleted later')
const early = bob.sign(1, 70, [], 'deleted before it came')
const older = alice.sign(0, 60, [], '{"name":"a"}')
const newer = alice.sign(0, 50, [], '{"name":"alice"}')
const page = alice.sign(30_078, 40, [['d', 'a:b']], 'a page')
const lost = alice.sign(30_078, 40, [['d', 'lost']], 'a page that is deleted')
const wrap = bob.sign(1059, 30, [['p', alice.pubkey]], 'sealed')
const lasting = bob.sign(1, 20, [['expiration', String(NOW + 3_000_000_000)]], 'for long')
const deletion = bob.sign(
  5,
  10,
  [
    ['e', deleted.id],
    ['e', early.id],
  ],
  '',
)
const deletionOfPage = alice.sign(5, 10, [['a', `30078:${alice.pubkey}:lost`]], '')
const carols = carol.sign(1, 9, [], 'before she vanished')
const vanish = carol.sign(62, 8, [['relay', 'ALL_RELAYS']], '')

const scratch = `relay-fixture-${process.pid}.sqlite`
const store = openEventStore(scratch, nodeHashes)
const put = (...events) => {
  for (const event of events) store.write([{ event, json: JSON.stringify(event) }], NOW)
}
put(note, reply, deleted, older, newer, page, lost, wrap, lasting, deletion, deletionOfPage, carols)
store.close()
const db = new Database(scratch)
const version = db.pragma('user_version', { simple: true })
db.close()
const knowsVanish = version >= 2
const again = openEventStore(scratch, nodeHashes)
if (knowsVanish) again.write([{ event: vanish, json: JSON.stringify(vanish) }], NOW)
again.close()

const file = fileURLToPath(new URL(`../fixtures/relay-schema-${version}`, import.meta.url))
if (existsSync(`${file}.sqlite`)) {
  console.error(`${file}.sqlite exists: a released schema does not change`)
  process.exit(1)
}
new Database(scratch).exec(`VACUUM INTO '${file}.sqlite'`).close()
rmSync(scratch)
const kept = [note, reply, newer, page, wrap, lasting, deletion, deletionOfPage]
const survey = {
  now: NOW,
  served: [...kept, ...(knowsVanish ? [vanish] : [carols])],
  refused: { deleted: [deleted, early, lost], superseded: [older], ...(knowsVanish ? { vanished: [carols] } : {}) },
}
writeFileSync(`${file}.json`, `${JSON.stringify(survey, null, 1)}\n`)
console.log(`relay-schema-${version} is built`)

// Commits strands in a loop, each on top of the last, and prints the id of each once its commit has resolved. Ends when killed.
// node commit-loop.mjs FILE (needs the built dist/)
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { nodeHashes } from '../../dist/src/crypto/hashes.js'
import { openStore } from '../../dist/src/store/open.js'

const [file] = process.argv.slice(2)
const keyOf = (name) => createHash('sha256').update(name).digest('hex')
const author = keyOf('author')
const scope = `pair:${[author, keyOf('me')].sort().join(':')}`
const clock = { now: () => 1_750_000_000_000, sleep: () => Promise.resolve() }
const store = openStore(file, { clock, hashes: nodeHashes })

const strandOn = (parents, n) => {
  const dependencies = parents.map((hash) => ({ hash, kind: 'causal-parent' }))
  const body = JSON.stringify({ dependencies, nonce: String(n), sender: author })
  return {
    id: createHash('sha256').update(body).digest('hex'),
    author,
    type: 'signal',
    action: 'room.say',
    targetKor: 'room.kor',
    sourceKor: 'herm-a.room.kor',
    createdAt: n,
    body,
    confidential: true,
    origin: 'peer',
    carrier: author,
    road: 'nip44',
    parents,
    scopes: [scope, 'gossip'],
  }
}

const commitOne = async (n) => {
  const { message } = await store.commit((view) => {
    const strand = strandOn(view.tips(scope, 8), n)
    const owed = { message: strand.id, dueAt: 0, expiresAt: 1, confidential: true }
    return {
      strand,
      message: strand.id,
      marks: [{ id: keyOf(`event ${n}`) }],
      owes: [
        { ...owed, to: 'port:kapnetd' },
        { ...owed, to: author },
      ],
    }
  })
  // Straight to the pipe: what was printed was committed before.
  writeSync(1, `${message}\n`)
}

for (let n = 0; ; n += 4) await Promise.all([n, n + 1, n + 2, n + 3].map(commitOne))

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bytesOf, hexOf } from '../../src/core/hex.js'
import { answerNegentropy } from '../../src/core/negentropy.js'
import { syncSet, type SyncItem } from '../../src/core/negentropy-set.js'
import type { EventId, NostrEvent, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { newKey, startForeign } from '../support/foreign-client.js'
import { ids } from '../support/relay-store.js'
import { paperAuthor } from '../support/signed.js'

/**
 * Our negentropy alone, without a relay's rules around it, as the side that answers rust-nostr's, with which it shares no
 * code. Each pair of sets has a kind of its own, by which the client asks for it.
 */
const RUNS = 24
const FIRST_KIND = 5_000
const seed = Number(process.env['KSP_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

interface Case {
  readonly kind: number
  readonly mine: NostrEvent[]
  readonly theirs: NostrEvent[]
  readonly maxFrameBytes?: number
  rounds: number
  longest: number
}

/** The same for the same seed, from 0 up to 1. */
const chance = (...what: number[]): number =>
  new DataView(nodeHashes.sha256(`${seed} ${what.join(' ')}`).slice(0, 4).buffer).getUint32(0) / 2 ** 32
const oneOf = <T>(list: readonly T[], ...what: number[]): T => list[Math.floor(chance(...what) * list.length)]!

const author = paperAuthor('nobody')
const cases = Array.from({ length: RUNS }, (_, run): Case => {
  const kind = FIRST_KIND + run
  const size = oneOf([0, 1, 2, 31, 32, 33, 500, 1_500], run, 1)
  const perSec = oneOf([1, 3, 40, 10_000], run, 2)
  const lacks = [oneOf([0, 0.01, 0.3, 1], run, 3), oneOf([0, 0.01, 0.3, 1], run, 4)] as const
  const maxFrameBytes = oneOf([undefined, 4_096, 10_000], run, 5)
  const all = Array.from({ length: size }, (_, n) => {
    const created_at = (1_700_000_000 + Math.floor(n / perSec)) as UnixSec
    return { ...author.sign({ kind, created_at }), id: nodeHashes.sha256Hex(`${seed} ${run} ${n}`) as EventId }
  })
  const held = (side: 0 | 1): NostrEvent[] => all.filter((_, n) => chance(run, n, 6 + side) >= lacks[side])
  const frame = maxFrameBytes === undefined ? {} : { maxFrameBytes }
  return { kind, mine: held(0), theirs: held(1), ...frame, rounds: 0, longest: 0 }
})

let server: WebSocketServer
beforeAll(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  server.on('connection', (socket) => {
    const open = new Map<string, Case>()
    socket.on('message', (data: Buffer) => {
      const [verb, id, ...rest] = JSON.parse(data.toString()) as [string, string, ...unknown[]]
      if (verb === 'NEG-OPEN') open.set(id, cases[(rest[0] as { kinds: [number] }).kinds[0] - FIRST_KIND]!)
      const current = open.get(id)
      if (current === undefined || verb === 'NEG-CLOSE') return
      const set = syncSet(current.theirs.map((e): SyncItem => ({ time: e.created_at, id: bytesOf(e.id)! })))
      const { maxFrameBytes } = current
      const o = { hashes: nodeHashes, ...(maxFrameBytes === undefined ? {} : { maxFrameBytes }) }
      const answer = answerNegentropy(set, bytesOf(String(rest.at(-1)))!, o)
      current.rounds++
      if (answer.ok) current.longest = Math.max(current.longest, answer.value.length)
      const said = answer.ok ? ['NEG-MSG', id, hexOf(answer.value)] : ['NEG-ERR', id, answer.refusal.message]
      socket.send(JSON.stringify(said))
    })
  })
})
afterAll(async () => {
  for (const client of server.clients) client.terminate()
  server.close()
  await once(server, 'close')
})

it(`answers rust-nostr so that it finds the difference of any two sets (KSP_TEST_SEED=${seed})`, async () => {
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  const rust = await startForeign('rust', url, newKey())
  for (const current of cases) {
    const { have, need } = await rust.compare({ kinds: [current.kind] }, current.mine)

    const [mine, theirs] = [new Set(ids(current.mine)), new Set(ids(current.theirs))]
    const what = `kind ${current.kind}, ${mine.size} and ${theirs.size} items`
    expect(have.sort(), what).toEqual([...mine].filter((id) => !theirs.has(id)).sort())
    expect(need.sort(), what).toEqual([...theirs].filter((id) => !mine.has(id)).sort())
    expect(current.longest).toBeLessThanOrEqual(current.maxFrameBytes ?? Infinity)
    expect(current.rounds).toBeGreaterThan(0)
  }
  await rust.stop()
})

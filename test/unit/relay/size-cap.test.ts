import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { withinRetention } from '../../../relay/policy/retained.js'
import { LOW_WATER } from '../../../relay/store/evict-by-size.js'
import { openRoom } from '../../../relay/store/room.js'
import { openDatabase } from '../../../relay/store/schema.js'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore, StoreOptions } from '../../../relay/store/store.js'
import { runChores } from '../../../relay/store/upkeep.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import type { Log } from '../../../src/ports.js'
import { asIncoming, ask, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const MIB = 1024 * 1024
const CAP = 4 * MIB
const [alice, bob] = [paperAuthor('alice'), paperAuthor('bob')]
const folder = testFolder()

const open = (file = ':memory:', options: StoreOptions = {}): EventStore =>
  openEventStore(file, nodeHashes, { now: () => NOW as UnixSec, maxDbBytes: CAP, ...options })
const put = (store: EventStore, events: readonly NostrEvent[]): void => {
  for (let i = 0; i < events.length; i += 200) store.write(events.slice(i, i + 200).map(asIncoming), NOW as UnixSec)
}
const PAD = 'x'.repeat(3_000)
const made = (kind: number, ageSec: number, over: { tags?: string[][]; content?: string } = {}): NostrEvent =>
  alice.sign({ kind, created_at: (NOW - ageSec) as UnixSec, content: PAD, ...over })
const notes = (from: number, number: number): NostrEvent[] =>
  Array.from({ length: number }, (_, i) => made(1, from + i))
const told = (store: EventStore, event: NostrEvent): string | undefined =>
  withinRetention(store.retention)(event, { viewer: { keys: new Set() }, now: NOW as UnixSec })
const usedBytesOf = (file: string): number => {
  const db = openDatabase(file)
  const used = openRoom(db).usedBytes()
  db.close()
  return used
}

describe('a file that holds more than it may', () => {
  it('loses its oldest events until it is well below, and gives the room back to the disk', () => {
    const file = `${folder()}/relay.sqlite`
    const store = open(file)
    const events = notes(0, 2_000)
    put(store, events)

    const gone = runChores(store.chores)
    const left = store.count()
    const newestLeft = ask(store, [{ limit: 1 }], { maxLimit: 1 })
    const oldestLeft = ask(store, [{}]).at(-1)
    store.close()

    expect(gone + left).toBe(2_000)
    expect(usedBytesOf(file)).toBeLessThanOrEqual(CAP * LOW_WATER)
    expect(usedBytesOf(file)).toBeGreaterThan(CAP * 0.8)
    expect(newestLeft).toEqual([events[0]])
    expect(oldestLeft).toEqual(events[left - 1])
    expect(statSync(file).size).toBeLessThan(CAP * 1.1)
  })

  it('is left alone as long as it fits', () => {
    const store = open()
    put(store, notes(0, 500))

    expect(runChores(store.chores)).toBe(0)
  })

  it('takes what it took away no more, until it may hold more', () => {
    const file = `${folder()}/relay.sqlite`
    const store = open(file)
    const events = notes(0, 2_000)
    put(store, events)
    runChores(store.chores)
    const answers = [told(store, events.at(-1)!), told(store, made(1, -1)), told(store, made(7, 1_999))]
    store.close()
    const larger = open(file, { maxDbBytes: 2 * CAP })

    expect(answers[0]).toMatch(/^blocked: this relay has no room any more for events of kind 1 up to created_at \d+$/)
    expect(answers.slice(1)).toEqual([undefined, undefined])
    expect(told(larger, events.at(-1)!)).toBeUndefined()
    larger.close()
  })

  it('parts with regular events before gift wraps, these before pages, and these before profiles; deletions never', () => {
    const store = open()
    const deletions = Array.from({ length: 20 }, (_, i) => made(5, 9_000 + i, { tags: [['e', 'a'.repeat(64)]] }))
    const profile = bob.sign({ kind: 0, created_at: (NOW - 9_000) as UnixSec, content: PAD })
    const pages = Array.from({ length: 300 }, (_, i) => made(30_078, 8_000 + i, { tags: [['d', String(i)]] }))
    const wraps = Array.from({ length: 300 }, (_, i) => made(1059, 7_000 + i, { tags: [['p', bob.pubkey]] }))
    put(store, [...deletions, profile, ...pages, ...wraps, ...notes(0, 500)])
    const numbers = (): number[] => [1, 1059, 30_078, 0, 5].map((kind) => ask(store, [{ kinds: [kind] }]).length)

    runChores(store.chores)
    const once = numbers()
    put(store, notes(-2_000, 100))
    put(
      store,
      Array.from({ length: 900 }, (_, i) => made(30_079, i, { tags: [['d', String(i)]] })),
    )
    runChores(store.chores)
    const twice = numbers()

    expect(once[0]).toBeLessThan(500)
    expect(once.slice(1)).toEqual([300, 300, 1, 20])
    expect(twice.slice(0, 2)).toEqual([0, 0])
    expect(twice[2]).toBeLessThan(300)
    expect(twice.slice(3)).toEqual([1, 20])
  })

  it('takes nothing in while others fill it faster than it is emptied, and says so when nothing can go', () => {
    const said: string[] = []
    const nothing = (): void => undefined
    const log: Log = { debug: nothing, info: nothing, warn: nothing, error: (event) => said.push(event) }
    const store = open(':memory:', { log })
    const deletions = Array.from({ length: 1_400 }, (_, i) => made(5, i, { tags: [['e', 'a'.repeat(64)]] }))
    put(store, deletions)

    runChores(store.chores)
    runChores(store.chores)

    expect(told(store, made(1, 0))).toBe('rate-limited: this relay makes room; try again later')
    expect(told(store, made(5, 0))).toBeUndefined()
    expect(said).toEqual(['size-cap-too-small'])
    expect(store.count()).toBe(1_400)
  })
})

import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore } from '../../../relay/store/store.js'
import { runChores, startUpkeep } from '../../../relay/store/upkeep.js'
import type { Chore } from '../../../relay/store/upkeep.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import type { Log } from '../../../src/ports.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const alice = paperAuthor('alice')
const folder = testFolder()
const note = (i: number, bytes = 10): NostrEvent =>
  alice.sign({ created_at: (NOW - i) as UnixSec, content: 'x'.repeat(bytes) + String(i) })

const listening = (said: string[]): Log => {
  const say = (event: string): void => void said.push(event)
  return { debug: say, info: say, warn: say, error: say }
}

/** A chore of so many steps, each of which takes a while; and when its first round is over. */
const slowChore = (steps: number, stepMs: number): { chore: Chore; over: Promise<number>; slices: () => number } => {
  let slices = 0
  let end: (removed: number) => void = () => undefined
  const over = new Promise<number>((resolve) => {
    end = resolve
  })
  let removed = 0
  const chore: Chore = {
    name: 'slow',
    everyMs: 1,
    *round() {
      for (let i = 0; i < steps; i++) {
        for (const until = performance.now() + stepMs; performance.now() < until;);
        yield 1
      }
    },
    together: (run) => {
      slices++
      run()
    },
    removed: (events) => {
      removed += events
      if (removed >= steps) end(removed)
    },
  }
  return { chore, over, slices: () => slices }
}

describe('upkeep', () => {
  it('does a long chore in many slices, and leaves room for others between them', async () => {
    const { chore, over, slices } = slowChore(60, 1)
    let turns = 0
    const others = setInterval(() => turns++, 1)

    const upkeep = startUpkeep([chore], listening([]))
    await over
    upkeep.stop()
    clearInterval(others)

    expect(slices()).toBeGreaterThan(5)
    expect(turns).toBeGreaterThan(5)
  })

  it('says once what goes wrong in the same way again and again, and goes on', async () => {
    const said: string[] = []
    const failure = new Error('the disk is full')
    let tries = 0
    let end: () => void = () => undefined
    const thrice = new Promise<void>((resolve) => {
      end = resolve
    })
    const failing: Chore = {
      name: 'failing',
      everyMs: 1,
      round: () => [][Symbol.iterator](),
      together: () => {
        if (++tries === 3) end()
        throw failure
      },
    }

    const upkeep = startUpkeep([failing], listening(said))
    await thrice
    upkeep.stop()

    expect(said).toEqual(['upkeep-failed'])
  })
})

describe('a file that takes no writes', () => {
  const states = (store: EventStore, event: NostrEvent): string => {
    try {
      return store.write([asIncoming(event)], NOW as UnixSec)[0]!.state
    } catch (error) {
      return error instanceof Error ? error.message : 'thrown'
    }
  }

  it.each([
    ['is read-only', 'query_only = 1', 'query_only = 0', 'SQLITE_READONLY'],
    ['has no room', 'max_page_count = 1', 'max_page_count = 1000000', 'SQLITE_FULL'],
  ])('is said once, served from, and written again when it can be: it %s', (_, limit, lift, code) => {
    const said: string[] = []
    const changes: boolean[] = []
    const file = join(folder(), 'relay.sqlite')
    const onWritable = (writable: boolean): void => void changes.push(writable)
    const store = openEventStore(file, nodeHashes, { log: listening(said), onWritable })
    states(store, note(1))
    store.database.pragma(limit)

    const during = [2, 3, 4].map((i) => states(store, note(i, 200_000)))
    expect(() => runChores(store.chores.filter(({ name }) => name === 'probe'))).toThrow(code)
    const readable = ask(store, [{}])
    const { writable, reason } = store.health
    store.database.pragma(lift)
    runChores(store.chores)
    const after = states(store, note(5, 200_000))

    for (const state of during) expect(state).toContain(code)
    expect(new Set(during).size).toBe(1)
    expect(readable).toEqual([note(1)])
    expect(writable).toBe(false)
    expect(reason).toContain(code)
    expect(after).toBe('stored')
    expect(store.health.writable).toBe(true)
    expect(said).toEqual(['store-not-writable', 'store-writable-again'])
    expect(changes).toEqual([false, true])
    store.close()
  })
})

describe('the log of commits', () => {
  it('is worked off in a quiet moment, cut back when it is too long, and gone after a stop', () => {
    const file = join(folder(), 'relay.sqlite')
    const store = openEventStore(file, nodeHashes, { maxWalBytes: 100_000 })
    for (let i = 0; i < 20; i++) store.write([asIncoming(note(i, 10_000))], NOW as UnixSec)
    const long = statSync(`${file}-wal`).size

    runChores(store.chores)
    const cut = statSync(`${file}-wal`).size
    store.close()

    expect(long).toBeGreaterThan(100_000)
    expect(cut).toBeLessThan(100_000)
    expect(statSync(`${file}-wal`, { throwIfNoEntry: false })).toBeUndefined()
  })
})

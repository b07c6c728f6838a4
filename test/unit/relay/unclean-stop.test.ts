import Database from 'better-sqlite3'
import { closeSync, copyFileSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore, StoreOptions } from '../../../relay/store/store.js'
import { runChores } from '../../../relay/store/upkeep.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import type { Log } from '../../../src/ports.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, ids, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const alice = paperAuthor('alice')
const folder = testFolder()

const open = (file: string, said: string[] = [], options: StoreOptions = {}): EventStore => {
  const say = (event: string): void => void said.push(event)
  const log: Log = { debug: say, info: say, warn: say, error: say }
  return openEventStore(file, nodeHashes, { log, ...options })
}
const put = (store: EventStore, ...events: NostrEvent[]): string[] =>
  store.write(events.map(asIncoming), NOW as UnixSec).map(({ state }) => state)
const notes = Array.from({ length: 200 }, (_, i) =>
  alice.sign({ created_at: (NOW - i) as UnixSec, content: 'x'.repeat(500), tags: [['t', String(i)]] }),
)

/** A copy as a crash would leave it, with its log of commits or without. */
const crashed = (ends: readonly string[]): string => {
  const dir = folder()
  const [file, copy] = [join(dir, 'relay.sqlite'), join(dir, 'copy.sqlite')]
  open(file).close()
  const store = open(file)
  put(store, ...notes)
  for (const end of ends) copyFileSync(file + end, copy + end)
  store.close()
  return copy
}

describe('a file that was left in order', () => {
  it('is opened without a check, and has no log of commits beside it', () => {
    const file = join(folder(), 'relay.sqlite')
    const store = open(file)
    put(store, ...notes)
    store.close()
    const wal = statSync(`${file}-wal`, { throwIfNoEntry: false })
    const said: string[] = []

    const again = open(file, said)

    expect(wal).toBeUndefined()
    expect(said).toEqual([])
    expect(again.count()).toBe(notes.length)
    again.close()
  })
})

describe('a file that was not left in order', () => {
  it.each([
    ['by a crash', ['', '-wal']],
    ['and lost its log of commits', ['']],
  ])('%s is checked before anybody is served, and in order after the next stop', (_, ends) => {
    const file = crashed(ends)
    const [first, second]: string[][] = [[], []]

    open(file, first).close()
    open(file, second).close()

    expect(first).toEqual(['unclean-stop', 'integrity-check'])
    expect(second).toEqual([])
  })

  it('is refused in one line that says what to do where the check finds damage; what can be read is saved all the same', () => {
    const file = crashed(['', '-wal'])
    open(file).close()
    const db = new Database(file)
    const page = db.prepare<[], number>("SELECT rootpage FROM sqlite_schema WHERE name = 'events_by_id'").pluck().get()!
    db.exec("UPDATE facts SET value = 0 WHERE name = 'stopped-in-order'")
    db.close()
    const descriptor = openSync(file, 'r+')
    const leaf = readFileSync(file).readUInt32BE((page - 1) * 4096 + 8)
    writeSync(descriptor, Buffer.alloc(600, 0xa5), 0, 600, (leaf - 1) * 4096 + 2_000)
    closeSync(descriptor)

    expect(() => open(file)).toThrow(
      /^cannot open [^\n]+: it is damaged \([^\n]+\): restore a backup with ksp relay restore, or save what can be read with ksp relay export$/,
    )
    const store = open(file, [], { check: false })
    expect(ask(store, [{}])).toHaveLength(notes.length)
    store.close()
    expect(() => open(file)).toThrow('it is damaged')
  })

  it('is refused in one line where its first page is gone', () => {
    const file = crashed([''])
    const descriptor = openSync(file, 'r+')
    writeSync(descriptor, Buffer.alloc(4096, 0xa5), 0, 4096, 4096)
    closeSync(descriptor)

    expect(() => open(file)).toThrow('it is damaged')
  })
})

interface Survey {
  readonly now: number
  readonly served: readonly NostrEvent[]
  readonly refused: Readonly<Record<string, readonly NostrEvent[]>>
}

describe('a file of a released schema', () => {
  const fixture = (schema: number, end: string): string =>
    fileURLToPath(new URL(`../../fixtures/relay-schema-${schema}.${end}`, import.meta.url))

  it.each([1, 2])('opens, serves what it held and keeps away what was gone: schema %i', (schema) => {
    const file = join(folder(), 'relay.sqlite')
    copyFileSync(fixture(schema, 'sqlite'), file)
    const survey = JSON.parse(readFileSync(fixture(schema, 'json'), 'utf8')) as Survey

    const store = open(file, [], { now: () => survey.now as UnixSec })
    const served = ask(store, [{}], { now: survey.now })
    const states = Object.entries(survey.refused).flatMap(([state, events]) =>
      events.map((event) => [state, store.write([asIncoming(event)], survey.now as UnixSec)[0]!.state]),
    )
    const known = put(store, ...survey.served)
    runChores(store.chores)
    const after = ask(store, [{}], { now: survey.now })
    const byTag = ask(store, [
      { '#p': survey.served.flatMap(({ tags }) => tags.filter(([n]) => n === 'p').map((t) => t[1]!)) },
    ])
    store.close()

    expect(ids(served).sort()).toEqual(ids(survey.served).sort())
    expect(served).toEqual(after)
    for (const [expected, state] of states) expect(state).toBe(expected)
    expect(new Set(known)).toEqual(new Set(['duplicate']))
    expect(byTag).toHaveLength(2)
    const db = new Database(file)
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    db.close()
  })

  it('says that it can not shrink where room is to be kept', () => {
    const file = join(folder(), 'relay.sqlite')
    copyFileSync(fixture(2, 'sqlite'), file)
    const said: string[] = []

    open(file, said, { maxDbBytes: 10_000_000 }).close()

    expect(said).toEqual(['file-does-not-shrink'])
  })
})

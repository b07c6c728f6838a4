import Database from 'better-sqlite3'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../../relay/store/schema.js'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore } from '../../../relay/store/store.js'
import type { Outcome } from '../../../relay/store/store-write.js'
import type { EventTemplate, NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, ids, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const alice = paperAuthor('alice')
const bob = paperAuthor('bob')
const folder = testFolder()

const open = (file = ':memory:'): EventStore => openEventStore(file, nodeHashes)
const put = (store: EventStore, ...events: NostrEvent[]): Outcome['state'][] =>
  events.map((event) => store.write([asIncoming(event)], NOW as UnixSec)[0]!.state)
const at = (seconds: number, over: Partial<EventTemplate> = {}): Partial<EventTemplate> => ({
  ...over,
  created_at: seconds as UnixSec,
})
/** Two events that differ in their ids only; the lower one first. */
const tied = (over: Partial<EventTemplate>): [NostrEvent, NostrEvent] => {
  const [a, b] = [alice.sign({ ...over, content: 'a' }), alice.sign({ ...over, content: 'b' })]
  return a.id < b.id ? [a, b] : [b, a]
}

describe('what the store keeps', () => {
  it('is given back byte for byte, whatever its content', () => {
    const store = open()
    const event = alice.sign({
      content: '\u0000\u0001"\\\n\u2028😀é',
      tags: [
        ['t', '\u0000'],
        ['emoji', '😀', ''],
      ],
    })
    put(store, event)

    const [found] = ask(store, [{ ids: [event.id] }])

    expect(found).toEqual(event)
  })

  it('is known by its id, once', () => {
    const store = open()
    const event = alice.sign()

    expect(put(store, event, event)).toEqual(['stored', 'duplicate'])
    expect(store.has(event.id)).toBe(true)
    expect(store.has(bob.sign().id)).toBe(false)
    expect(store.count()).toBe(1)
  })

  it('is a duplicate also where both copies come in one transaction', () => {
    const store = open()
    const item = asIncoming(alice.sign())

    const outcomes = store.write([item, item], NOW as UnixSec)

    expect(outcomes.map((o) => o.state)).toEqual(['stored', 'duplicate'])
  })

  it('is numbered by commit, and no number is used twice', () => {
    const store = open()
    const first = store.write([asIncoming(alice.sign({ kind: 0, ...at(1) }))], NOW as UnixSec)[0]
    const second = store.write([asIncoming(alice.sign({ kind: 0, ...at(2) }))], NOW as UnixSec)[0]

    expect(first).toEqual({ state: 'stored', seq: 1 })
    expect(second).toEqual({ state: 'stored', seq: 2 })
    expect(store.lastSeq()).toBe(2)
  })
})

describe('replaceable and addressable events', () => {
  it.each([0, 3, 10_000, 19_999])('of kind %i: the newest wins in either order of arrival', (kind) => {
    const older = alice.sign(at(1, { kind }))
    const newer = alice.sign(at(2, { kind }))
    const [up, down] = [open(), open()]

    expect(put(up, older, newer)).toEqual(['stored', 'stored'])
    expect(put(down, newer, older)).toEqual(['stored', 'superseded'])
    expect(ask(up, [{}])).toEqual([newer])
    expect(ask(down, [{}])).toEqual([newer])
  })

  it.each([0, 3, 10_002, 30_000, 39_999])(
    'of kind %i: of two equally new the lowest id wins, in either order',
    (kind) => {
      const [low, high] = tied({ kind })
      const [up, down] = [open(), open()]
      put(up, low, high)
      put(down, high, low)

      expect(ask(up, [{}])).toEqual([low])
      expect(ask(down, [{}])).toEqual([low])
    },
  )

  it('are told apart by author, kind and d; a missing d is the empty one', () => {
    const store = open()
    const none = alice.sign(at(1, { kind: 30_000 }))
    const empty = alice.sign(at(2, { kind: 30_000, tags: [['d', '']] }))
    const others = [
      alice.sign(at(1, { kind: 30_000, tags: [['d', 'x']] })),
      alice.sign(at(1, { kind: 30_001, tags: [['d', '']] })),
      bob.sign(at(1, { kind: 30_000, tags: [['d', '']] })),
    ]
    put(store, none, empty, ...others)

    expect(ids(ask(store, [{}])).sort()).toEqual(ids([empty, ...others]).sort())
  })

  it('are told apart by the first d alone', () => {
    const store = open()
    const older = alice.sign(
      at(1, {
        kind: 30_000,
        tags: [
          ['d', 'x'],
          ['d', 'y'],
        ],
      }),
    )
    const newer = alice.sign(
      at(2, {
        kind: 30_000,
        tags: [
          ['d', 'x'],
          ['d', 'z'],
        ],
      }),
    )
    put(store, older, newer)

    expect(ask(store, [{}])).toEqual([newer])
  })

  it.each([1, 2, 4, 41, 44, 45, 1_000, 9_999, 40_000, 65_535])('are not those of kind %i, which is regular', (kind) => {
    const store = open()
    put(store, alice.sign(at(1, { kind })), alice.sign(at(2, { kind })))

    expect(store.count()).toBe(2)
  })

  it('say whether the version that won is still there', () => {
    const store = open()
    const newer = alice.sign(at(2, { kind: 0 }))
    const deletion = alice.sign(at(3, { kind: 5, tags: [['e', newer.id]] }))
    put(store, newer, deletion)

    const [outcome] = store.write([asIncoming(alice.sign(at(1, { kind: 0 })))], NOW as UnixSec)

    expect(outcome).toEqual({ state: 'superseded', held: false })
  })

  it('say that the version that won is gone once it has expired, swept away or not', () => {
    const store = open()
    put(store, alice.sign(at(2, { kind: 0, tags: [['expiration', String(NOW + 1)]] })))
    const older = (content: string): Outcome | undefined =>
      store.write([asIncoming(alice.sign(at(1, { kind: 0, content })))], (NOW + 1) as UnixSec)[0]

    expect(older('before the sweep')).toEqual({ state: 'superseded', held: false })
    expect(store.removeExpired((NOW + 1) as UnixSec, 10)).toBe(1)
    expect(older('after it')).toEqual({ state: 'superseded', held: false })
  })
})

describe('expiration', () => {
  it('is refused when it is past', () => {
    const store = open()

    expect(put(store, alice.sign({ tags: [['expiration', String(NOW)]] }))).toEqual(['expired'])
    expect(put(store, alice.sign({ tags: [['expiration', String(NOW + 1)]] }))).toEqual(['stored'])
  })

  it('is looked at when reading, not only when sweeping', () => {
    const store = open()
    put(store, alice.sign({ tags: [['expiration', String(NOW + 10)]] }))

    expect(ask(store, [{}], { now: NOW + 9 })).toHaveLength(1)
    expect(ask(store, [{}], { now: NOW + 10 })).toHaveLength(0)
  })

  it('does not use up a limit', () => {
    const store = open()
    const lasting = alice.sign(at(1))
    put(store, lasting, alice.sign(at(2, { tags: [['expiration', String(NOW + 10)]] })))

    expect(ask(store, [{ limit: 1 }], { now: NOW + 20 })).toEqual([lasting])
  })

  it('is swept in pages, with its tags', () => {
    const store = open()
    for (let i = 0; i < 5; i++)
      put(store, alice.sign({ content: String(i), tags: [['expiration', String(NOW + i + 1)]] }))

    expect(store.removeExpired((NOW + 4) as UnixSec, 3)).toBe(3)
    expect(store.removeExpired((NOW + 4) as UnixSec, 3)).toBe(1)
    expect(store.count()).toBe(1)
  })

  it('that names no time is none', () => {
    const store = open()

    expect(put(store, alice.sign({ tags: [['expiration', 'soon']] }))).toEqual(['stored'])
  })
})

describe('deletion', () => {
  it('takes the author’s own event, before and after it comes, and stays itself', () => {
    const store = open()
    const [early, late] = [alice.sign({ content: '1' }), alice.sign({ content: '2' })]
    const deletion = alice.sign({
      kind: 5,
      tags: [
        ['e', early.id],
        ['e', late.id],
      ],
    })

    expect(put(store, early, deletion, late, early)).toEqual(['stored', 'stored', 'deleted', 'deleted'])
    expect(ask(store, [{}])).toEqual([deletion])
  })

  it('never takes another’s event', () => {
    const store = open()
    const [early, late] = [alice.sign({ content: '1' }), alice.sign({ content: '2' })]
    put(
      store,
      early,
      bob.sign({
        kind: 5,
        tags: [
          ['e', early.id],
          ['e', late.id],
        ],
      }),
      late,
    )

    expect(ids(ask(store, [{ kinds: [1] }])).sort()).toEqual(ids([early, late]).sort())
  })

  it('does nothing to a deletion', () => {
    const store = open()
    const target = alice.sign()
    const first = alice.sign({ kind: 5, tags: [['e', target.id]] })
    put(store, first, alice.sign({ kind: 5, tags: [['e', first.id]] }))

    expect(put(store, target)).toEqual(['deleted'])
    expect(ask(store, [{ kinds: [5] }])).toHaveLength(2)
  })

  it('by address takes versions up to its own time, and lets newer ones live', () => {
    const store = open()
    const address = `30000:${alice.pubkey}:x`
    const slot = { kind: 30_000, tags: [['d', 'x']] }
    put(store, alice.sign(at(10, slot)), alice.sign(at(20, { kind: 5, tags: [['a', address]] })))

    expect(ask(store, [{ kinds: [30_000] }])).toEqual([])
    expect(put(store, alice.sign(at(20, slot)))).toEqual(['deleted'])
    expect(put(store, alice.sign(at(21, slot)))).toEqual(['stored'])
  })

  it('by address leaves a version that is newer than the deletion', () => {
    const store = open()
    const newer = alice.sign(at(30, { kind: 30_000, tags: [['d', 'x']] }))
    put(store, newer, alice.sign(at(20, { kind: 5, tags: [['a', `30000:${alice.pubkey}:x`]] })))

    expect(ask(store, [{ kinds: [30_000] }])).toEqual([newer])
  })

  it.each([
    ['with its colons', '30000', 'a:b:c'],
    ['that is empty', '30000', ''],
    ['of a replaceable kind', '10002', ''],
  ])('by address understands a d %s', (_, kind, d) => {
    const store = open()
    put(store, alice.sign(at(1, { kind: Number(kind), tags: [['d', d]] })))
    put(store, alice.sign(at(2, { kind: 5, tags: [['a', `${kind}:${alice.pubkey}:${d}`]] })))

    expect(ask(store, [{ kinds: [Number(kind)] }])).toEqual([])
  })

  it('by address alone takes nothing else: not other kinds, authors, d values, nor what has no address', () => {
    const store = open()
    const kept = [
      alice.sign(at(1)),
      alice.sign(at(1, { kind: 30_000, tags: [['d', 'y']] })),
      alice.sign(at(1, { kind: 30_001, tags: [['d', 'x']] })),
      bob.sign(at(1, { kind: 30_000, tags: [['d', 'x']] })),
    ]
    put(store, ...kept)
    const tags = [`30000:${alice.pubkey}:x`, `30000:${bob.pubkey}:x`, `1:${alice.pubkey}:`, '30000', '', 'x:y:z'].map(
      (value) => ['a', value],
    )
    put(store, alice.sign(at(9, { kind: 5, tags: [...tags, ['a'], ['e'], ['e', 'zz']] })))

    expect(ids(ask(store, [{ until: 5 }])).sort()).toEqual(ids(kept).sort())
  })

  it('of a gift wrap is also for the one it is addressed to', () => {
    const store = open()
    const wrap = alice.sign({ kind: 1059, tags: [['p', bob.pubkey]] })
    const notHis = alice.sign({ kind: 1, tags: [['p', bob.pubkey]] })
    put(store, wrap, notHis)
    put(
      store,
      bob.sign({
        kind: 5,
        tags: [
          ['e', wrap.id],
          ['e', notHis.id],
        ],
      }),
    )

    expect(put(store, wrap)).toEqual(['deleted'])
    expect(ask(store, [{ kinds: [1, 1059] }])).toEqual([notHis])
  })
})

describe('a query', () => {
  it('answers newest first, and of the equally new the lowest id first', () => {
    const store = open()
    const events = Array.from({ length: 60 }, (_, i) => alice.sign(at(Math.floor(i / 20), { content: String(i) })))
    put(store, ...events)

    const found = ask(store, [{ authors: [alice.pubkey] }])

    const expected = [...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
    expect(ids(found)).toEqual(ids(expected))
  })

  it('pages through more ties of one second than a page holds', () => {
    const store = open()
    const items = Array.from({ length: 1_200 }, (_, i) =>
      asIncoming(alice.sign({ content: String(i), tags: [['t', 'x']] })),
    )
    store.write(items, NOW as UnixSec)
    const expected = ids(items.map(({ event }) => event)).sort()

    expect(ids(ask(store, [{ '#t': ['x'] }]))).toEqual(expected)
    expect(ids(ask(store, [{ kinds: [1], limit: 700 }]))).toEqual(expected.slice(0, 700))
  })

  it('gives an event once, also where it fits two filters or two values of one', () => {
    const store = open()
    const event = alice.sign({
      tags: [
        ['t', 'x'],
        ['t', 'y'],
      ],
    })
    put(store, event)

    expect(ask(store, [{ '#t': ['x', 'y'] }, { kinds: [1] }, {}])).toEqual([event])
  })

  it('limits each filter for itself, and never beyond what the relay allows', () => {
    const store = open()
    for (let i = 0; i < 10; i++) put(store, alice.sign(at(i)), bob.sign(at(i)))

    expect(
      ask(store, [
        { authors: [alice.pubkey], limit: 2 },
        { authors: [bob.pubkey], limit: 3 },
      ]),
    ).toHaveLength(5)
    expect(ask(store, [{ limit: 100 }], { maxLimit: 4 })).toHaveLength(4)
    expect(ask(store, [{}], { maxLimit: 4 })).toHaveLength(4)
    expect(ask(store, [{ limit: 0 }])).toEqual([])
  })

  it.each([{ ids: [] }, { authors: [] }, { kinds: [] }, { '#t': [] }, { kinds: [1], '#p': [] }])(
    'with an empty list (%j) finds nothing',
    (filter) => {
      const store = open()
      put(store, alice.sign({ tags: [['t', 'x']] }))

      expect(ask(store, [filter])).toEqual([])
    },
  )

  it('includes both ends of since and until', () => {
    const store = open()
    const events = [1, 2, 3, 4].map((seconds) => alice.sign(at(seconds)))
    put(store, ...events)

    expect(ask(store, [{ since: 2, until: 3 }])).toEqual([events[2], events[1]])
  })

  it('finds tags by the first value only, of every single letter, in the right case', () => {
    const store = open()
    const event = alice.sign({ tags: [['Z', 'one', 'two'], ['word', 'x'], ['t']] })
    put(store, event)

    expect(ask(store, [{ '#Z': ['one'] }])).toEqual([event])
    expect(ask(store, [{ '#Z': ['two'] }])).toEqual([])
    expect(ask(store, [{ '#z': ['one'] }])).toEqual([])
  })

  it('finds long tag values whole, and tells apart what only looks alike', () => {
    const store = open()
    const long = 'x'.repeat(1_000)
    const event = alice.sign({
      tags: [
        ['t', long],
        ['r', 'ab'.repeat(32)],
      ],
    })
    put(store, event)

    expect(ask(store, [{ '#t': [long] }])).toEqual([event])
    expect(ask(store, [{ '#t': [long.slice(1)] }])).toEqual([])
    expect(ask(store, [{ '#r': ['ab'.repeat(32)] }])).toEqual([event])
    expect(ask(store, [{ '#r': ['AB'.repeat(32)] }])).toEqual([])
  })

  it('for half a character finds nothing, and above all not what stands where text was broken', () => {
    const store = open()
    put(store, alice.sign({ tags: [['t', '\ufffd']] }))

    expect(ask(store, [{ '#t': ['\ud800'] }])).toEqual([])
    expect(ask(store, [{ '#t': ['\ufffd'] }])).toHaveLength(1)
  })

  it('does not see what was committed after the moment it speaks of', () => {
    const store = open()
    const first = alice.sign(at(1))
    put(store, first)
    const upToSeq = store.lastSeq()
    put(store, alice.sign(at(2)))

    expect(ask(store, [{}], { upToSeq })).toEqual([first])
  })

  it('leaves out what may not be read, without using up the limit', () => {
    const store = open()
    const [open1, secret] = [alice.sign(at(1)), alice.sign(at(2, { kind: 1059 }))]
    put(store, open1, secret)

    expect(ask(store, [{ limit: 1 }], { mayRead: (event) => event.kind !== 1059 })).toEqual([open1])
  })

  it('does not serve what is deleted while it is on its way', () => {
    const store = open()
    const events = [1, 2, 3].map((seconds) => alice.sign(at(seconds)))
    put(store, ...events)
    const source = store.scan([{}], { upToSeq: 3, maxLimit: 10, now: () => NOW as UnixSec })
    let first = source.next()
    while (first.value === undefined) first = source.next()

    put(store, alice.sign(at(4, { kind: 5, tags: [['e', events[1]!.id]] })))
    const rest: string[] = []
    for (let step = source.next(); step.done !== true; step = source.next()) {
      if (step.value !== undefined) rest.push(step.value.json)
    }

    expect(rest.map((json) => (JSON.parse(json) as NostrEvent).id)).toEqual([events[0]!.id])
  })
})

describe('the file', () => {
  it('is written with full durability', () => {
    const db = openDatabase(join(folder(), 'relay.sqlite'))

    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(db.pragma('synchronous', { simple: true })).toBe(2)
    db.close()
  })

  it('is for its owner alone, and for one relay at a time', () => {
    const file = join(folder(), 'relay.sqlite')
    const store = open(file)

    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(() => open(file)).toThrow(/another process has it open/)
    store.close()
  })

  it('keeps its events and its numbers over a restart', () => {
    const file = join(folder(), 'relay.sqlite')
    const first = open(file)
    const event = alice.sign()
    put(first, event)
    first.close()

    const second = open(file)

    expect(ask(second, [{}])).toEqual([event])
    expect(second.lastSeq()).toBe(1)
    second.close()
  })

  it('holds nothing of a transaction that failed, and the store goes on', () => {
    const store = open()
    const good = asIncoming(alice.sign())
    const bad = { ...asIncoming(bob.sign()), json: null as unknown as string }

    expect(() => store.write([good, bad], NOW as UnixSec)).toThrow()

    expect(store.count()).toBe(0)
    expect(put(store, good.event)).toEqual(['stored'])
    expect(ask(store, [{}])).toEqual([good.event])
  })

  it('says what to do where it is not a relay’s file', () => {
    const place = folder()
    writeFileSync(join(place, 'text'), 'no database at all, but long enough to be looked at'.repeat(50))
    const other = new Database(join(place, 'other.sqlite'))
    other.exec('CREATE TABLE t (x)')
    other.close()
    const newer = openDatabase(join(place, 'newer.sqlite'))
    newer.pragma('user_version = 99')
    newer.close()

    expect(() => open(join(place, 'text'))).toThrow(/no SQLite database: choose another file/)
    expect(() => open(join(place, 'other.sqlite'))).toThrow(/another program: choose another file/)
    expect(() => open(join(place, 'newer.sqlite'))).toThrow(/a newer version of this relay made it/)
    expect(() => open(join(place, 'none', 'x.sqlite'))).toThrow(/its folder does not exist/)
  })
})

import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { randomBytes, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chanceOf } from '../../../scripts/kill9/chance.js'
import type { Chance } from '../../../scripts/kill9/chance.js'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore } from '../../../relay/store/store.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, ids, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const COMMITS = 40
const ROUNDS = 25
const seed = process.env['TORN_SEED'] === undefined ? randomInt(1_000_000_000) : Number(process.env['TORN_SEED'])
const chance = chanceOf(seed)
const alice = paperAuthor('alice')
const folder = testFolder()

const open = (file: string): EventStore => openEventStore(file, nodeHashes)

interface Written {
  /** Copies of the file and of its log of commits, as a crash would leave them. */
  readonly file: string
  /** How long the log was after each commit, and what the commit had in it. */
  readonly commits: readonly { readonly walBytes: number; readonly events: readonly NostrEvent[] }[]
}

/** A store in the middle of its work: everything is in the log of commits. */
const written = (dir: string, chance: Chance): Written => {
  const file = join(dir, 'relay.sqlite')
  open(file).close()
  const store = open(file)
  const commits: { walBytes: number; events: NostrEvent[] }[] = []
  for (let commit = 0; commit < COMMITS; commit++) {
    const events = Array.from({ length: 1 + chance.below(5) }, (_, i) =>
      alice.sign({
        created_at: (NOW - commit) as UnixSec,
        content: `${commit}.${i} ${'x'.repeat(chance.below(3_000))}`,
        tags: [['t', `tag ${i}`]],
      }),
    )
    store.write(events.map(asIncoming), NOW as UnixSec)
    commits.push({ walBytes: statSync(`${file}-wal`).size, events })
  }
  const crashed = join(dir, 'crashed.sqlite')
  for (const end of ['', '-wal']) copyFileSync(file + end, crashed + end)
  store.close()
  return { file: crashed, commits }
}

const heldAfter = (from: Written, damage: (wal: string) => void): string[] => {
  const file = join(folder(), 'relay.sqlite')
  for (const end of ['', '-wal']) copyFileSync(from.file + end, file + end)
  damage(`${file}-wal`)
  const store = open(file)
  const held = ids(ask(store, [{}], { maxLimit: 10_000 })).sort()
  const byTag = ids(ask(store, [{ '#t': ['tag 0', 'tag 1', 'tag 2', 'tag 3', 'tag 4'] }], { maxLimit: 10_000 })).sort()
  store.close()
  expect(byTag, 'the index of tags').toEqual(held)
  return held
}

/** Every commit that lies before this byte, and nothing else. */
const upTo = ({ commits }: Written, byte: number): string[] =>
  commits
    .filter(({ walBytes }) => walBytes <= byte)
    .flatMap(({ events }) => ids(events))
    .sort()

describe(`a log of commits that was torn (seed ${seed})`, () => {
  const good = (): Written => written(folder(), chance)

  it('opens wherever it was cut off, and holds every commit before the cut and nothing after', () => {
    const from = good()
    const bytes = statSync(`${from.file}-wal`).size
    for (let round = 0; round < ROUNDS; round++) {
      const at = chance.below(bytes + 1)

      const held = heldAfter(from, (wal) => truncateSync(wal, at))

      expect(held, `cut at ${at}, seed ${seed}`).toEqual(upTo(from, at))
    }
  })

  it('opens with rubbish at its end, and holds every commit', () => {
    const from = good()
    for (let round = 0; round < 5; round++) {
      const held = heldAfter(from, (wal) => appendFileSync(wal, randomBytes(1 + chance.below(20_000))))

      expect(held).toEqual(upTo(from, Infinity))
    }
  })

  it('opens with rubbish in its middle, and holds every commit before that and nothing after', () => {
    const from = good()
    const bytes = statSync(`${from.file}-wal`).size
    for (let round = 0; round < ROUNDS; round++) {
      const length = 1 + chance.below(64)
      const at = 32 + chance.below(bytes - 32 - length)

      const held = heldAfter(from, (wal) => {
        const descriptor = openSync(wal, 'r+')
        const there = readFileSync(wal).subarray(at, at + length)
        writeSync(descriptor, Buffer.from(there.map((byte) => byte ^ 0xff)), 0, length, at)
        closeSync(descriptor)
      })

      expect(held, `rubbish at ${at}, seed ${seed}`).toEqual(upTo(from, at))
    }
  })

  it('opens without its log at all', () => {
    const from = good()

    expect(heldAfter(from, (wal) => writeFileSync(wal, ''))).toEqual([])
  })
})

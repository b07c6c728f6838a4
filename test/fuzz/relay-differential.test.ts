import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { openLanes } from '../../relay/store/lanes.js'
import { openDatabase } from '../../relay/store/schema.js'
import { openEventStore } from '../../relay/store/store.js'
import type { UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { makeWorld, writtenAt } from '../../scripts/fuzz-relay/case.js'
import { fuzzDifferentially, type Report } from '../../scripts/fuzz-relay/run.js'
import { chanceOf } from '../../scripts/kill9/chance.js'
import { asIncoming } from '../support/relay-store.js'

// Much work on a machine that may have other work; only what hangs is ended by it.
vi.setConfig({ testTimeout: 240_000 })

/**
 * stored query = live match = COUNT = NEG = a naive reading of NIP-01, for thousands of pairs of a filter set and an event
 * set. `npm run fuzz:relay` runs as many as one likes.
 */

const PAIRS_PER_SEED = 2_000
const FIXED_SEEDS = [1, 100_001, 200_001]
const RANDOM_SEED = randomInt(1_000_000_000)

const reports = new Map<number, Report>()
const run = (seed: number): Report => {
  const report = fuzzDifferentially({ seed, pairs: PAIRS_PER_SEED })
  reports.set(seed, report)
  return report
}

describe('the answers of the relay on every road', () => {
  it.each([...FIXED_SEEDS, RANDOM_SEED])('are those of a naive matcher, seed %i', (seed) => {
    const { failures, pairs } = run(seed)

    expect(failures, `again: npm run fuzz:relay -- --pairs ${PAIRS_PER_SEED} --seed ${seed}`).toEqual([])
    expect(pairs).toBe(PAIRS_PER_SEED)
  })
})

/** The least part of all pairs that must meet each of these, or the fuzz proves less than it seems to. */
const LEAST: Readonly<Record<string, number>> = {
  'finds some': 0.35,
  'finds some, not all': 0.35,
  'finds one that is alone': 0.08,
  'cut by a limit': 0.08,
  'would be cut within a second': 0.03,
  'hides something from the asker': 0.1,
  'hides something beyond a limit': 0.02,
  'is all there is, where something is hidden': 0.04,
  'is heard live': 0.4,
  'several filters': 0.2,
  'an empty list': 0.05,
  'limit 0': 0.02,
  'asks for everything': 0.05,
  'asks by id': 0.1,
  'asks by author': 0.3,
  'asks by kind': 0.3,
  'asks by author and kind': 0.15,
  'asks by tag': 0.4,
  'asks by two tags': 0.15,
  'asks by time': 0.4,
  'a long list': 0.005,
  'more pairs than lanes': 0.0005,
  'finds a regular event': 0.25,
  'finds a replaceable event': 0.1,
  'finds an addressable event': 0.12,
  'finds a gift wrap': 0.03,
  'finds a deletion': 0.1,
  'finds what will expire': 0.08,
  'finds what has a long tag': 0.1,
  'in a second of the far past or future': 0.06,
  'after a request to vanish': 0.1,
  'with a list of readers': 0.05,
  'while more comes in': 0.1,
  'after something expired': 0.3,
}

describe('the questions', () => {
  it('find enough of everything', () => {
    const { shares } = reports.get(1) ?? run(1)
    const tooFew = Object.entries(LEAST).filter(([name, least]) => !((shares[name] ?? 0) >= least))

    expect(tooFew, JSON.stringify(shares, undefined, 1)).toEqual([])
    expect(Object.keys(LEAST).sort()).toEqual(
      Object.keys(shares)
        .filter((name) => name !== 'events in a set, on average')
        .sort(),
    )
  })

  const folder = mkdtempSync(join(tmpdir(), 'ksp-fuzz-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('are answered from every index, by one range and by many, with and without a look at the event', () => {
    const lanesUsed: Record<string, number> = {}
    const checksMade: Record<string, number> = {}
    let manyLanes = 0
    for (let seed = 1; seed <= 20; seed++) {
      const { events, queries } = makeWorld(chanceOf(seed), 40)
      const file = join(folder, `${seed}.sqlite`)
      const store = openEventStore(file, nodeHashes)
      store.write(events.map(asIncoming), writtenAt as UnixSec)
      store.close()
      const db = openDatabase(file)
      const lanes = openLanes(db, nodeHashes)
      for (const filter of queries.flatMap(({ filters }) => filters)) {
        const bounds = { from: -Number.MAX_SAFE_INTEGER, to: 0, upToSeq: Number.MAX_SAFE_INTEGER }
        const plan = lanes.plan(filter, bounds)
        const index = plan.lanes[0]?.index ?? 'none'
        lanesUsed[index] = (lanesUsed[index] ?? 0) + 1
        checksMade[plan.checks] = (checksMade[plan.checks] ?? 0) + 1
        if (plan.lanes.length > 1) manyLanes++
      }
      db.close()
    }

    for (const index of ['none', 'id', 'age', 'kind', 'author', 'authorKind', 'tag']) {
      expect(lanesUsed[index], JSON.stringify(lanesUsed)).toBeGreaterThan(20)
    }
    for (const checks of ['nothing', 'kinds', 'everything']) {
      expect(checksMade[checks], JSON.stringify(checksMade)).toBeGreaterThan(20)
    }
    expect(manyLanes).toBeGreaterThan(100)
  })
})

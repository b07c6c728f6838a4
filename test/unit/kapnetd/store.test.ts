import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/core/fault.js'
import { addToLanes, emptyLanes, rootOfLanes } from '../../../src/core/roothash.js'
import { nodeHashes } from '../../../src/kapnetd/hashes.js'
import { openStore, type Store } from '../../../src/kapnetd/store.js'
import type { NewTxxm } from '../../../src/kapnetd/txxm.js'

const txxm = (name: string | number, parents: readonly NewTxxm[] = []): NewTxxm => {
  const body = JSON.stringify({ name })
  return { id: nodeHashes.sha256Hex(body), body, parents: parents.map((p) => p.id) }
}

const rootOf = (ids: readonly string[]): string => {
  const lanes = emptyLanes()
  for (const id of ids) addToLanes(lanes, id, nodeHashes)
  return rootOfLanes(lanes, nodeHashes)
}

describe('the braid of the daemon', () => {
  let folder: string
  let file: string
  let store: Store

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kapnetd-store-'))
    file = join(folder, 'braid.sqlite')
    store = openStore(file, nodeHashes)
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })
  const reopen = (): void => {
    store.close()
    store = openStore(file, nodeHashes)
  }

  it('starts empty, with the root of the empty scope', () => {
    expect(store.braid()).toEqual({ count: 0, root: nodeHashes.sha256Hex(new Uint8Array(2_048)), tips: [] })
    expect(store.idsAfter(undefined, 10)).toEqual({ ids: [], more: false })
  })

  it('gives back what was added, also after it was opened again', async () => {
    const one = txxm('one')
    expect(await store.add(one, 'bridge', '{"kind":30078}')).toBe('accepted')
    reopen()
    expect(store.get(one.id)).toEqual({ origin: 'bridge', body: one.body, event: '{"kind":30078}' })
    expect(store.has(one.id)).toBe(true)
    expect(store.get('0'.repeat(64))).toBeUndefined()
    expect(store.has('0'.repeat(64))).toBe(false)
  })

  it('calls the second of the same a duplicate, in one group and later, and keeps the first origin', async () => {
    const one = txxm('one')
    expect(await Promise.all([store.add(one, 'local'), store.add(one, 'bridge')])).toEqual(['accepted', 'duplicate'])
    expect(await store.add(one, 'bridge')).toBe('duplicate')
    expect(store.get(one.id)?.origin).toBe('local')
    expect(store.braid()).toMatchObject({ count: 1, root: rootOf([one.id]) })
  })

  it('lists ids in the order in which they came, page by page', async () => {
    const all = Array.from({ length: 25 }, (_, i) => txxm(i))
    for (const one of all) await store.add(one, 'local')
    const ids = all.map((one) => one.id)
    expect(store.idsAfter(undefined, 10)).toEqual({ ids: ids.slice(0, 10), more: true })
    expect(store.idsAfter(ids[9], 10)).toEqual({ ids: ids.slice(10, 20), more: true })
    expect(store.idsAfter(ids[19], 5)).toEqual({ ids: ids.slice(20), more: false })
    expect(store.idsAfter(ids[24], 10)).toEqual({ ids: [], more: false })
    expect(store.idsAfter('0'.repeat(64), 10)).toBeUndefined()
  })

  it('has the same root, count and tips in whatever order and groups a braid comes', async () => {
    let runs = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 3 }), { minLength: 1, maxLength: 20 }),
        fc.infiniteStream(fc.nat()),
        async (edges, order) => {
          const strands: NewTxxm[] = []
          edges.forEach((parents, i) => {
            const chosen = new Set(parents.map((p) => strands[p]).filter((s) => s !== undefined))
            strands.push(txxm(i, [...chosen]))
          })
          const named = new Set(strands.flatMap((s) => s.parents))
          const tips = strands.map((s) => s.id).filter((id) => !named.has(id))
          const shuffled = strands
            .map((s) => ({ s, key: order.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ s }) => s)

          const fresh = openStore(join(folder, `${++runs}.sqlite`), nodeHashes)
          const half = Math.floor(shuffled.length / 2)
          await Promise.all(shuffled.slice(0, half).map((s) => fresh.add(s, 'bridge')))
          await Promise.all(shuffled.slice(half).map((s) => fresh.add(s, 'bridge')))
          const braid = fresh.braid()
          fresh.close()

          expect(braid.count).toBe(strands.length)
          expect(braid.root).toBe(rootOf(strands.map((s) => s.id)))
          expect([...braid.tips].sort()).toEqual([...tips].sort())
        },
      ),
      { numRuns: 25 },
    )
  })

  it('never makes a tip of a parent that comes after its child', async () => {
    const parent = txxm('parent')
    const child = txxm('child', [parent])
    await store.add(child, 'bridge')
    reopen()
    await store.add(parent, 'bridge')
    expect(store.braid().tips).toEqual([child.id])
  })

  it('lists the newest tips first', async () => {
    const [a, b] = [txxm('a'), txxm('b')]
    await store.add(a, 'local')
    await store.add(b, 'local')
    expect(store.braid().tips).toEqual([b.id, a.id])
  })

  it('writes what waits before it closes', async () => {
    const one = txxm('one')
    const added = store.add(one, 'local')
    reopen()
    expect(await added).toBe('accepted')
    expect(store.has(one.id)).toBe(true)
  })

  it('leaves no trace of a group that failed, not even in the root', async () => {
    const good = txxm('good')
    await store.add(good, 'local')
    const before = store.braid()
    const bad = { ...txxm('bad'), body: undefined as unknown as string }
    const results = await Promise.allSettled([store.add(txxm('beside'), 'local'), store.add(bad, 'local')])
    expect(results.map((r) => r.status)).toEqual(['rejected', 'rejected'])
    expect(store.braid()).toEqual(before)
    expect(await store.add(txxm('beside'), 'local')).toBe('accepted')
  })

  it('keeps the file for its owner alone', () => {
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('says what to do about a file that is in use, another program’s, newer, or no database', () => {
    expect(() => openStore(file, nodeHashes)).toThrow(
      new Fault('store', `${file} is in use by another kapnetd: stop it, or choose another --db`),
    )

    const foreign = join(folder, 'foreign.sqlite')
    const db = new Database(foreign)
    db.exec('CREATE TABLE t (x)')
    db.close()
    expect(() => openStore(foreign, nodeHashes)).toThrow(/of another program: choose another --db$/)

    store.close()
    const newer = new Database(file)
    newer.pragma('user_version = 99')
    newer.close()
    expect(() => openStore(file, nodeHashes)).toThrow(/written by a newer version/)
    const back = new Database(file)
    back.pragma('user_version = 1')
    back.close()
    store = openStore(file, nodeHashes)

    const junk = join(folder, 'junk.sqlite')
    writeFileSync(junk, 'this is no database, and it is long enough for SQLite to notice that it is none of its own')
    expect(() => openStore(junk, nodeHashes)).toThrow(/^cannot open .*; check --db$/)
  })
})

import type Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openRuleEviction } from '../../../relay/store/evict-by-rule.js'
import { openSizeEviction } from '../../../relay/store/evict-by-size.js'
import { openFloors } from '../../../relay/store/floors.js'
import { openLanes } from '../../../relay/store/lanes.js'
import { openRoom } from '../../../relay/store/room.js'
import { openDatabase } from '../../../relay/store/schema.js'
import { openVanishing } from '../../../relay/store/vanishing.js'
import { silentLog } from '../../../relay/log.js'
import type { UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

/** How SQLite goes about every statement that `open` prepares. */
const plansOf = (open: (db: Database.Database) => unknown): { sql: string; plan: string }[] => {
  const db = openDatabase(':memory:')
  const texts: string[] = []
  const listening = new Proxy(db, {
    get: (target, name) => {
      if (name === 'prepare') {
        return (sql: string) => {
          texts.push(sql)
          return target.prepare(sql)
        }
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
  open(listening)
  const plans = texts.map((sql) => {
    const parameters = Array.from({ length: sql.split('?').length - 1 }, () => 1)
    const steps = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...parameters)
    return { sql, plan: steps.map(({ detail }) => detail).join('; ') }
  })
  db.close()
  return plans
}

describe('a question', () => {
  const plans = plansOf((db) => openLanes(db, nodeHashes)).filter(({ sql }) => sql.includes('SELECT'))

  it('is answered by pages of an index alone, whatever its condition: no event is loaded, and nothing is sorted', () => {
    expect(plans.length).toBeGreaterThanOrEqual(12)
    for (const { sql, plan } of plans) {
      expect(plan, sql).toMatch(/SEARCH \w+ USING (COVERING INDEX|PRIMARY KEY|INDEX events_by_id)/)
      expect(plan, sql).not.toMatch(/TEMP B-TREE|SCAN (events|tags)/)
    }
  })
})

describe('what the store does for itself', () => {
  const rules = [{ from: 1, to: 1, maxAgeSec: 5, maxCount: 5 }]
  const common = { remove: () => true, log: silentLog }
  const plans = plansOf((db) => {
    const floors = openFloors(db, { rules, maxDbBytes: 1 })
    openRuleEviction(db, { ...common, rules, floors, now: () => 1 as UnixSec })
    openSizeEviction(db, { ...common, floors, maxDbBytes: 1, room: openRoom(db) })
    openVanishing(db, nodeHashes, () => undefined)
  }).filter(({ sql }) => /FROM (events|tags)/.test(sql))

  it('walks an index in order, and sorts nothing', () => {
    expect(plans.length).toBeGreaterThanOrEqual(7)
    for (const { sql, plan } of plans) {
      expect(plan, sql).toMatch(/SEARCH \w+ USING (COVERING INDEX|PRIMARY KEY)/)
      expect(plan, sql).not.toMatch(/TEMP B-TREE|SCAN/)
    }
  })
})

import type { Database } from 'better-sqlite3'
import type { RelayUrl, UnixMs } from '../core/types.js'
import type { RelayMemory } from '../ports.js'
import { present } from './columns.js'

/** What we know of a relay from last time. */
export interface RelayMemories {
  readonly get: (url: RelayUrl) => RelayMemory
  readonly set: (memory: RelayMemory) => void
}

export const createRelayMemories = (db: Database): RelayMemories => {
  const select = db.prepare<[string], UnixMs | null>('SELECT last_whole FROM relay_memory WHERE url = ?').pluck()
  const upsert = db.prepare<[string, number | null]>(
    'INSERT INTO relay_memory VALUES (?, ?) ON CONFLICT (url) DO UPDATE SET last_whole = excluded.last_whole',
  )
  return {
    get: (url) => present({ url, lastWhole: select.get(url) ?? null }),
    set: (memory) => {
      upsert.run(memory.url, memory.lastWhole ?? null)
    },
  }
}

import type { Database } from 'better-sqlite3'
import type { Undo } from './undo.js'

/** Numbers that a status line asks for, kept as they change: counting a million rows again and again is no answer. */
export interface Counters {
  readonly add: (name: string, change: number) => void
  /** What is committed. */
  readonly all: () => Map<string, number>
  readonly flush: () => void
  readonly forget: () => void
}

export const createCounters = (db: Database, undo: Undo): Counters => {
  const changes = new Map<string, number>()
  const write = db.prepare<[string, number]>(
    'INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET n = n + excluded.n',
  )
  const read = db.prepare<[], { name: string; n: number }>('SELECT name, n FROM counters')
  const change = (name: string, by: number): void => void changes.set(name, (changes.get(name) ?? 0) + by)
  return {
    add: (name, by) => {
      change(name, by)
      undo.add(() => {
        change(name, -by)
      })
    },
    all: () => new Map(read.all().map((row) => [row.name, row.n])),
    flush: () => {
      for (const [name, by] of changes) if (by !== 0) write.run(name, by)
      changes.clear()
    },
    forget: () => {
      changes.clear()
    },
  }
}

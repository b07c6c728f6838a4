import type { Database } from 'better-sqlite3'

/**
 * The configuration's generation: what was refused because of the configuration is looked at again in another one (wire.md 6).
 */
export interface Generation {
  readonly current: () => number
  /** Moves on where the configuration's fingerprint is another than last time. */
  readonly of: (fingerprint: string) => number
  readonly moveOn: () => void
}

export const createGeneration = (db: Database): Generation => {
  const select = db.prepare<[string], string>('SELECT value FROM meta WHERE name = ?').pluck()
  const upsert = db.prepare<[string, string]>(
    'INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  )
  const current = (): number => Number(select.get('generation') ?? '0')
  const moveOn = (): void => void upsert.run('generation', String(current() + 1))
  return {
    current,
    of: (fingerprint) => {
      if (select.get('fingerprint') !== fingerprint) {
        upsert.run('fingerprint', fingerprint)
        moveOn()
      }
      return current()
    },
    moveOn,
  }
}

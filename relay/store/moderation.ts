import type Database from 'better-sqlite3'

/** What admins decided (NIP-86): short lists, kept in the relay's file and asked in memory. */
export interface Moderation {
  has(list: ListName, subject: string): boolean
  /** What was said about it; undefined where it is not on the list. */
  noteOf(list: ListName, subject: string): string | undefined
  /** False: the list is full. On the disk when it returns; throws when the disk fails, and then nothing has changed. */
  put(list: ListName, subject: string, note: string): boolean
  /** False: it was not on the list. */
  drop(list: ListName, subject: string): boolean
  /** Several, in one transaction. */
  dropAll(list: ListName, subjects: readonly string[]): void
  entries(list: ListName): readonly (readonly [subject: string, note: string])[]
  size(list: ListName): number
}

/**
 * `setting`: what of the relay's document admins changed; the note is the value. `used-call`: the events of their last calls;
 * the note is until when each would be good again.
 */
export const LIST_NAMES = [
  'banned-key',
  'allowed-key',
  'banned-event',
  'refused-kind',
  'blocked-address',
  'setting',
  'used-call',
] as const
export type ListName = (typeof LIST_NAMES)[number]

/** Of each list: they are in memory. */
export const MAX_LIST_ENTRIES = 50_000

export const openModeration = (db: Database.Database): Moderation => {
  const lists = new Map<ListName, Map<string, string>>(LIST_NAMES.map((name) => [name, new Map<string, string>()]))
  const rows = db.prepare<[], [list: ListName, subject: string, note: string]>(
    'SELECT list, subject, note FROM moderation',
  )
  for (const [list, subject, note] of rows.raw().all()) lists.get(list)?.set(subject, note)
  const put = db.prepare<[string, string, string]>(
    `INSERT INTO moderation (list, subject, note) VALUES (?, ?, ?)
     ON CONFLICT (list, subject) DO UPDATE SET note = excluded.note`,
  )
  const drop = db.prepare<[string, string]>('DELETE FROM moderation WHERE list = ? AND subject = ?')

  const dropThem = db.transaction((list: ListName, subjects: readonly string[]) => {
    for (const subject of subjects) drop.run(list, subject)
  })

  return {
    has: (list, subject) => lists.get(list)?.has(subject) === true,
    noteOf: (list, subject) => lists.get(list)?.get(subject),
    put: (list, subject, note) => {
      const entries = lists.get(list)
      if (entries === undefined || (!entries.has(subject) && entries.size >= MAX_LIST_ENTRIES)) return false
      put.run(list, subject, note)
      entries.set(subject, note)
      return true
    },
    drop: (list, subject) => {
      const { changes } = drop.run(list, subject)
      lists.get(list)?.delete(subject)
      return changes > 0
    },
    dropAll: (list, subjects) => {
      dropThem.immediate(list, subjects)
      for (const subject of subjects) lists.get(list)?.delete(subject)
    },
    entries: (list) => [...(lists.get(list) ?? [])],
    size: (list) => lists.get(list)?.size ?? 0,
  }
}

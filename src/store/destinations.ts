import type { Database } from 'better-sqlite3'
import type { Destination } from '../core/types.js'
import type { Undo } from './undo.js'

/** Destinations are few and stand in every delivery, so a delivery holds a small number instead. */
export interface Destinations {
  readonly find: (name: Destination) => number | undefined
  readonly findOrMake: (name: Destination) => number
  readonly nameOf: (id: number) => Destination
  readonly forget: () => void
}

/** What memory holds of them; the file holds all. */
const MAX_CACHED = 20_000

export const createDestinations = (db: Database, undo: Undo): Destinations => {
  const ids = new Map<Destination, number>()
  const names = new Map<number, Destination>()
  const byName = db.prepare<[string], number>('SELECT id FROM destinations WHERE name = ?').pluck()
  const byId = db.prepare<[number], string>('SELECT name FROM destinations WHERE id = ?').pluck()
  const insert = db.prepare<[string]>('INSERT INTO destinations (name) VALUES (?)')

  const forget = (): void => {
    ids.clear()
    names.clear()
  }
  const keep = (id: number, name: Destination): number => {
    if (ids.size >= MAX_CACHED) forget()
    ids.set(name, id)
    names.set(id, name)
    return id
  }
  const find = (name: Destination): number | undefined => {
    const cached = ids.get(name)
    if (cached !== undefined) return cached
    const id = byName.get(name)
    return id === undefined ? undefined : keep(id, name)
  }

  return {
    find,
    findOrMake: (name) => {
      const found = find(name)
      if (found !== undefined) return found
      undo.add(forget)
      return keep(Number(insert.run(name).lastInsertRowid), name)
    },
    nameOf: (id) => {
      const cached = names.get(id)
      if (cached !== undefined) return cached
      const name = byId.get(id) as Destination | undefined
      if (name === undefined) throw new Error(`no destination has the number ${id}`)
      keep(id, name)
      return name
    },
    forget,
  }
}

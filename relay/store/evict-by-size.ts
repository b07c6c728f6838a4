import type Database from 'better-sqlite3'
import type { Log } from '../../src/ports.js'
import { classOf, GIFT_WRAP } from '../events/kind-class.js'
import type { Floors } from './floors.js'
import { isKeptForEver } from './retention-rules.js'
import type { Room } from './room.js'

/**
 * Makes room where the file holds more than it may. What is easiest to do without goes first, and within that the oldest:
 * regular events; then gift wraps, which wait for one who may be asleep; then addressable events; then replaceable ones
 * (profiles, relay lists). Deletions, requests to vanish and everything that was ever deleted stay known for ever.
 */
const EASIEST_FIRST = ['regular', 'wrap', 'addressable', 'replaceable'] as const
type Worth = (typeof EASIEST_FIRST)[number]

/** So much below the cap it stops, so that it does not begin again at once. */
export const LOW_WATER = 0.95
/** So much above the cap nothing more is taken in until there is room: events may come in faster than others go. */
export const HIGH_WATER = 1.05

export interface SizeEviction {
  readonly maxDbBytes: number
  readonly room: Room
  readonly floors: Floors
  readonly remove: (id: Buffer) => boolean
  readonly log: Log
}

const PAGE = 200
/** Removals between two looks at the size. */
const LOOK_AFTER = 16

interface Entry {
  readonly age: number
  readonly id: Buffer
  readonly kind: number
}

export const openSizeEviction = (
  db: Database.Database,
  { maxDbBytes, room, floors, remove, log }: SizeEviction,
): (() => Generator<number, void>) => {
  const older = db.prepare<[number, Buffer], Entry>(
    `SELECT age, id, kind FROM events WHERE (age, id) < (?, ?) ORDER BY age DESC, id DESC LIMIT ${PAGE}`,
  )
  let saidItIsFull = false

  const fits = (): boolean => room.usedBytes() <= maxDbBytes * LOW_WATER

  /** Ends true when there is room. */
  function* evict(worth: Worth): Generator<number, boolean> {
    let [age, id]: [number, Buffer] = [Number.MAX_SAFE_INTEGER, AFTER_ALL_IDS]
    let removed = 0
    for (;;) {
      const page = older.all(age, id)
      for (const entry of page) {
        if (worthOf(entry.kind) !== worth || !remove(entry.id)) continue
        floors.raise(entry.kind, -entry.age, 'size')
        yield 1
        if (++removed % LOOK_AFTER === 0 && fits()) return true
      }
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) return fits()
      ;({ age, id } = last)
      yield 0
    }
  }

  return function* round() {
    if (room.usedBytes() <= maxDbBytes) {
      saidItIsFull = false
      return
    }
    for (const worth of EASIEST_FIRST) if (yield* evict(worth)) return
    if (!saidItIsFull && room.usedBytes() > maxDbBytes) {
      log.error('size-cap-too-small', { usedBytes: room.usedBytes(), maxDbBytes, advice: 'raise --max-db-size' })
      saidItIsFull = true
    }
  }
}

const worthOf = (kind: number): Worth | undefined => {
  if (isKeptForEver(kind)) return undefined
  if (kind === GIFT_WRAP) return 'wrap'
  const kindClass = classOf(kind)
  return kindClass === 'addressable' || kindClass === 'replaceable' ? kindClass : 'regular'
}

/** Longer than an id, and greater than all of them. */
const AFTER_ALL_IDS = Buffer.alloc(33, 0xff)

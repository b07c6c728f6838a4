import type { Database } from 'better-sqlite3'
import type { Scope } from '../core/decision.js'
import type { MessageId } from '../core/types.js'
import { toHex } from './columns.js'
import type { Scopes } from './scopes.js'

/**
 * The linear order of a scope: Kahn's algorithm, the ready set ordered by (created_at or 0, id) (braid.md).
 *
 * A strand is ready when all of its parents that are in the scope have been given out; a parent that is not here holds
 * nothing up. Of all that is ready the least comes next. Two Herms that hold the same strands get the same order,
 * whatever order they got them in.
 *
 * In memory: ten bytes a strand (its seq, and how many parents it still waits for) and the ready set. Everything else is
 * read when it is needed, in short reads, so that a writer on the same connection is never kept out between two steps.
 */
export const createLinearOrder = (db: Database, scopes: Scopes): ((scope: Scope) => Generator<MessageId, void>) => {
  const selectMembers = db
    .prepare<[number], number>('SELECT message FROM scope_members WHERE scope = ? ORDER BY position')
    .pluck()
  const countMembers = db.prepare<[number], number>('SELECT count(*) FROM scope_members WHERE scope = ?').pluck()
  const selectWaits = db
    .prepare<[number], number>(
      `SELECT p.child FROM scope_members c JOIN parents p ON p.child = c.message
       JOIN scope_members q ON q.message = p.parent AND q.scope = c.scope WHERE c.scope = ?`,
    )
    .pluck()
  const selectChildren = db.prepare<[number], number>('SELECT child FROM parents WHERE parent = ?').pluck()
  const selectKey = db.prepare<[number], { created_at: number; id: Buffer }>(
    'SELECT created_at, id FROM messages WHERE seq = ?',
  )

  const load = db.transaction((scope: number) => {
    const seqs = new Float64Array(countMembers.get(scope) ?? 0)
    let n = 0
    for (const seq of selectMembers.iterate(scope)) seqs[n++] = seq
    seqs.sort()
    const waitsFor = new Uint16Array(n)
    for (const child of selectWaits.iterate(scope)) {
      const at = indexOf(seqs, child)
      waitsFor[at] = (waitsFor[at] ?? 0) + 1
    }
    return { seqs, waitsFor }
  })

  const readyOne = (seq: number, index: number): Ready => {
    const key = selectKey.get(seq)
    if (key === undefined) throw new Error(`no message has the number ${seq}`)
    return { index, createdAt: key.created_at, id: key.id }
  }

  return function* linearOrder(scope) {
    const number = scopes.find(scope)
    if (number === undefined) return
    const { seqs, waitsFor } = load(number)
    const ready: Ready[] = []
    waitsFor.forEach((count, index) => {
      if (count === 0) push(ready, readyOne(seqs[index] ?? 0, index))
    })
    for (let next = pop(ready); next !== undefined; next = pop(ready)) {
      yield toHex<MessageId>(next.id)
      for (const child of selectChildren.all(seqs[next.index] ?? 0)) {
        const index = indexOf(seqs, child)
        if (index < 0) continue
        const left = (waitsFor[index] ?? 0) - 1
        waitsFor[index] = left
        if (left === 0) push(ready, readyOne(child, index))
      }
    }
  }
}

interface Ready {
  readonly index: number
  readonly createdAt: number
  readonly id: Buffer
}

/** Binary search; -1 where it is not one of them. */
const indexOf = (seqs: Float64Array, seq: number): number => {
  let low = 0
  let high = seqs.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = seqs[middle] ?? 0
    if (found === seq) return middle
    if (found < seq) low = middle + 1
    else high = middle - 1
  }
  return -1
}

const isBefore = (a: Ready, b: Ready): boolean =>
  a.createdAt === b.createdAt ? Buffer.compare(a.id, b.id) < 0 : a.createdAt < b.createdAt

/** A binary heap: the least stands first. */
const push = (heap: Ready[], item: Ready): void => {
  let at = heap.length
  heap.push(item)
  while (at > 0) {
    const above = (at - 1) >>> 1
    const parent = heap[above]
    if (parent === undefined || !isBefore(item, parent)) break
    heap[at] = parent
    at = above
  }
  heap[at] = item
}

const pop = (heap: Ready[]): Ready | undefined => {
  const first = heap[0]
  const item = heap.pop()
  if (first === undefined || item === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    let below = 2 * at + 1
    let child = heap[below]
    const other = heap[below + 1]
    if (child === undefined) break
    if (other !== undefined && isBefore(other, child)) {
      child = other
      below++
    }
    if (!isBefore(child, item)) break
    heap[at] = child
    at = below
  }
  heap[at] = item
  return first
}

/** The order in which events are answered: newest first, and among equals the lowest id first (NIP-01). */
export interface Ordered {
  /** Minus created_at. */
  readonly age: number
  readonly id: Uint8Array
}

export const compareOrder = (a: Ordered, b: Ordered): number => a.age - b.age || Buffer.compare(a.id, b.id)

/**
 * A source in that order. `undefined` means "some work was done, nothing found yet": whoever drives it may stop there and
 * go on in a later turn of the event loop, so that no query, however bad, holds up the relay.
 */
export type Source<T> = Iterator<T | undefined, void>

/** Merges ordered sources into one; what several of them hold comes out once. */
export function* merge<T extends Ordered>(
  sources: readonly Source<T>[],
  compare: (a: T, b: T) => number = compareOrder,
): Generator<T | undefined, void> {
  const heap = sourceHeap<T>(compare)
  for (const source of sources) {
    const head = yield* nextOf(source)
    if (head !== undefined) heap.push({ head, source })
  }
  let last: T | undefined
  for (let top = heap.top(); top !== undefined; top = heap.top()) {
    const { head, source } = top
    if (last === undefined || compare(last, head) !== 0) yield head
    last = head
    const next = yield* nextOf(source)
    heap.replaceTop(next === undefined ? undefined : { head: next, source })
  }
}

/** The next item of a source, passing on its pauses; undefined at its end. */
function* nextOf<T>(source: Source<T>): Generator<undefined, T | undefined> {
  for (;;) {
    const step = source.next()
    if (step.done === true) return undefined
    if (step.value !== undefined) return step.value
    yield undefined
  }
}

interface Entry<T> {
  readonly head: T
  readonly source: Source<T>
}

interface SourceHeap<T> {
  push(entry: Entry<T>): void
  top(): Entry<T> | undefined
  /** Undefined: the top one has ended. */
  replaceTop(entry: Entry<T> | undefined): void
}

/** A binary heap: a REQ may merge thousands of index ranges. */
const sourceHeap = <T>(compare: (a: T, b: T) => number): SourceHeap<T> => {
  const entries: Entry<T>[] = []
  const before = (a: number, b: number): boolean => {
    const left = entries[a]
    const right = entries[b]
    return left !== undefined && right !== undefined && compare(left.head, right.head) < 0
  }
  const swap = (a: number, b: number): void => {
    const left = entries[a]
    const right = entries[b]
    if (left === undefined || right === undefined) return
    entries[a] = right
    entries[b] = left
  }
  const sink = (from: number): void => {
    for (let at = from; ;) {
      const left = 2 * at + 1
      const child = before(left + 1, left) ? left + 1 : left
      if (!before(child, at)) return
      swap(child, at)
      at = child
    }
  }
  return {
    push: (entry) => {
      let at = entries.push(entry) - 1
      while (at > 0 && before(at, (at - 1) >> 1)) {
        swap(at, (at - 1) >> 1)
        at = (at - 1) >> 1
      }
    },
    top: () => entries[0],
    replaceTop: (entry) => {
      const filler = entry ?? entries.pop()
      if (filler === undefined || entries.length === 0) return
      entries[0] = filler
      sink(0)
    },
  }
}

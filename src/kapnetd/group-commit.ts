/**
 * Everything that is asked for in one turn of the event loop is written in one transaction, so that a flush to the disk
 * is paid once for many. While the disk works the loop stands still; what arrives meanwhile is the next group.
 */
export interface GroupCommit<In, Out> {
  /** Resolves when it is durable; rejects when the whole group could not be written, and then none of it was. */
  add(item: In): Promise<Out>
  /** Writes what waits now. */
  flush(): void
}

interface Waiting<In, Out> {
  readonly item: In
  resolve(out: Out): void
  reject(error: unknown): void
}

/** A longer group only makes its first member wait. */
const MAX_GROUP = 1_000

/** `write` answers for each item in order, or throws and has then written nothing. */
export const createGroupCommit = <In, Out>(write: (items: readonly In[]) => readonly Out[]): GroupCommit<In, Out> => {
  let waiting: Waiting<In, Out>[] = []
  let planned = false

  const flush = (): void => {
    planned = false
    const all = waiting
    waiting = []
    for (let at = 0; at < all.length; at += MAX_GROUP) commit(all.slice(at, at + MAX_GROUP), write)
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        if (planned) return
        planned = true
        // After all sockets that have something now were read.
        setImmediate(flush)
      }),
    flush,
  }
}

const commit = <In, Out>(group: readonly Waiting<In, Out>[], write: (items: readonly In[]) => readonly Out[]): void => {
  let outs: readonly Out[]
  try {
    outs = write(group.map((w) => w.item))
  } catch (error) {
    for (const w of group) w.reject(error)
    return
  }
  group.forEach((w, i) => w.resolve(outs[i] as Out))
}

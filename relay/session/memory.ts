/**
 * What all connections together hold in memory for clients that do not read. Each has a limit of its own; many that stay just
 * below it would still be too much. Beyond the sum, whoever holds most is cut off first.
 */
export interface Memory {
  /** One connection. */
  open(holder: Holder): Held
  /** Measures all, and cuts off whoever must go. */
  check(): void
  readonly bytes: number
}

export interface Holder {
  measure(): number
  cut(): void
}

export interface Held {
  /** What it holds by now. */
  note(bytes: number): void
  leave(): void
}

interface Entry extends Holder {
  bytes: number
}

export const openMemory = (maxBytes: number): Memory => {
  const entries = new Set<Entry>()
  /** Of what was noted. Too much rather than too little: who has read since then has not said so. */
  let total = 0

  const note = (entry: Entry, bytes: number): void => {
    total += bytes - entry.bytes
    entry.bytes = bytes
  }

  const leave = (entry: Entry): void => {
    if (!entries.delete(entry)) return
    note(entry, 0)
  }

  const check = (): void => {
    for (const entry of entries) note(entry, entry.measure())
    if (total <= maxBytes) return
    // Some more than it takes, so that the next event does not lead here again.
    const target = maxBytes * KEPT
    for (const entry of [...entries].sort((a, b) => b.bytes - a.bytes)) {
      if (total <= target) return
      leave(entry)
      entry.cut()
    }
  }

  return {
    open: (holder) => {
      const entry: Entry = { ...holder, bytes: 0 }
      entries.add(entry)
      return {
        note: (bytes) => {
          if (bytes === entry.bytes || !entries.has(entry)) return
          note(entry, bytes)
          if (total > maxBytes) check()
        },
        leave: () => leave(entry),
      }
    },
    check,
    get bytes() {
      return total
    },
  }
}

/** Of the limit, what may stay when it was passed. */
const KEPT = 0.75

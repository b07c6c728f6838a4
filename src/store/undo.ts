/**
 * What memory must take back when SQLite takes a savepoint back. Whoever changes something cached inside a savepoint adds
 * the way back; the writer runs these, last first, or forgets them once the savepoint stands.
 */
export interface Undo {
  readonly add: (takeBack: () => void) => void
  readonly run: () => void
  readonly clear: () => void
}

export const createUndo = (): Undo => {
  let steps: (() => void)[] = []
  return {
    add: (takeBack) => void steps.push(takeBack),
    run: () => {
      for (const takeBack of steps.reverse()) takeBack()
      steps = []
    },
    clear: () => {
      steps.length = 0
    },
  }
}

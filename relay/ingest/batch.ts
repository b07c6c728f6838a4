/**
 * Gathers what comes in one turn of the event loop and has it done together. At most one batch runs at a time; while it
 * runs, the next one gathers. Bounded by its callers, which wait for their answer (ingest.ts).
 */
export const inBatches = <In, Out>(
  maxBatch: number,
  run: (items: readonly In[]) => Out[] | Promise<Out[]>,
  /** How many ordinary items one counts for. */
  weigh: (item: In) => number = () => 1,
): ((item: In) => Promise<Out>) => {
  interface Waiting {
    readonly item: In
    readonly resolve: (out: Out) => void
    readonly reject: (error: unknown) => void
  }
  let waiting: Waiting[] = []
  let scheduled = false

  const schedule = (): void => {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    // The promise can't be lost: `flush` settles every item of its batch and never rejects.
    setImmediate(() => void flush())
  }

  const flush = async (): Promise<void> => {
    let taken = 0
    for (let weight = 0; taken < waiting.length; taken++) {
      const next = waiting[taken]
      if (next === undefined) break
      weight += weigh(next.item)
      if (weight > maxBatch && taken > 0) break
    }
    const batch = waiting.slice(0, taken)
    waiting = waiting.slice(taken)
    try {
      const answers = await run(batch.map(({ item }) => item))
      batch.forEach(({ resolve, reject }, i) => {
        const answer = answers[i]
        if (answer === undefined) reject(new Error('a batch left an item without an answer'))
        else resolve(answer)
      })
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    scheduled = false
    schedule()
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      schedule()
    })
}

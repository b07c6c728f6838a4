/**
 * Gathers what comes in one turn of the event loop and has it done together. At most one batch runs at a time; while it
 * runs, the next one gathers. Bounded by its callers, which wait for their answer (ingest.ts).
 */
export const inBatches = <In, Out>(
  maxBatch: number,
  run: (items: readonly In[]) => Out[] | Promise<Out[]>,
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
    const batch = waiting.slice(0, maxBatch)
    waiting = waiting.slice(maxBatch)
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

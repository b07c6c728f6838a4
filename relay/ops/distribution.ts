/** How values spread over a few fixed ranges: a histogram as plain numbers, cheap to add to. */
export interface Distribution {
  observe(value: number): void
  /** Upper bounds of the ranges, ascending, each included; above the last one is one more range. */
  readonly bounds: readonly number[]
  /** How many values fell into each range: one more than there are bounds. */
  readonly counts: readonly number[]
  readonly sum: number
}

export const distribution = (bounds: readonly number[]): Distribution => {
  const counts = new Array<number>(bounds.length + 1).fill(0)
  let sum = 0
  return {
    observe: (value) => {
      let at = 0
      while (at < bounds.length && value > (bounds[at] ?? Infinity)) at++
      counts[at] = (counts[at] ?? 0) + 1
      sum += value
    },
    bounds,
    counts,
    get sum() {
      return sum
    },
  }
}

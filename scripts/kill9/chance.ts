/** Random numbers that a printed seed gives again (mulberry32). */
export interface Chance {
  /** A whole number, 0 <= n < limit. */
  below(limit: number): number
  pick<T>(list: readonly T[]): T
  shuffled<T>(list: readonly T[]): T[]
}

export const chanceOf = (seed: number): Chance => {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(fraction() * limit)
  const pick = <T>(list: readonly T[]): T => {
    const item = list[below(list.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
  return {
    below,
    pick,
    shuffled: (list) => {
      const rest = [...list]
      return list.map(() => {
        const [item] = rest.splice(below(rest.length), 1)
        if (item === undefined) throw new Error('nothing left')
        return item
      })
    },
  }
}

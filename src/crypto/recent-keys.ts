/** What was worked out for a public key, for the keys used last: at most `max` of them. */
export interface RecentKeys<T> {
  get(key: string): T | undefined
  add(key: string, value: T): void
  readonly size: number
}

export const recentKeys = <T>(max: number): RecentKeys<T> => {
  // A Map hands out its entries in the order in which they were set, so the first is the one unused for longest.
  const values = new Map<string, T>()
  return {
    get: (key) => {
      const value = values.get(key)
      if (value === undefined) return undefined
      values.delete(key)
      values.set(key, value)
      return value
    },
    add: (key, value) => {
      values.delete(key)
      values.set(key, value)
      if (values.size <= max) return
      for (const oldest of values.keys()) {
        values.delete(oldest)
        return
      }
    },
    get size() {
      return values.size
    },
  }
}

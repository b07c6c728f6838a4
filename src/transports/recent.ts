/** A bounded set that forgets the oldest first. */
export interface Recent {
  has(key: string): boolean
  /** True when it is new. */
  add(key: string): boolean
  clear(): void
}

export const recent = (max: number): Recent => {
  const keys = new Set<string>()
  return {
    has: (key) => keys.has(key),
    add: (key) => {
      if (keys.has(key)) return false
      const oldest = keys.size >= max ? keys.values().next() : undefined
      if (oldest?.done === false) keys.delete(oldest.value)
      keys.add(key)
      return true
    },
    clear: () => keys.clear(),
  }
}

/** The last few ids, oldest forgotten first: what is not stored can still come twice. */
export interface RecentIds {
  has(id: string): boolean
  /** False: it was there. */
  add(id: string): boolean
  forget(id: string): void
}

export const recentIds = (max: number): RecentIds => {
  const ids = new Set<string>()
  return {
    has: (id) => ids.has(id),
    add: (id) => {
      if (ids.has(id)) return false
      ids.add(id)
      if (ids.size > max) for (const oldest of ids) return ids.delete(oldest)
      return true
    },
    forget: (id) => void ids.delete(id),
  }
}

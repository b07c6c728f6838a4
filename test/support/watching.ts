/** Waits for a condition by being told when something has changed: no polling and no sleeping. */
export interface Watch {
  changed(): void
  until(condition: () => boolean): Promise<void>
}

export const watching = (): Watch => {
  const waiting = new Set<() => void>()
  return {
    changed: () => {
      for (const look of [...waiting]) look()
    },
    until: (condition) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!condition()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}

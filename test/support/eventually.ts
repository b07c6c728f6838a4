/** How often a condition is looked at again. Nothing depends on it but how soon a test goes on. */
const LOOK_MS = 20

/**
 * Looks at `probe` until what it gives `holds`, and resolves with that. Rejects with `describe` and with what was seen last
 * when `limitMs` have passed: the limit only ends a wait for what will never come. A probe that throws is one that does
 * not hold yet, as when a process is between two lives.
 */
export const eventually = async <T>(
  describe: string,
  probe: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  limitMs = 30_000,
): Promise<T> => {
  const until = Date.now() + limitMs
  for (;;) {
    let last: string
    try {
      const seen = await probe()
      if (holds(seen)) return seen
      last = shown(seen)
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    if (Date.now() >= until) throw new Error(`waited ${limitMs} ms for: ${describe}; last seen: ${last}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

const shown = (seen: unknown): string => {
  // undefined has no JSON.
  const text = (JSON.stringify(seen) as string | undefined) ?? String(seen)
  return text.length > 2_000 ? `${text.slice(0, 2_000)}…` : text
}

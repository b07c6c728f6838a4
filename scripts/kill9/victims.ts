import type { Part } from '../../src/cli/two-system/mesh.js'
import type { Kill } from './plan.js'

/** Carries out a plan of kills while something else makes progress. */
export interface Killing {
  /** Looks at the progress: ends what is to be ended, starts again what has been down for long enough. */
  step(progress: number): Promise<void>
  /** Every kill was made and every victim is started again. */
  readonly isOver: () => boolean
  /** Starts all that is down, and resolves when it is ready. */
  end(): Promise<void>
  readonly made: readonly (Kill & { readonly progress: number })[]
  /** Parts that ended though nobody had killed them. */
  readonly fallen: () => string[]
}

/** Looks in a row without any progress, after which what is down is started again. */
const STALLED_LOOKS = 15

interface Down {
  readonly name: string
  readonly until: number
}

export const killing = (parts: readonly Part[], plan: readonly Kill[]): Killing => {
  const byName = new Map(parts.map((p) => [p.name, p]))
  const pending = [...plan]
  const made: (Kill & { progress: number })[] = []
  const starting = new Map<string, Promise<void>>()
  const failures: string[] = []
  let down: Down[] = []
  let last = -1
  let looks = 0

  const partOf = (name: string): Part => {
    const part = byName.get(name)
    if (part === undefined) throw new Error(`no part is called ${name}`)
    return part
  }
  const start = (name: string): void => {
    const part = partOf(name)
    const begun = part.start().catch((error: unknown) => {
      // Killed again before it was ready, or it could not start: only the second leaves no other start behind it.
      if (starting.get(name) === begun) failures.push(`${name} did not start: ${String(error)}`)
    })
    starting.set(name, begun)
  }
  const kill = async (next: Kill, progress: number): Promise<void> => {
    made.push({ ...next, progress })
    // Down already: then it stays so for a while longer.
    down = down.filter((d) => d.name !== next.victim)
    starting.delete(next.victim)
    await partOf(next.victim).stop('SIGKILL')
    down.push({ name: next.victim, until: progress + next.downFor })
  }

  return {
    step: async (progress) => {
      looks = progress === last ? looks + 1 : 0
      last = progress
      while (pending[0] !== undefined && pending[0].at <= progress) {
        const next = pending.shift()
        if (next !== undefined) await kill(next, progress)
      }
      const due = down.filter((d) => d.until <= progress || looks > STALLED_LOOKS)
      if (due.length > 0) looks = 0
      down = down.filter((d) => !due.includes(d))
      for (const { name } of due) start(name)
    },
    isOver: () => pending.length === 0 && down.length === 0,
    end: async () => {
      for (const { name } of down.splice(0)) start(name)
      await Promise.all(starting.values())
    },
    made,
    fallen: () => [
      ...failures,
      ...parts
        .filter(
          (p) => p.child !== undefined && (p.child.process.exitCode !== null || p.child.process.signalCode !== null),
        )
        .map((p) => `${p.name} has ended by itself: ${p.child?.err.slice(-3).join(' | ') ?? ''}`),
    ],
  }
}

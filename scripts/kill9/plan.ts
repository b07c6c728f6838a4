import type { Chance } from './chance.js'

/** Whom to end with kill -9, when, and for how long. Counted in steps of the work itself, so that a fast machine and a slow one see the same. */
export interface Kill {
  readonly victim: string
  /** When this many steps were made. */
  readonly at: number
  /** Started again when the others have made this many more, or can make no more. */
  readonly downFor: number
}

/** More than one of each, and some of them together. */
const EXTRA = 3
/** The last steps are left alone: a kill after the end would show nothing. */
const UNTIL = 0.95
const MAX_DOWN_SHARE = 0.1

/** Every victim at least once, in an order and at points that chance gives; oldest first. */
export const planKills = (victims: readonly string[], steps: number, chance: Chance): Kill[] => {
  const extra = Array.from({ length: EXTRA }, () => chance.pick(victims))
  const kills: Kill[] = []
  for (const victim of chance.shuffled([...victims, ...extra])) {
    // One in four comes together with the one before.
    const before = kills.at(-1)
    const at =
      before !== undefined && before.victim !== victim && chance.below(4) === 0
        ? before.at
        : 1 + chance.below(Math.floor(steps * UNTIL))
    const downFor = chance.below(2) === 0 ? 0 : 1 + chance.below(Math.floor(steps * MAX_DOWN_SHARE))
    kills.push({ victim, at, downFor })
  }
  return kills.sort((a, b) => a.at - b.at)
}

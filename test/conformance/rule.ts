import type { Ground } from './ground.js'
import type { StandName } from './stands.js'

/** One thing that a relay must get right, told by an id that never changes. */
export interface Rule {
  /** `nip09-a-only-never-matches-all`; what no NIP asks for starts with `relay-`. */
  readonly id: string
  /** Null: no NIP asks for it, a relay that is trusted needs it. */
  readonly nip: number | null
  /** One line: what is checked. */
  readonly what: string
  /** False: a SHOULD or a MAY of which nothing depends. */
  readonly must: boolean
  /** How the relay must have been set up. `open`: as anybody finds it. */
  readonly stand: StandName
  /** Rejects with a Broken that says what was seen instead. */
  readonly check: (ground: Ground) => Promise<void>
}

/** A relay to which a rule says nothing: it does not say the number that the rule is about, or one too large to try. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

type Check = Rule['check']

/** A relay that was seen to break a rule. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** The NIP is in the id. */
export const nipOf = (id: string): number | null => {
  const digits = /^nip(\d\d)-/.exec(id)?.[1]
  return digits === undefined ? null : Number(digits)
}

const of =
  (must: boolean) =>
  (id: string, what: string, check: Check, stand: StandName = 'open'): Rule => ({
    ...{ id, nip: nipOf(id), what, must, stand, check },
  })

export const rule = of(true)
/** Said of what a NIP only recommends. */
export const advice = of(false)

export function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Broken(otherwise)
}

/** Compares what JSON can say. */
export const same = (actual: unknown, expected: unknown, what: string): void => {
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)]
  expect(is === should, `${what}: ${shown(is)} instead of ${shown(should)}`)
}

export const sameSet = (actual: readonly string[], expected: readonly string[], what: string): void =>
  same([...actual].sort(), [...expected].sort(), what)

const MAX_SHOWN_CHARS = 200

export const shown = (text: string | undefined): string => {
  const plain = text ?? 'nothing'
  return plain.length > MAX_SHOWN_CHARS ? `${plain.slice(0, MAX_SHOWN_CHARS)}…` : plain
}

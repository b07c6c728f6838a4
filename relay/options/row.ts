/** One option of a command, declared once: parsing, `--help`, docs/cli.md and the guards come from this row. */
export interface OptionRow<T> {
  /** What stands for the value in the help; undefined for a switch, which takes none. */
  readonly value: string | undefined
  /** Where it may be given several times: how often. Its values are a list then. */
  readonly max?: number
  /** As it would be typed. Absent: the option has no value unless it is given. */
  readonly default?: string
  /** Complete sentences or none; the default is added to it. */
  readonly about: string
  /** Under which heading it stands in the help. */
  readonly group: string
  /** Its name in the section private_relay of ksp.yaml; absent where it has no place there. */
  readonly config?: string
  readonly presence: 'given' | 'open' | 'list' | 'switch'
  readonly read: Reader<T>
}

/** Why a text is no value: what follows the flag, such as "needs a whole number". */
export class Wrong {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}
export const wrong = (reason: string): Wrong => new Wrong(reason)

export type Reader<T> = (text: string) => T | Wrong

interface Words {
  readonly about: string
  readonly group: string
  readonly config?: string
}

/** Always has a value: what was typed, or else the default. */
export const given = <T>(
  value: string,
  read: Reader<T>,
  standard: string,
  words: Words,
): OptionRow<T> & { readonly presence: 'given' } => ({ presence: 'given', value, read, default: standard, ...words })

/** May be left out, and means nothing then. */
export const open = <T>(
  value: string,
  read: Reader<T>,
  words: Words,
): OptionRow<T> & { readonly presence: 'open' } => ({ presence: 'open', value, read, ...words })

/** May be given up to `max` times. */
export const list = <T>(
  value: string,
  read: Reader<T>,
  max: number,
  words: Words,
): OptionRow<T> & { readonly presence: 'list' } => ({ presence: 'list', value, read, max, ...words })

export const flag = (words: Words): OptionRow<boolean> & { readonly presence: 'switch' } => ({
  presence: 'switch',
  value: undefined,
  read: () => true,
  ...words,
})

export type Options = Readonly<Record<string, OptionRow<unknown>>>

type Read<R> =
  R extends OptionRow<infer T>
    ? R['presence'] extends 'open'
      ? T | undefined
      : R['presence'] extends 'list'
        ? readonly T[]
        : T
    : never

/** What a table of options comes to, by flag without its dashes. */
export type ValuesOf<O extends Options> = { readonly [F in keyof O]: Read<O[F]> }

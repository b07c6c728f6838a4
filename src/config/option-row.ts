import type { OptionType } from './option-types.js'

/** One option of ksp.yaml (options.ts). */
export interface OptionRow<T> {
  readonly type: OptionType<T>
  /** `needed`: must be there where its section is. `default`: as it would be written in the file. `open`: may be absent. */
  readonly presence: 'needed' | 'default' | 'open'
  readonly default?: string
  /** What holds where it is absent and that is no fixed text. */
  readonly otherwise?: string
  readonly about: string
  readonly example: string
  readonly env?: string
  readonly flag?: string
}

interface Words {
  readonly about: string
  readonly example: string
  readonly env?: string
  readonly flag?: string
}

export const needed = <T>(type: OptionType<T>, words: Words): OptionRow<T> & { readonly presence: 'needed' } => ({
  type,
  presence: 'needed',
  ...words,
})

export const fixed = <T>(
  type: OptionType<T>,
  value: string,
  words: Words,
): OptionRow<T> & { readonly presence: 'default' } => ({
  type,
  presence: 'default',
  default: value,
  ...words,
})

export const open = <T>(
  type: OptionType<T>,
  words: Words & { readonly otherwise?: string },
): OptionRow<T> & { readonly presence: 'open' } => ({ type, presence: 'open', ...words })

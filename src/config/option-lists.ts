import type { Input } from './input.js'
import type { OptionType } from './option-types.js'

/** Types that are made of others. */

/** A list of `min` to `max` different values. In a variable or a flag they are separated by commas or spaces. */
export const listOf = <T>(element: OptionType<T>, max: number, min = 0): OptionType<readonly T[]> => ({
  name: `list of ${element.name}`,
  read: (input, key, report) => {
    const items = itemsOf(input)
    if (items === undefined) {
      report.mistake(
        input.place,
        key,
        input.form === 'empty' ? 'is empty; write [] or leave it out' : 'must be a list: [a, b]',
      )
      return undefined
    }
    if (items.length > max) {
      report.mistake(input.place, key, `has ${items.length} entries; at most ${max} are taken`)
      return undefined
    }
    if (items.length < min) {
      report.mistake(input.place, key, `must have at least ${min} entry, or be left out`)
      return undefined
    }
    const values: T[] = []
    for (const [i, item] of items.entries()) {
      const value = element.read(item, `${key}[${i}]`, report)
      if (value === undefined) continue
      if (values.includes(value)) report.mistake(item.place, `${key}[${i}]`, 'stands in this list twice')
      values.push(value)
    }
    return values
  },
})

/** The items of a list, however it is written; undefined where it is none. */
export const itemsOf = (input: Input): readonly Input[] | undefined => {
  if (input.form === 'list') return input.items
  if (input.form !== 'text' || !input.bare) return undefined
  const words = input.text.split(/[\s,]+/).filter((word) => word !== '')
  return words.map((text) => ({ form: 'text', place: input.place, text, bare: true }))
}

const MAPPED = /^[\w.:/-]{1,64}$/

/** Names to names, at most `max`. Values and names have at most 64 characters. */
export const textMapType = (max: number): OptionType<Readonly<Record<string, string>>> => ({
  name: 'map of names',
  read: (input, key, report) => {
    if (input.form !== 'map' || input.entries.length > max) {
      report.mistake(input.place, key, `must be a map of at most ${max} names: { submit_txxm: my_submit }`)
      return undefined
    }
    const pairs: [string, string][] = []
    for (const entry of input.entries) {
      if (entry.value.form === 'text' && MAPPED.test(entry.value.text) && /^\w{1,64}$/.test(entry.key))
        pairs.push([entry.key, entry.value.text])
      else
        report.mistake(
          entry.place,
          `${key}.${entry.key.slice(0, 64)}`,
          'must be a name of 1-64 letters, digits, _, -, . or :',
        )
    }
    return Object.fromEntries(pairs)
  },
})

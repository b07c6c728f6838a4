import type { EventId, NostrEvent, Pubkey, Signature, UnixSec } from '../../src/core/types.js'
import type { Chance } from '../kill9/chance.js'

/**
 * Events that meet: few authors, few seconds, few values, so that slots are contested, deletions hit and filters tie. And
 * the values that an index could take for one another.
 */

/** Of the fuzz. Everything happens around it. */
export const NOW = 1_800_000_000

const hexOfByte = (byte: string): string => byte.repeat(32)

/** The first two differ late, the third early; the last is also somebody's id and a tag's value. */
export const AUTHORS: readonly string[] = [`${'a'.repeat(63)}0`, `${'a'.repeat(63)}1`, hexOfByte('0b'), hexOfByte('ff')]

export const KINDS: Readonly<
  Record<'regular' | 'replaceable' | 'addressable' | 'ephemeral' | 'deletion' | 'vanish' | 'wrap', readonly number[]>
> = {
  regular: [1, 1, 2, 4, 7, 41, 44, 45, 999, 1000, 9_999, 40_000, 65_535],
  replaceable: [0, 3, 10_000, 19_999],
  addressable: [30_000, 30_000, 30_599, 39_999],
  ephemeral: [20_000, 29_999, 21_059],
  deletion: [5],
  vanish: [62],
  wrap: [1_059],
}
export const ALL_KINDS: readonly number[] = [...new Set(Object.values(KINDS).flat())]

/** Letters that NIP-01 indexes, in both cases, and names that it does not. */
export const LETTERS: readonly string[] = ['e', 'p', 'a', 'd', 't', 'E', 'P', 'T', 'x', 'Z']
const OTHER_NAMES: readonly string[] = ['', 'tt', '#t', '1', 'é', '-', 'ａ']

const HEX = 'c0de'.repeat(16)
export const TEXTS: readonly string[] = [
  ...['', 'x', 'X', 'x:y', ':', 'y', 'e', ' x', 'x '],
  // What a key of bytes could confuse: the same 32 bytes as text, as hex in capitals, one digit less or more.
  ...[HEX, HEX.toUpperCase(), HEX.slice(1), `${HEX}0`, `${HEX.slice(0, 63)}g`],
  Buffer.from('c0de'.repeat(8)).toString('latin1'),
  // Around the length from which values are hashed, in bytes and in characters.
  ...[
    'k'.repeat(61),
    'k'.repeat(62),
    'k'.repeat(63),
    'k'.repeat(64),
    'é'.repeat(31),
    'é'.repeat(32),
    '😀'.repeat(16),
    'k'.repeat(300),
  ],
  // What JSON escapes, what strings end at, what normal forms change, and what stands for broken UTF-8.
  ...[
    '\u0000',
    'a\u0000b',
    'a',
    '\u0001',
    '\n',
    '"',
    '\\',
    '\u007f',
    '\u2028',
    'é',
    'e\u0301',
    '😀',
    '\ufffd',
    '\ufeffx',
  ],
]

const TIMES: readonly number[] = [NOW - 2, NOW - 1, NOW - 1, NOW, NOW, NOW + 1]
export const FAR_TIMES: readonly number[] = [
  0,
  1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER - 1,
  Number.MAX_SAFE_INTEGER,
]
const EXPIRATIONS: readonly string[] = [
  ...[NOW - 1, NOW, NOW + 1, NOW + 2, NOW + 1_000].map(String),
  ...['', 'soon', '-5', ' 5', '1e3', '9'.repeat(15), '9'.repeat(16), `0${NOW - 1}`],
]

export const oneIn = (chance: Chance, n: number): boolean => chance.below(n) === 0

const hexDigits = (chance: Chance, length: number): string =>
  Array.from({ length }, () => chance.below(16).toString(16)).join('')

/** Many share a beginning, so that order and equality are decided at the end. */
const newId = (chance: Chance): string => {
  const head = chance.pick(['', '0'.repeat(56), 'f'.repeat(56), 'a'.repeat(56)])
  return head + hexDigits(chance, 64 - head.length)
}

export type ClassName = keyof typeof KINDS
const CLASSES: readonly ClassName[] = [
  ...([
    'regular',
    'regular',
    'regular',
    'replaceable',
    'addressable',
    'addressable',
    'ephemeral',
    'wrap',
    'deletion',
  ] as const),
]

/** Mostly what is not for everybody. */
const SECRET_CLASSES: readonly ClassName[] = [
  ...(['wrap', 'wrap', 'wrap', 'ephemeral', 'regular', 'replaceable', 'addressable', 'deletion'] as const),
]

export interface EventWishes {
  /** Requests to vanish take a whole author with them: not in every set. */
  readonly withVanish: boolean
  /** Two authors and few addresses: nearly everything replaces or deletes something. */
  readonly dense?: boolean
  /** Mostly gift wraps, stored and ephemeral. */
  readonly secret?: boolean
}

/** What the events of one set have in common. */
interface Setting {
  readonly chance: Chance
  readonly authors: readonly string[]
  readonly kinds: Readonly<Record<ClassName, readonly number[]>>
  /** Of all events, also of those that are made later: what is deleted may come after its deletion. */
  readonly ids: readonly string[]
}

/** As many events as asked for, each id once, in the order of their making. */
export const makeEvents = (
  chance: Chance,
  count: number,
  { withVanish, dense = false, secret = false }: EventWishes,
): NostrEvent[] => {
  const ids = new Set<string>()
  while (ids.size < count) ids.add(oneIn(chance, 60) ? chance.pick(AUTHORS) : newId(chance))
  const setting: Setting = {
    chance,
    authors: dense ? AUTHORS.slice(0, 2) : AUTHORS,
    kinds: dense ? { ...KINDS, replaceable: [0], addressable: [30_000] } : KINDS,
    ids: [...ids],
  }
  return setting.ids.map((id) => {
    const name = withVanish && oneIn(chance, 30) ? 'vanish' : chance.pick(secret ? SECRET_CLASSES : CLASSES)
    return {
      id: id as EventId,
      pubkey: chance.pick(setting.authors) as Pubkey,
      created_at: (oneIn(chance, 25) ? chance.pick(FAR_TIMES) : chance.pick(TIMES)) as UnixSec,
      kind: chance.pick(setting.kinds[name]),
      tags: tagsFor(setting, name),
      content: chance.pick(['', 'a', '\u0000"\\\u2028😀']),
      sig: '0'.repeat(128) as Signature,
    }
  })
}

const tagsFor = (setting: Setting, name: ClassName): string[][] => {
  const { chance } = setting
  const tags: string[][] = []
  const some = (most: number, tag: () => string[]): void => {
    for (let n = chance.below(most + 1); n > 0; n--) tags.push(tag())
  }
  if (name === 'addressable') some(1, () => (oneIn(chance, 6) ? ['d'] : ['d', chance.pick(['', 'x', 'x:y', ':'])]))
  if (name === 'wrap' || name === 'ephemeral') some(2, () => ['p', chance.pick(setting.authors)])
  if (name === 'deletion') {
    some(3, () => ['e', idIn(setting)])
    some(2, () => ['a', addressIn(setting)])
  }
  if (name === 'vanish') tags.push(['relay', 'ALL_RELAYS'])
  some(3, () => anyTag(setting))
  if (oneIn(chance, 8)) tags.push(['expiration', chance.pick(EXPIRATIONS)])
  if (oneIn(chance, 40)) tags.push(['expiration', chance.pick(EXPIRATIONS)], ['expiration'])
  return oneIn(chance, 3) ? chance.shuffled(tags) : tags
}

const idIn = ({ chance, ids }: Setting): string => (oneIn(chance, 8) ? hexDigits(chance, 64) : chance.pick(ids))

const addressIn = ({ chance, authors, kinds }: Setting): string => {
  const kind = chance.pick([...kinds.replaceable, ...kinds.addressable, ...(oneIn(chance, 8) ? [1] : [])])
  const d = chance.pick(['', '', 'x', 'x:y', ':'])
  return oneIn(chance, 12) ? `${kind}:${chance.pick(authors)}` : `${kind}:${chance.pick(authors)}:${d}`
}

const anyTag = (setting: Setting): string[] => {
  const { chance } = setting
  const name = oneIn(chance, 10) ? chance.pick(OTHER_NAMES) : chance.pick(LETTERS)
  if (oneIn(chance, 15)) return [name]
  const tag = [name, tagValueFor(setting, name)]
  // Only the first value counts: the second is one that a filter may well ask for.
  if (oneIn(chance, 5)) tag.push(chance.pick(TEXTS))
  return tag
}

const tagValueFor = (setting: Setting, name: string): string => {
  const { chance } = setting
  if (!oneIn(chance, 4)) {
    if (name.toLowerCase() === 'e') return idIn(setting)
    if (name.toLowerCase() === 'p') return chance.pick(AUTHORS)
    if (name === 'a') return addressIn(setting)
  }
  return oneIn(chance, 2) ? chance.pick(['x', 'X', 'y', '\ufffd']) : chance.pick(TEXTS)
}

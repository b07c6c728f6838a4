/**
 * KAP-003, canonical bytes: the primitives that every Kapnet object is made of, both ways (`kap-reader.ts`,
 * `kap-writer.ts`). There is exactly one
 * encoding per object, so a reader has to refuse whatever a writer would not have written.
 *
 * The reader does not throw. Its first failure sticks, and from then on every read answers with an empty value, so
 * that a decoder reads straight through and asks once, at the end (`done`). Counts and lengths are compared with the bytes
 * that are left before anything is allocated.
 *
 * The writer throws a RangeError for a value that has no encoding: that is a bug of the caller.
 */

/** KAP-003: an extension of this tag or above must be understood, or the object is refused. */
export const FIRST_CRITICAL_TAG = 0x8000

export interface KapExtension {
  readonly tag: number
  readonly data: Uint8Array
}

/** How many bytes the number itself takes in the shortest form of a compact length. */
export const compactBytes = (value: bigint): number =>
  value < 0xfdn ? 1 : value <= 0xffffn ? 2 : value <= 0xffffffffn ? 4 : 8

/** Below 0: `a` comes first, bytewise, a prefix before what it starts. */
export const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** `order` compares the previous one with the next: ascending is below 0. */
export const checkAscending = (order: number, what: string, fail: (why: string) => void): void => {
  if (order === 0) fail(`duplicate ${what}`)
  if (order > 0) fail(`${what}s out of order`)
}

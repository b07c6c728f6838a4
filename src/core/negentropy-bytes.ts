/** The bytes of negentropy messages: variable-length numbers, and the bounds of ranges. */

export interface Bound {
  /** Unix seconds; Infinity: after everything. */
  readonly time: number
  /** As much of an id as tells it from the one before. */
  readonly prefix: Uint8Array
}

export const INFINITY: Bound = { time: Infinity, prefix: new Uint8Array(0) }

/** Lexicographic; a prefix comes before what it begins. */
export const compareIds = (a: Uint8Array, b: Uint8Array): number => {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** The least bound between item `at` and the one before it. */
export const boundAfter = (
  set: { readonly size: number; time(i: number): number; id(i: number): Uint8Array },
  at: number,
): Bound => {
  if (at >= set.size) return INFINITY
  const time = set.time(at)
  if (at === 0 || set.time(at - 1) !== time) return { time, prefix: new Uint8Array(0) }
  const [before, id] = [set.id(at - 1), set.id(at)]
  let shared = 0
  while (shared < id.length - 1 && before[shared] === id[shared]) shared++
  return { time, prefix: id.slice(0, shared + 1) }
}

export interface Reader {
  atEnd(): boolean
  /** Undefined: there are not so many left. */
  take(bytes: number): Uint8Array | undefined
  /** Times are told as differences to the last one. */
  lastTime: number
}

export const reader = (bytes: Uint8Array, from: number): Reader => {
  let at = from
  return {
    atEnd: () => at >= bytes.length,
    take: (count) => {
      if (at + count > bytes.length) return undefined
      at += count
      return bytes.subarray(at - count, at)
    },
    lastTime: 0,
  }
}

/** Base 128, most significant first; every byte but the last has its high bit set. */
export const readVarint = (input: Reader): number | undefined => {
  let value = 0
  for (;;) {
    const byte = input.take(1)?.[0]
    if (byte === undefined) return undefined
    value = value * 128 + (byte & 127)
    if (!Number.isSafeInteger(value)) return undefined
    if (byte < 128) return value
  }
}

const MAX_PREFIX_BYTES = 32

export const readBound = (input: Reader): Bound | undefined => {
  const told = readVarint(input)
  const length = readVarint(input)
  if (told === undefined || length === undefined || length > MAX_PREFIX_BYTES) return undefined
  const prefix = input.take(length)
  if (prefix === undefined) return undefined
  const time = told === 0 ? Infinity : input.lastTime + told - 1
  input.lastTime = time
  return { time, prefix }
}

export interface Writer {
  readonly length: number
  byte(value: number): void
  put(bytes: Uint8Array): void
  varint(value: number): void
  lastTime: number
  /** A writer that goes on from here and may be thrown away, or adopted. */
  branch(): Writer
  adopt(branch: Writer): void
  bytes(): Uint8Array
}

export const writer = (lastTime = 0): Writer => {
  let buffer = new Uint8Array(256)
  let length = 0
  const put = (bytes: ArrayLike<number>): void => {
    if (length + bytes.length > buffer.length) {
      const larger = new Uint8Array(Math.max(2 * buffer.length, length + bytes.length))
      larger.set(buffer.subarray(0, length))
      buffer = larger
    }
    buffer.set(bytes, length)
    length += bytes.length
  }
  const self: Writer = {
    get length() {
      return length
    },
    byte: (value) => put([value]),
    put,
    varint: (value) => {
      const digits = [value % 128]
      for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128))
        digits.unshift((rest % 128) + 128)
      put(digits)
    },
    lastTime,
    branch: () => writer(self.lastTime),
    adopt: (branch) => {
      put(branch.bytes())
      self.lastTime = branch.lastTime
    },
    bytes: () => buffer.slice(0, length),
  }
  return self
}

export const writeBound = (out: Writer, { time, prefix }: Bound): void => {
  out.varint(time === Infinity ? 0 : time - out.lastTime + 1)
  out.lastTime = time
  out.varint(prefix.length)
  out.put(prefix)
}

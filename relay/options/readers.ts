import { wrong } from './row.js'
import type { Reader } from './row.js'

/** How values are read that more than one option has. */

/** Longer than any path or URL that works. */
const MAX_TEXT_CHARS = 4_096

export const file: Reader<string> = (text) =>
  text === '' || text.length > MAX_TEXT_CHARS || text.includes('\0') ? wrong('needs a file') : text

export const count =
  (min: number, max: number): Reader<number> =>
  (text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Infinity
    return number >= min && number <= max ? number : wrong(`needs a whole number from ${min} to ${max}`)
  }

export const oneOf =
  <const T extends string>(words: readonly T[]): Reader<T> =>
  (text) =>
    words.find((word) => word === text) ?? wrong(`is one of ${words.join(', ')}`)

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** In milliseconds. With its unit: a bare number would be taken for seconds by some and for milliseconds by others. */
export const duration =
  (min: string, max: string): Reader<number> =>
  (text) => {
    const ms = durationMs(text) ?? NaN
    return ms >= (durationMs(min) ?? 0) && ms <= (durationMs(max) ?? Infinity)
      ? ms
      : wrong(`needs a duration from ${min} to ${max}: a number and ms, s, m, h or d`)
  }

const durationMs = (text: string): number | undefined => {
  const match = /^(\d{1,12})(ms|s|m|h|d)$/.exec(text)
  return match === null ? undefined : Number(match[1]) * (MS[match[2] ?? ''] ?? 0)
}

const BYTES: Readonly<Record<string, number>> = {
  ...{ B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 },
}

/** In bytes; a bare number counts them. */
export const size =
  (min: string, max: string): Reader<number> =>
  (text) => {
    const bytes = sizeBytes(text) ?? NaN
    return bytes >= (sizeBytes(min) ?? 0) && bytes <= (sizeBytes(max) ?? Infinity)
      ? bytes
      : wrong(`needs a size from ${min} to ${max}: a number and B, KiB, MiB, GiB, KB, MB or GB`)
  }

const sizeBytes = (text: string): number | undefined => {
  const match = /^(\d{1,15})([KMGT]i?B|B)?$/.exec(text)
  return match === null ? undefined : Number(match[1]) * (BYTES[match[2] ?? 'B'] ?? NaN)
}

export interface Place {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:7447`, `relay.example:80`, `[::1]:7447`. */
export const place: Reader<Place> = (text) => {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  const port = Number(parts?.[3])
  return host === undefined || port > 65_535 ? wrong(`${shown(text)} is not HOST:PORT`) : { host, port }
}

const MAX_SHOWN_CHARS = 100

/** What was typed, for a message: short. */
export const shown = (text: string): string =>
  text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}...` : text

import { isIP } from 'node:net'
import { isHex32 } from '../../src/core/names.js'
import { isWellFormed } from '../../src/core/well-formed.js'

/** Parameters of calls, read and checked for form. Undefined: it is none. */

const MAX_REASON_CHARS = 200

/** 32 bytes as hex: a key, an id. */
export const hexParam = (value: unknown): string | undefined =>
  typeof value === 'string' && isHex32(value) ? value : undefined

/** Optional, for admins to read; without control characters, for it stands in their terminals. */
export const reasonParam = (value: unknown): string | undefined => {
  if (value === undefined || value === null) return ''
  return textParam(value, MAX_REASON_CHARS)
}

export const textParam = (value: unknown, maxChars: number): string | undefined =>
  // eslint-disable-next-line no-control-regex
  typeof value === 'string' && value.length <= maxChars && !/[\x00-\x1f\x7f-\x9f]/.test(value) && isWellFormed(value)
    ? value
    : undefined

export const MAX_KIND = 65_535
export const kindParam = (value: unknown): string | undefined =>
  Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_KIND ? String(value) : undefined

/** As the sockets tell it: an IPv4 address plain, an IPv6 address in its short form. */
export const addressParam = (value: unknown): string | undefined =>
  typeof value === 'string' && isIP(value) !== 0 ? normalAddress(value) : undefined

export const normalAddress = (address: string): string => {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (plain !== undefined) return plain
  return isIP(address) === 6 && !address.includes('%') ? new URL(`ws://[${address}]`).hostname.slice(1, -1) : address
}

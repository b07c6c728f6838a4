import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { normalKor } from '../core/kor.js'
import { isAction, isAgentId, isHermId } from '../core/names.js'
import { keyOf } from '../core/nodeinfo.js'
import type { HermId, KorName, Pubkey, RelayUrl, Road } from '../core/types.js'
import type { Input } from './input.js'
import type { Report } from './report.js'
import { suggest } from './suggest.js'

/** How the value of an option is read, and what it is called in the documentation. */
export interface OptionType<T> {
  readonly name: string
  /** Undefined where it is wrong; then the report says why. */
  read(input: Input, key: string, report: Report): T | undefined
}

/** Why a word is not a value of its type. */
class Wrong {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}
export const wrong = (message: string): Wrong => new Wrong(message)

/** A type that reads one word. `parse` answers with the value or with what is wrong; `warn` says what is odd. */
export const scalar = <T>(
  name: string,
  parse: (text: string, context: { dir: string; warn: (message: string) => void }) => T | Wrong,
): OptionType<T> => ({
  name,
  read: (input, key, report) => {
    const word = wordOf(input, name)
    const warn = (message: string): void => report.warn(input.place, key, message)
    const value = word instanceof Wrong ? word : parse(word, { dir: input.place.dir, warn })
    if (!(value instanceof Wrong)) return value
    report.mistake(input.place, key, value.message)
    return undefined
  },
})

const MAX_TEXT_CHARS = 1_024

const wordOf = (input: Input, name: string): string | Wrong => {
  if (input.form === 'empty') return wrong('is empty')
  if (input.form !== 'text') return wrong(`must be one value (${name}), not a ${input.form}`)
  return input.text.length > MAX_TEXT_CHARS ? wrong(`is longer than ${MAX_TEXT_CHARS} characters`) : input.text
}

/** What was written, for a message: short, and never a secret (a key pasted in the wrong place may be one). */
export const shown = (text: string): string => {
  if (/nsec1|ncryptsec1/i.test(text) || /[0-9a-f]{64}/i.test(text)) return 'what stands there'
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text)
}

/** An nsec has the form of a name. As one it would be told to everybody. */
const SECRET = /^(?:nsec1|ncryptsec1)/i
const secretHere = (): Wrong => wrong('is a secret key, which has no place here; take it for known to others')

export const hermIdType = scalar<HermId>('Herm id', (text) =>
  SECRET.test(text)
    ? secretHere()
    : isHermId(text)
      ? text
      : wrong(
          `${shown(text)} is no Herm id: 1-63 of a-z, 0-9 and -, starting with a letter or digit, not any or local`,
        ),
)

export const korType = scalar<KorName>(
  'KOR name',
  (text) => normalKor(text) ?? wrong(`${shown(text)} is no KOR name: labels of a-z, 0-9 and - joined by dots`),
)

export const keyNameType = scalar<string>('key name', (text) =>
  SECRET.test(text)
    ? secretHere()
    : /^[a-z0-9][a-z0-9_-]{0,63}$/.test(text)
      ? text
      : wrong(`${shown(text)} is no key name: 1-64 of a-z, 0-9, _ and -`),
)

export const pubkeyType = scalar<Pubkey>('npub or hex key', (text) => {
  if (/^nsec1/i.test(text.trim()))
    return wrong('is a secret key; name the public one (npub1...), and make a new secret')
  return keyOf(text.trim().toLowerCase()) ?? wrong('is neither an npub with a right checksum nor 64 hex characters')
})

export const actionPatternType = scalar<string>('action', (text) => {
  const star = text.endsWith('*')
  const prefix = star ? text.slice(0, -1) : text
  const right = (star && prefix === '') || isAction(prefix)
  return right ? text : wrong(`${shown(text)} is no action: a name such as room.post, or a prefix such as "room.*"`)
})

export const agentIdType = scalar<string>('agent id', (text) =>
  isAgentId(text) ? text : wrong(`${shown(text)} is no agent id: 1-64 of a-z, 0-9, _ and -, not dispatch or any`),
)

export const pathType = scalar<string>('path', (text, { dir }) => {
  if (text === '' || text.includes('\0')) return wrong('is no path')
  if (text === '~' || text.startsWith('~/')) return join(homedir(), text.slice(1))
  return isAbsolute(text) ? text : resolve(dir, text)
})

/** The smallest limit of any system we run on (macOS: 104 bytes with the end mark). */
const MAX_SOCKET_BYTES = 103

export const socketType: OptionType<string> = {
  name: 'path',
  read: (input, key, report) => {
    const path = pathType.read(input, key, report)
    if (path === undefined || Buffer.byteLength(path) <= MAX_SOCKET_BYTES) return path
    report.mistake(input.place, key, `${path} is longer than the ${MAX_SOCKET_BYTES} bytes a socket's path may have`)
    return undefined
  },
}

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds. Written with a unit: a bare number would be taken for seconds by some and milliseconds by others. */
export const durationType = (range: { min: string; max: string }): OptionType<number> => {
  const min = durationMs(range.min) ?? 0
  const max = durationMs(range.max) ?? Number.MAX_SAFE_INTEGER
  return scalar('duration', (text) => {
    const ms = durationMs(text)
    if (ms === undefined) return wrong(`${shown(text)} is no duration: a number and ms, s, m, h or d, such as 10m`)
    return ms < min || ms > max ? wrong(`${shown(text)} is outside ${range.min} to ${range.max}`) : ms
  })
}

export const durationMs = (text: string): number | undefined => {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s?(ms|s|m|h|d)$/.exec(text)
  return match === null ? undefined : Math.round(Number(match[1]) * (MS[match[2] ?? ''] ?? 0))
}

const BYTES: Readonly<Record<string, number>> = {
  ...{ B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 },
}

export const sizeType = (range: { min: string; max: string }): OptionType<number> => {
  const min = sizeBytes(range.min) ?? 0
  const max = sizeBytes(range.max) ?? Number.MAX_SAFE_INTEGER
  return scalar('size', (text) => {
    const bytes = sizeBytes(text)
    if (bytes === undefined) {
      return wrong(`${shown(text)} is no size: a number and B, KiB, MiB, GiB, KB, MB or GB, such as 4MiB`)
    }
    return bytes < min || bytes > max ? wrong(`${shown(text)} is outside ${range.min} to ${range.max}`) : bytes
  })
}

export const sizeBytes = (text: string): number | undefined => {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)\s?(B|[KMGT]i?B)$/.exec(text)
  return match === null ? undefined : Math.round(Number(match[1]) * (BYTES[match[2] ?? ''] ?? 0))
}

export const countType = (min: number, max: number): OptionType<number> =>
  scalar('number', (text) => {
    const n = /^\d{1,10}$/.test(text) ? Number(text) : undefined
    return n === undefined || n < min || n > max ? wrong(`must be a whole number from ${min} to ${max}`) : n
  })

export const booleanType = scalar<boolean>('true or false', (text) =>
  text === 'true' ? true : text === 'false' ? false : wrong(`${shown(text)} is neither true nor false`),
)

export const oneOf = <const T extends string>(...words: readonly T[]): OptionType<T> =>
  scalar(words.join(', '), (text) => {
    const word = words.find((w) => w === text)
    if (word !== undefined) return word
    const near = suggest(text, words)
    return wrong(`${shown(text)} is none of ${words.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`)
  })

const NOT_DRIVEN: ReadonlySet<Road> = new Set(['private', 'dm'])

const roadWord = oneOf('private', 'dm', 'nip44', 'public')
export const roadType: OptionType<Road> = {
  name: 'road',
  read: (input, key, report) => {
    const road = roadWord.read(input, key, report)
    if (road !== undefined && NOT_DRIVEN.has(road)) {
      report.warn(input.place, key, `the road ${road} is not driven in this version; what needs it takes another one`)
    }
    return road
  },
}

/** Normalised: host in lowercase, no default port, no bare final slash, so that two spellings are one relay. */
export const relayUrlType = scalar<RelayUrl>('ws:// or wss:// URL', (text, { warn }) => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^wss?:\/\//i.test(text)) return wrong(`${shownUrl(text)} is no relay's URL: wss://HOST`)
  if (url.username !== '' || url.password !== '')
    return wrong('has a user or password in it, which has no place in a relay URL')
  if (url.hash !== '') return wrong('has a # part, which no relay sees')
  if (url.protocol === 'ws:' && !isLoopback(url.hostname)) {
    warn(`${url.host} is reached without TLS: everyone on the way can read and change what is sent; use wss://`)
  }
  return (url.pathname === '/' && url.search === '' ? `${url.protocol}//${url.host}` : url.href) as RelayUrl
})

const shownUrl = (text: string): string => (text.includes('@') ? 'what stands there' : shown(text))

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host)

export interface HostPort {
  readonly host: string
  readonly port: number
}

export const listenType = scalar<HostPort>('HOST:PORT', (text) => {
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]{1,253}):(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  const host = match?.[1]
  if (host === undefined || port > 65_535) return wrong(`${shown(text)} is no HOST:PORT, such as 127.0.0.1:7447`)
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port }
})

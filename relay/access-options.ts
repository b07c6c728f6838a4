import type { RelayLimits } from './limits.js'
import { normalRelayUrl } from './server/place.js'

/** The options of `ksp relay` that say who may do what (access.ts). */
export interface AccessOptions {
  readonly publicUrls: readonly string[]
  readonly allowWrite?: string
  readonly allowRead?: string
  readonly allowKapnet?: string
  readonly minPow: number
  readonly limits: Pick<RelayLimits, 'maxEventsPerSec' | 'maxEventsPerSecOfKey'>
}

export const ACCESS_OPTIONS = {
  'public-url': { type: 'string', multiple: true, default: [] as string[] },
  'allow-write': { type: 'string' },
  'allow-read': { type: 'string' },
  'allow-kapnet': { type: 'string' },
  'min-pow': { type: 'string', default: '0' },
  rate: { type: 'string', default: '0' },
  'key-rate': { type: 'string', default: '0' },
} as const

export const ACCESS_USAGE = `  --public-url URL     the ws:// or wss:// URL by which clients know the relay, where a name or a proxy stands
                       before it; AUTH needs it then; may be given several times
  --allow-write FILE   take events only of, or from, the keys in FILE: an npub or hex a line
  --allow-read FILE    answer only the keys in FILE
  --allow-kapnet FILE  take kinds 30000 to 30599 only of, or from, the keys in FILE
                       (each FILE is read again when it changes, and at SIGHUP)
  --min-pow BITS       take only events whose id has so many leading zero bits (default 0)
  --rate N             events a second that one connection may send; ten times as many at once (default 0: any)
  --key-rate N         events a second of one author (default 0: any)`

/** More is a mistake: it would take years. */
const MAX_POW_BITS = 64

interface Values {
  readonly 'public-url': readonly string[]
  readonly 'allow-write'?: string | undefined
  readonly 'allow-read'?: string | undefined
  readonly 'allow-kapnet'?: string | undefined
  readonly 'min-pow': string
  readonly rate: string
  readonly 'key-rate': string
}

/** The reason, where they are wrong. */
export const readAccess = (values: Values): AccessOptions | string => {
  const publicUrls = values['public-url']
  const badUrl = publicUrls.find((url) => normalRelayUrl(url) === undefined)
  if (badUrl !== undefined) return `--public-url ${badUrl} is not a ws:// or wss:// URL`
  const minPow = /^\d{1,3}$/.test(values['min-pow']) ? Number(values['min-pow']) : Infinity
  if (minPow > MAX_POW_BITS) return `--min-pow needs a number from 0 to ${MAX_POW_BITS}`
  for (const name of ['rate', 'key-rate'] as const) {
    if (!/^\d{1,6}$/.test(values[name])) return `--${name} needs a whole number`
  }
  const { 'allow-write': allowWrite, 'allow-read': allowRead, 'allow-kapnet': allowKapnet } = values
  for (const name of ['allow-write', 'allow-read', 'allow-kapnet'] as const) {
    if (values[name] === '') return `--${name} needs a file`
  }
  return {
    publicUrls,
    ...(allowWrite === undefined ? {} : { allowWrite }),
    ...(allowRead === undefined ? {} : { allowRead }),
    ...(allowKapnet === undefined ? {} : { allowKapnet }),
    minPow,
    limits: { maxEventsPerSec: Number(values.rate), maxEventsPerSecOfKey: Number(values['key-rate']) },
  }
}

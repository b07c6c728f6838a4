import { isIP } from 'node:net'
import {
  countType,
  durationType,
  listenType,
  oneOf,
  pathType,
  scalar,
  shown,
  sizeType,
  wrong,
  type OptionType,
} from './option-types.js'

/**
 * Options of the bundled relay as it takes them on its command line: checked here, so that all mistakes of a ksp.yaml are told
 * together, and handed on as text. The relay is a program of its own, which this one does not import.
 */

const passed = <T>(type: OptionType<T>, write: (value: T) => string): OptionType<string> => ({
  name: type.name,
  read: (input, key, report) => {
    const value = type.read(input, key, report)
    return value === undefined ? undefined : write(value)
  },
})

export const passedPath: OptionType<string> = pathType

export const passedCount = (min: number, max: number): OptionType<string> => passed(countType(min, max), String)

export const passedDuration = (range: { min: string; max: string }): OptionType<string> =>
  passed(durationType(range), (ms) => `${ms}ms`)

export const passedSize = (range: { min: string; max: string }): OptionType<string> =>
  passed(sizeType(range), (bytes) => `${bytes}B`)

export const passedListen: OptionType<string> = passed(listenType, ({ host, port }) =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
)

/** A switch of the relay takes no value: it is there, or it is not. */
export const passedSwitch: OptionType<string> = passed(oneOf('true', 'false'), (word) => (word === 'true' ? '' : word))

const MAX_NAME_CHARS = 100

export const relayNameType = scalar<string>('name', (text) =>
  text === '' || text.length > MAX_NAME_CHARS ? wrong(`must have 1 to ${MAX_NAME_CHARS} characters`) : text,
)

export const addressType = scalar<string>('IP address', (text) =>
  isIP(text) === 0 ? wrong(`${shown(text)} is no IP address`) : text,
)

export const hostNameType = scalar<string>('host name', (text) =>
  /^[a-zA-Z0-9._-]{1,253}$/.test(text) ? text : wrong(`${shown(text)} is no host name`),
)

export const retentionType = scalar<string>('KINDS=AGE[,COUNT]', (text) =>
  /^(?:\*|\d{1,5}(?:-\d{1,5})?)=(?:forever|\d{1,9}[smhdwy])(?:,\d{1,10})?$/.test(text)
    ? text
    : wrong(
        `${shown(text)} is no rule of retention: KINDS=AGE[,COUNT], such as "1=90d" or "1000-9999=7d,5000" or "*=1y"`,
      ),
)

import { checkEventShape } from '../../src/core/event.js'
import { bytesOf } from '../../src/core/hex.js'
import { parseFilter } from '../../src/core/match.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent } from '../../src/core/types.js'
import { closedFrame, negErrFrame, noticeFrame, okFrame, refused } from './answers.js'
import { MAX_SUBSCRIPTION_ID_CHARS } from '../limits.js'
import type { RelayLimits } from '../limits.js'
import { tooMuchStructure } from './structure.js'

/** What a client says, read and checked for form. A new verb is a new row in READERS. */
export type ClientFrame =
  | { readonly verb: 'EVENT'; readonly event: NostrEvent }
  | { readonly verb: 'REQ'; readonly id: string; readonly filters: readonly Filter[] }
  | { readonly verb: 'CLOSE'; readonly id: string }
  | { readonly verb: 'AUTH'; readonly event: NostrEvent }
  | { readonly verb: 'COUNT'; readonly id: string; readonly filters: readonly Filter[] }
  | { readonly verb: 'NEG-OPEN'; readonly id: string; readonly filter: Filter; readonly message: Uint8Array }
  | { readonly verb: 'NEG-MSG'; readonly id: string; readonly message: Uint8Array }
  | { readonly verb: 'NEG-CLOSE'; readonly id: string }

export type Parsed =
  | { readonly ok: true; readonly frame: ClientFrame }
  /** `ends`: the subscription that a CLOSED answer ends; an older one of that id must not live on. */
  | { readonly ok: false; readonly answer: string; readonly ends?: string }

type FrameLimits = Pick<RelayLimits, 'maxMessageBytes' | 'maxFilters' | 'maxFilterValues'>
type Reader = (args: readonly unknown[], limits: FrameLimits) => Parsed

/** An id longer than this is not echoed. */
const MAX_ECHO_CHARS = 256

const frame = (value: ClientFrame): Parsed => ({ ok: true, frame: value })
const notice = (words: string): Parsed => ({ ok: false, answer: noticeFrame(`invalid: ${words}`) })
const closed = (id: string, words: string): Parsed => ({
  ok: false,
  answer: closedFrame(id, `invalid: ${words}`),
  ends: id,
})

const closedOnly = (id: string, words: string): Parsed => ({ ok: false, answer: closedFrame(id, `invalid: ${words}`) })

export const parseFrame = (text: string, bytes: number, limits: FrameLimits): Parsed => {
  if (bytes > limits.maxMessageBytes)
    return refusedUnread(text, `the message has ${bytes} bytes; at most ${limits.maxMessageBytes}`)
  const wrong = tooMuchStructure(text)
  if (wrong !== undefined) return refusedUnread(text, wrong)
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return notice('the message is not JSON')
  }
  if (!Array.isArray(message)) return notice('the message is not an array')
  const [verb, ...args] = message as unknown[]
  if (typeof verb !== 'string') return notice('the message does not start with its type')
  const reader = READERS.get(verb)
  if (reader === undefined) return notice(`${JSON.stringify(verb.slice(0, 32))} is not a type this relay knows`)
  return reader(args, limits)
}

const readEventFor =
  (verb: 'EVENT' | 'AUTH'): Reader =>
  ([raw]) => {
    const shaped = checkEventShape(raw)
    if (shaped.ok) return frame({ verb, event: shaped.value })
    const id = typeof raw === 'object' && raw !== null && 'id' in raw && typeof raw.id === 'string' ? raw.id : ''
    return {
      ok: false,
      answer: okFrame(id.slice(0, MAX_ECHO_CHARS), refused(`invalid: ${shaped.refusal.message}`)),
    }
  }

const readAsk =
  (verb: 'REQ' | 'COUNT'): Reader =>
  ([id, ...rawFilters], limits) => {
    const wrong = wrongId(id)
    if (wrong !== undefined || typeof id !== 'string') return wrong ?? notice(`${verb} needs a subscription id`)
    // A COUNT ends nothing: it is no subscription.
    const no = verb === 'REQ' ? closed : closedOnly
    if (rawFilters.length === 0) return no(id, `${verb} needs at least one filter`)
    if (rawFilters.length > limits.maxFilters) return no(id, `at most ${limits.maxFilters} filters`)
    const filters = readFilters(rawFilters, limits)
    return typeof filters === 'string' ? no(id, filters) : frame({ verb, id, filters })
  }

/** What is wrong, where something is. */
const readFilters = (rawFilters: readonly unknown[], limits: FrameLimits): Filter[] | string => {
  const filters: Filter[] = []
  let values = 0
  for (const raw of rawFilters) {
    const parsed = parseFilter(raw)
    if (!parsed.ok) return parsed.refusal.message
    for (const member of Object.values(parsed.value)) if (Array.isArray(member)) values += member.length
    filters.push(parsed.value)
  }
  return values > limits.maxFilterValues ? `at most ${limits.maxFilterValues} values in all filters` : filters
}

const readNegOpen: Reader = ([id, rawFilter, hex], limits) => {
  if (!isSubscriptionId(id)) return notice(`NEG-OPEN needs an id of 1 to ${MAX_SUBSCRIPTION_ID_CHARS} characters`)
  const filters = readFilters([rawFilter], limits)
  if (typeof filters === 'string') return negErr(id, filters)
  const [filter] = filters
  const message = bytesOfMessage(hex)
  if (filter === undefined || message === undefined) return negErr(id, 'the message is not lowercase hex')
  return frame({ verb: 'NEG-OPEN', id, filter, message })
}

const readNegMsg: Reader = ([id, hex]) => {
  if (!isSubscriptionId(id)) return notice(`NEG-MSG needs an id of 1 to ${MAX_SUBSCRIPTION_ID_CHARS} characters`)
  const message = bytesOfMessage(hex)
  return message === undefined
    ? negErr(id, 'the message is not lowercase hex')
    : frame({ verb: 'NEG-MSG', id, message })
}

const readNegClose: Reader = ([id]) =>
  isSubscriptionId(id) ? frame({ verb: 'NEG-CLOSE', id }) : notice('NEG-CLOSE needs an id')

const isSubscriptionId = (id: unknown): id is string =>
  typeof id === 'string' && id.length > 0 && id.length <= MAX_SUBSCRIPTION_ID_CHARS

const bytesOfMessage = (hex: unknown): Uint8Array | undefined => (typeof hex === 'string' ? bytesOf(hex) : undefined)

const negErr = (id: string, words: string): Parsed => ({ ok: false, answer: negErrFrame(id, `invalid: ${words}`) })

const readClose: Reader = ([id]) => {
  if (typeof id !== 'string') return notice('CLOSE needs a subscription id')
  return frame({ verb: 'CLOSE', id })
}

const wrongId = (id: unknown): Parsed | undefined => {
  if (typeof id !== 'string') return notice('the subscription id is not a string')
  if (id.length > 0 && id.length <= MAX_SUBSCRIPTION_ID_CHARS) return undefined
  const words = `a subscription id has 1 to ${MAX_SUBSCRIPTION_ID_CHARS} characters`
  return id.length > MAX_ECHO_CHARS ? notice(words) : closed(id, words)
}

const READERS: ReadonlyMap<string, Reader> = new Map([
  ['EVENT', readEventFor('EVENT')],
  ['AUTH', readEventFor('AUTH')],
  ['REQ', readAsk('REQ')],
  ['COUNT', readAsk('COUNT')],
  ['NEG-OPEN', readNegOpen],
  ['NEG-MSG', readNegMsg],
  ['NEG-CLOSE', readNegClose],
  ['CLOSE', readClose],
])

/**
 * Not read as JSON. Its id, where one is to be seen, gets the answer that its sender waits for. No string inside an event can
 * look like one: its quotes would be escaped.
 */
const refusedUnread = (text: string, words: string): Parsed => {
  if (/^\s*\[\s*"(?:EVENT|AUTH)"/.test(text)) {
    const id = /"id"\s*:\s*"([0-9a-f]{64})"/.exec(text)?.[1]
    return id === undefined ? notice(words) : { ok: false, answer: okFrame(id, refused(`invalid: ${words}`)) }
  }
  const [, verb, quoted] = /^\s*\[\s*"(REQ|COUNT|NEG-OPEN|NEG-MSG)"\s*,\s*("[^"\\]{1,64}")/.exec(text) ?? []
  if (verb === undefined || quoted === undefined) return notice(words)
  const id = quoted.slice(1, -1)
  return verb === 'REQ' ? closed(id, words) : verb === 'COUNT' ? closedOnly(id, words) : negErr(id, words)
}

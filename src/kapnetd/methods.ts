import type { Hashes } from '../core/hashes.js'
import { isHex32 } from '../core/names.js'
import { utf8Length } from '../core/text.js'
import type { Hex32, JsonObject, JsonValue } from '../core/types.js'
import { INVALID_PARAMS, notification, problem, UNKNOWN_TXXM, type Answer, type Method, type Methods } from './rpc.js'
import type { Store } from './store.js'
import { isObject, MAX_BODY_BYTES, readTxxm } from './txxm.js'

/** What the daemon can be asked, as in kapnetd-ipc.md. */

/** What one connection is remembered by. */
export interface Session {
  subscribed: boolean
}

export interface DaemonFacts {
  readonly sessionId: string
  readonly version: string
  readonly networkId: number
  readonly mode: string
}

export interface MethodOptions {
  readonly facts: DaemonFacts
  readonly store: Store
  readonly hashes: Hashes
  /** Sends a line to every session that has subscribed. */
  readonly publish: (line: string) => void
}

const MAX_NAME_LENGTH = 128
const MAX_IDS = 1_000
const DEFAULT_PAGE = 500
/** An event holds its TXXM, escaped once more. */
const MAX_EVENT_BYTES = 3 * MAX_BODY_BYTES

export const createMethods = (o: MethodOptions): Methods<Session> =>
  new Map<string, Method<Session>>([
    ['hello', (params) => hello(params, o)],
    ['submit_txxm', (params) => submit(params, o)],
    ['make_txxm', (params) => make(params, o)],
    ['get_txxm', (params) => get(params, o)],
    ['has', (params) => has(params, o)],
    ['braid', () => answer(o.store.braid())],
    ['braid_ids', (params) => braidIds(params, o)],
    ['subscribe', subscribe],
  ])

const answer = (value: object): Answer => ({ result: JSON.stringify(value) })
const wrong = (message: string): Answer => problem(INVALID_PARAMS, message)

const hello = ({ client, version }: JsonObject, { facts }: MethodOptions): Answer => {
  for (const name of [client, version]) {
    if (name !== undefined && (typeof name !== 'string' || name.length > MAX_NAME_LENGTH))
      return wrong(`client and version are strings of at most ${MAX_NAME_LENGTH} characters`)
  }
  const { sessionId, networkId, mode } = facts
  return answer({ session_id: sessionId, version: facts.version, network_id: networkId, mode })
}

/** From a bridge. A "no" to the TXXM itself is an answer, not an error. */
const submit = ({ txxm_id: claimed, txxm, event }: JsonObject, o: MethodOptions): Answer | Promise<Answer> => {
  if (typeof claimed !== 'string') return wrong('txxm_id is a string')
  if (txxm === undefined) return wrong('txxm is missing')
  if (event !== undefined && !isObject(event)) return wrong('event is an object')
  const read = readTxxm(txxm, o.hashes)
  if ('reason' in read) return answer({ status: 'rejected', reason: read.reason })
  if (read.id !== claimed) return answer({ status: 'rejected', reason: `txxm_id does not match: it is ${read.id}` })
  const eventText = event === undefined ? undefined : JSON.stringify(event)
  if (eventText !== undefined && utf8Length(eventText) > MAX_EVENT_BYTES)
    return answer({ status: 'rejected', reason: `the event is over ${MAX_EVENT_BYTES} bytes` })
  return o.store.add(read, 'bridge', eventText).then((status) => answer({ status }))
}

/** From software on this host: what bridges are then told of. */
const make = ({ txxm }: JsonObject, o: MethodOptions): Answer | Promise<Answer> => {
  if (txxm === undefined) return wrong('txxm is missing')
  const read = readTxxm(txxm, o.hashes)
  if ('reason' in read) return wrong(read.reason)
  return o.store.add(read, 'local').then((status) => {
    if (status === 'accepted') o.publish(notification('txxm', `{"txxm_id":"${read.id}","txxm":${read.body}}`))
    return answer({ txxm_id: read.id })
  })
}

const get = ({ txxm_id: id }: JsonObject, { store }: MethodOptions): Answer => {
  if (!isId(id)) return wrong('txxm_id is 64 lowercase hex characters')
  const held = store.get(id)
  if (held === undefined) return problem(UNKNOWN_TXXM, `no TXXM ${id} here`)
  const event = held.event === undefined ? '' : `,"event":${held.event}`
  return { result: `{"txxm":${held.body},"origin":"${held.origin}"${event}}` }
}

const has = ({ ids }: JsonObject, { store }: MethodOptions): Answer => {
  if (!Array.isArray(ids) || ids.length > MAX_IDS || !ids.every(isId))
    return wrong(`ids is a list of at most ${MAX_IDS} TXXM ids`)
  return answer({ missing: ids.filter((id) => !store.has(id)) })
}

/** `after` is the last id that the asker has seen; `next` is what to ask after, while there is more. */
const braidIds = ({ after, limit = DEFAULT_PAGE }: JsonObject, { store }: MethodOptions): Answer => {
  if (after !== undefined && !isId(after)) return wrong('after is a TXXM id')
  if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1) return wrong('limit is a number above 0')
  const page = store.idsAfter(after, Math.min(limit, MAX_IDS))
  if (page === undefined) return problem(UNKNOWN_TXXM, `no TXXM ${after ?? ''} here to go on after`)
  const last = page.ids.at(-1)
  return answer({ ids: page.ids, ...(page.more && last !== undefined ? { next: last } : {}) })
}

const subscribe = ({ topics }: JsonObject, session: Session): Answer => {
  if (!Array.isArray(topics) || topics.some((topic) => topic !== 'txxm')) return wrong('topics is ["txxm"]')
  session.subscribed = topics.length > 0
  return answer({ topics })
}

const isId = (value: JsonValue | undefined): value is Hex32 => typeof value === 'string' && isHex32(value)

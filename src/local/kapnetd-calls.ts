import { Fault } from '../core/fault.js'
import { isHex32 } from '../core/names.js'
import { utf8Length } from '../core/text.js'
import type { JsonObject, JsonValue, MessageId } from '../core/types.js'
import type { Delivered, Message } from '../ports.js'
import { isObject, MAX_REASON_LENGTH, type RpcAnswer } from './kapnetd-answer.js'
import type { KapnetdClient } from './kapnetd-client.js'
import type { KapnetdMethod, KapnetdProfile } from './kapnetd-profile.js'

/**
 * The methods of kapnetd-ipc.md as functions: the profile's names on the way out, the shape of the answer checked on the
 * way in. A wrong shape is garbage: the connection is closed and a Fault thrown.
 */
export interface KapnetdCalls {
  hello(client: string, version: string): Promise<Record<string, string | number>>
  /** Resolves with the reason where the daemon says no: it is polled then. */
  subscribe(): Promise<string | undefined>
  /** Undefined where the daemon does not know `after`. */
  page(after: string | undefined, limit: number): Promise<Page | undefined>
  /** Undefined where the daemon says that it does not have it. */
  get(id: MessageId): Promise<{ body: JsonObject; origin: 'local' | 'bridge' } | undefined>
  submit(message: Message, signal: AbortSignal): Promise<Delivered>
}

export interface Page {
  readonly ids: readonly MessageId[]
  /** What the next page comes after; undefined for the last page. */
  readonly next: string | undefined
}

/** Of JSON-RPC 2.0: these say something about the daemon or the profile, not about the TXXM that was asked for. */
const METHOD_NOT_FOUND = -32_601
const INTERNAL_ERROR = -32_603
const MAX_NAME_LENGTH = 128
const MAX_CURSOR_LENGTH = 256
/** Room for the rest of the line around a body. */
const LINE_OVERHEAD_BYTES = 1_024

export const kapnetdCalls = (client: KapnetdClient, profile: KapnetdProfile, maxLineBytes: number): KapnetdCalls => {
  const { fields: f, methods } = profile

  const garbage = (what: string): Fault => {
    client.close(what)
    return new Fault('kapnetd', what)
  }
  const ask = (method: KapnetdMethod, params: JsonObject | string, signal?: AbortSignal): Promise<RpcAnswer> =>
    client.request(methods[method], typeof params === 'string' ? params : JSON.stringify(params), signal)
  const refused = (method: KapnetdMethod, { code, message }: { code: number; message: string }): Fault =>
    new Fault('kapnetd', `${methods[method]} failed: ${message} (${code})`)
  const resultOf = (method: KapnetdMethod, answer: RpcAnswer): JsonObject => {
    if ('error' in answer) throw refused(method, answer.error)
    if (!isObject(answer.result)) throw garbage(`it answered ${methods[method]} with no object`)
    return answer.result
  }
  /** For what can be asked wrongly: undefined where the daemon, being well, says no to this one. */
  const resultOrNone = (method: KapnetdMethod, answer: RpcAnswer): JsonObject | undefined => {
    const isNo = 'error' in answer && answer.error.code !== INTERNAL_ERROR && answer.error.code !== METHOD_NOT_FOUND
    return isNo ? undefined : resultOf(method, answer)
  }

  return {
    hello: async (name, version) => {
      const result = resultOf('hello', await ask('hello', { [f.client]: name, [f.version]: version }))
      const facts: Record<string, string | number> = {}
      for (const [key, field] of Object.entries({
        session_id: f.sessionId,
        version: f.version,
        network_id: f.networkId,
        mode: f.mode,
      })) {
        const value = result[field]
        if (value === undefined || value === null) continue
        if (typeof value !== 'number' && !(typeof value === 'string' && value.length <= MAX_NAME_LENGTH))
          throw garbage(`it answered ${methods.hello} with a wrong ${field}`)
        facts[key] = value
      }
      if (facts['session_id'] === undefined) throw garbage(`it answered ${methods.hello} without ${f.sessionId}`)
      return facts
    },

    subscribe: async () => {
      const answer = await ask('subscribe', { [f.topics]: [methods.made] })
      return 'error' in answer ? answer.error.message : undefined
    },

    page: async (after, limit) => {
      const params = { ...(after === undefined ? {} : { [f.after]: after }), [f.limit]: limit }
      const answer = await ask('braidIds', params)
      const result = after === undefined ? resultOf('braidIds', answer) : resultOrNone('braidIds', answer)
      if (result === undefined) return undefined
      const ids = result[f.ids]
      const next = result[f.next] ?? undefined
      if (!Array.isArray(ids) || ids.length > limit || !ids.every(isId))
        throw garbage(`it answered ${methods.braidIds} with wrong ${f.ids}`)
      // What goes on without getting on would never end.
      if (next !== undefined && (!isCursor(next) || next === after || ids.length === 0))
        throw garbage(`it answered ${methods.braidIds} with a wrong ${f.next}`)
      return { ids, next }
    },

    get: async (id) => {
      const result = resultOrNone('get', await ask('get', { [f.txxmId]: id }))
      if (result === undefined) return undefined
      const body = result[f.txxm]
      const origin = result[f.origin]
      if (!isObject(body) || (origin !== 'local' && origin !== 'bridge'))
        throw garbage(`it answered ${methods.get} with a wrong ${f.txxm} or ${f.origin}`)
      return { body, origin }
    },

    submit: async (message, signal) => {
      const params = submitParams(message, profile)
      const bytes = utf8Length(params)
      if (bytes > maxLineBytes - LINE_OVERHEAD_BYTES)
        return { code: 'local-rejected', message: `${bytes} bytes do not fit a line of kapnetd` }
      const result = resultOf('submit', await ask('submit', params, signal))
      const status = result[f.status]
      if (status === 'accepted' || status === 'duplicate') return status
      if (status !== 'rejected') throw garbage(`it answered ${methods.submit} with a wrong ${f.status}`)
      const reason = result[f.reason]
      const why = typeof reason === 'string' ? `: ${reason}` : ''
      return { code: 'local-rejected', message: `kapnetd rejected it${why}`.slice(0, MAX_REASON_LENGTH) }
    },
  }
}

/** The body is RFC 8785 text already: it goes in as it stands, neither read nor written again. */
const submitParams = (message: Message, { fields }: KapnetdProfile): string => {
  const event = message.event === undefined ? '' : `,${JSON.stringify(fields.event)}:${JSON.stringify(message.event)}`
  return `{${JSON.stringify(fields.txxmId)}:"${message.id}",${JSON.stringify(fields.txxm)}:${message.body}${event}}`
}

const isId = (value: JsonValue): value is JsonValue & MessageId => typeof value === 'string' && isHex32(value)

const isCursor = (value: JsonValue): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MAX_CURSOR_LENGTH

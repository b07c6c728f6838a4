import { MAX_JSON_DEPTH, parseJson } from '../core/canonical.js'
import { reasonOf } from '../core/fault.js'
import type { JsonObject, JsonValue } from '../core/types.js'
import { isObject } from './txxm.js'

/** JSON-RPC 2.0, one object a line, no batches (kapnetd-ipc.md). */

export const PARSE_ERROR = -32_700
export const INVALID_REQUEST = -32_600
export const METHOD_NOT_FOUND = -32_601
export const INVALID_PARAMS = -32_602
export const INTERNAL_ERROR = -32_603
/** The daemon's own, in the range that JSON-RPC leaves to servers. */
export const UNKNOWN_TXXM = -32_001
export const TOO_MANY = -32_002

/** `result` is JSON text: stored bodies go out as they are, without being read again. */
export type Answer =
  { readonly result: string } | { readonly error: { readonly code: number; readonly message: string } }

export const problem = (code: number, message: string): Answer => ({ error: { code, message } })

/** Answers, now or later. Never throws for bad params. */
export type Method<Session> = (params: JsonObject, session: Session) => Answer | Promise<Answer>

export type Methods<Session> = ReadonlyMap<string, Method<Session>>

/** A TXXM is the member of a member of the request. */
const MAX_LINE_DEPTH = MAX_JSON_DEPTH + 2
/** Ids are sent back as they came. */
const MAX_ID_LENGTH = 100

type Id = string | number | null

/** The line to be sent back; undefined where none is owed, because it was a notification. Never throws, never rejects. */
export const answerLine = <Session>(
  line: string,
  methods: Methods<Session>,
  session: Session,
  onBug: (method: string, error: unknown) => void,
): string | undefined | Promise<string | undefined> => {
  const parsed = parseJson(line, MAX_LINE_DEPTH)
  if (!parsed.ok) return write(null, problem(PARSE_ERROR, parsed.refusal.message))
  const request = readRequest(parsed.value)
  if ('error' in request) return write(request.id, request)
  const { id, method, params } = request

  const run = methods.get(method)
  const reply = (answer: Answer): string | undefined => (id === undefined ? undefined : write(id, answer))
  const failed = (error: unknown): string | undefined => {
    onBug(method, error)
    return reply(problem(INTERNAL_ERROR, `${method} failed: ${reasonOf(error)}`))
  }
  if (run === undefined) return reply(problem(METHOD_NOT_FOUND, 'no such method'))
  try {
    const answer = run(params, session)
    return answer instanceof Promise ? answer.then(reply, failed) : reply(answer)
  } catch (error) {
    return failed(error)
  }
}

export const notification = (method: string, params: string): string =>
  `{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params}}`

/** An error that belongs to no request, such as before a connection is closed. */
export const complaint = (code: number, message: string): string => write(null, problem(code, message))

const write = (id: Id, answer: Answer): string => {
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`
  return 'result' in answer ? `${head}"result":${answer.result}}` : `${head}"error":${JSON.stringify(answer.error)}}`
}

type Request =
  | { readonly id: Id | undefined; readonly method: string; readonly params: JsonObject }
  | { readonly id: Id; readonly error: { readonly code: number; readonly message: string } }

const readRequest = (value: JsonValue): Request => {
  if (Array.isArray(value)) return invalid(null, 'batches are not supported: one object a line')
  if (!isObject(value)) return invalid(null, 'a request is an object')
  const { jsonrpc, id, method, params = {} } = value
  if (id !== undefined && !isId(id)) return invalid(null, 'id is a number, a short string or null')
  if (jsonrpc !== '2.0') return invalid(id ?? null, 'jsonrpc is "2.0"')
  if (typeof method !== 'string') return invalid(id ?? null, 'method is a string')
  if (!isObject(params)) return invalid(id ?? null, 'params is an object')
  return { id, method, params }
}

const invalid = (id: Id, message: string): Request => ({ id, error: { code: INVALID_REQUEST, message } })

const isId = (id: JsonValue): id is Id =>
  id === null || typeof id === 'number' || (typeof id === 'string' && id.length <= MAX_ID_LENGTH)

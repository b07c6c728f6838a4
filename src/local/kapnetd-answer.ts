import { parseJson } from '../core/canonical.js'
import type { JsonObject, JsonValue } from '../core/types.js'

/** What a line of the daemon is. Nothing here trusts it: whatever is not exactly JSON-RPC 2.0 is garbage. */

export type RpcAnswer =
  { readonly result: JsonValue } | { readonly error: { readonly code: number; readonly message: string } }

export type DaemonLine =
  | { readonly id: number; readonly answer: RpcAnswer }
  | { readonly method: string; readonly params: JsonObject }
  | { readonly garbage: string }

/**
 * A TXXM in a line may be as deep as wire.md 1 allows, and more: one that is too deep is refused by itself, and does not
 * make garbage of the line, or it would cut the connection each time it is read and block whatever comes after it.
 */
const MAX_LINE_DEPTH = 256

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const readAnswer = (line: string): DaemonLine => {
  const parsed = parseJson(line, MAX_LINE_DEPTH)
  if (!parsed.ok) return { garbage: `it sent a line that is refused: ${parsed.refusal.message}` }
  const value = parsed.value
  if (!isObject(value) || value['jsonrpc'] !== '2.0') return { garbage: 'it sent a line that is not JSON-RPC 2.0' }
  const { id, method, params = {}, result, error } = value
  if (method !== undefined) {
    if (typeof method !== 'string' || id !== undefined || !isObject(params))
      return { garbage: 'it sent what is no notification and no answer' }
    return { method, params }
  }
  if (typeof id !== 'number') return { garbage: `it complained: ${complaint(error)}` }
  if ((result === undefined) === (error === undefined)) return { garbage: 'it answered without a result or an error' }
  if (result !== undefined) return { id, answer: { result } }
  if (!isObject(error)) return { garbage: 'it answered with an error that is none' }
  const { code, message } = error
  if (typeof code !== 'number' || typeof message !== 'string')
    return { garbage: 'it answered with an error without code and message' }
  return { id, answer: { error: { code, message: message.slice(0, MAX_REASON_LENGTH) } } }
}

export const MAX_REASON_LENGTH = 200

const complaint = (error: JsonValue | undefined): string =>
  isObject(error) && typeof error['message'] === 'string'
    ? error['message'].slice(0, MAX_REASON_LENGTH)
    : 'an answer without an id'

import { connect } from 'node:net'
import { parseJson } from '../core/canonical.js'
import { createLineCutter } from '../core/lines.js'
import type { JsonValue } from '../core/types.js'
import { CONNECTION_LIMITS } from './connection.js'
import { isObject } from './txxm.js'

/** One request to a daemon that runs, for operators and scripts. */

export type Called = { readonly result: JsonValue } | { readonly error: string }

const TIMEOUT_MS = 10_000
const MAX_ANSWER_DEPTH = 70

/** `params` is JSON text. Never rejects. */
export const callDaemon = (socketPath: string, method: string, params: string): Promise<Called> => {
  const parsed = parseJson(params)
  if (!parsed.ok) return Promise.resolve({ error: `the params are no JSON: ${parsed.refusal.message}` })
  if (!isObject(parsed.value)) return Promise.resolve({ error: 'the params are not a JSON object' })
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    const cutter = createLineCutter(CONNECTION_LIMITS.maxLineBytes)
    const settle = (called: Called): void => {
      socket.destroy()
      resolve(called)
    }
    socket.setTimeout(TIMEOUT_MS, () => settle({ error: `no answer from ${socketPath} within ${TIMEOUT_MS / 1000} s` }))
    socket.on('error', (error) =>
      settle({ error: `no kapnetd answers on ${socketPath}: ${error.message}; is it running?` }),
    )
    socket.on('close', () => settle({ error: 'the daemon closed the connection without an answer' }))
    socket.on('data', (piece) => {
      const { lines, error } = cutter.push(piece)
      const line = lines[0]
      if (line !== undefined) settle(readAnswer(line))
      else if (error !== undefined) settle({ error: 'the daemon answered what is no JSON line' })
    })
    socket.write(
      `{"jsonrpc":"2.0","id":1,"method":${JSON.stringify(method)},"params":${JSON.stringify(parsed.value)}}\n`,
    )
  })
}

const readAnswer = (line: string): Called => {
  const parsed = parseJson(line, MAX_ANSWER_DEPTH)
  if (!parsed.ok || !isObject(parsed.value)) return { error: 'the daemon answered what is no JSON object' }
  const { result, error } = parsed.value
  if (error !== undefined) return { error: `the daemon refused: ${JSON.stringify(error)}` }
  return result === undefined ? { error: 'the daemon answered without a result' } : { result }
}

import { createConnection } from 'node:net'
import { createLineCutter } from '../core/lines.js'
import { ControlError, MAX_CONTROL_LINE_BYTES } from './control-server.js'

/** The command line's end of the control socket. */
export interface ControlClient {
  /** Rejects with a ControlError: the bridge's own, or `not-running` when the connection is gone. */
  call(method: string, params?: unknown): Promise<unknown>
  close(): void
}

/** Undefined where no bridge listens on `path`. */
export const connectControl = (path: string): Promise<ControlClient | undefined> =>
  new Promise((resolve) => {
    const socket = createConnection(path)
    const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
    const cutter = createLineCutter(MAX_CONTROL_LINE_BYTES)
    let next = 1

    const end = (): void => {
      for (const w of waiting.values()) {
        w.reject(new ControlError('not-running', 'the bridge has ended the connection', 'look at its log'))
      }
      waiting.clear()
    }
    socket.once('connect', () => {
      resolve({
        call: (method, params = {}) =>
          new Promise((done, reject) => {
            if (socket.destroyed) {
              reject(new ControlError('not-running', 'the bridge has ended the connection', 'look at its log'))
              return
            }
            const id = next++
            waiting.set(id, { resolve: done, reject })
            socket.write(JSON.stringify({ id, method, params }) + '\n')
          }),
        close: () => socket.destroy(),
      })
    })
    socket.on('error', () => {
      resolve(undefined)
      end()
    })
    socket.on('close', end)
    socket.on('data', (piece) => {
      const { lines, error } = cutter.push(piece)
      for (const line of lines) settle(JSON.parse(line) as Answer, waiting)
      if (error !== undefined) socket.destroy()
    })
  })

interface Answer {
  readonly id: number
  readonly result?: unknown
  readonly error?: { code: string; message: string; hint?: string }
}

const settle = (
  answer: Answer,
  waiting: Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>,
): void => {
  const w = waiting.get(answer.id)
  waiting.delete(answer.id)
  if (answer.error === undefined) w?.resolve(answer.result)
  else w?.reject(new ControlError(answer.error.code, answer.error.message, answer.error.hint))
}

import { connect, type Socket } from 'node:net'
import { Fault } from '../core/fault.js'
import { createLineCutter } from '../core/lines.js'
import type { JsonObject } from '../core/types.js'
import type { Clock } from '../ports.js'
import { createAbortWatch } from './abort-watch.js'
import { readAnswer, type RpcAnswer } from './kapnetd-answer.js'

/**
 * One connection to a kapnetd: requests with numbers, answers in any order. At most `maxOutstanding` are at the daemon, the
 * others wait in a queue with an end. It is dropped, and everybody told, when the daemon says what can't be understood,
 * answers what was not asked, or is silent for too long; what it said is then not obeyed.
 */
export interface KapnetdClient {
  /**
   * `params` is the JSON text of an object. Resolves with a result or the daemon's own error. Rejects with a
   * Fault('kapnetd') when there is no answer in time or the connection is gone.
   */
  request(method: string, params: string, signal?: AbortSignal): Promise<RpcAnswer>
  /** Aborted, with a Fault as its reason, when the connection has ended. */
  readonly ended: AbortSignal
  close(reason: string): void
}

export interface ClientLimits {
  readonly timeoutMs: number
  readonly maxOutstanding: number
  readonly maxWaiting: number
  readonly maxLineBytes: number
}

export const CLIENT_LIMITS: ClientLimits = {
  timeoutMs: 10_000,
  maxOutstanding: 64,
  maxWaiting: 1_024,
  maxLineBytes: 8_388_608,
}

export interface ClientOptions {
  readonly socket: string
  readonly clock: Clock
  readonly limits: ClientLimits
  readonly onNotification: (method: string, params: JsonObject) => void
}

interface Request {
  readonly line: string
  resolve(answer: RpcAnswer): void
  reject(fault: Fault): void
  /** The tick in which it was sent. */
  sentAt: number
}

/**
 * Time is counted in ticks of an eighth of the timeout, not read from the clock: a clock that is set, or a computer that
 * wakes, must not time out everything at once. A request times out after eight to nine ticks.
 */
const TICKS = 8

/** Rejects with a Fault when nobody answers there. */
export const connectKapnetd = async (o: ClientOptions, signal: AbortSignal): Promise<KapnetdClient> => {
  const socket = connect(o.socket)
  await new Promise<void>((resolve, reject) => {
    const failed = (thrown: Error): void => {
      signal.removeEventListener('abort', aborted)
      reject(new Fault('kapnetd', `no kapnetd answers on ${o.socket}: ${thrown.message}`, { cause: thrown }))
    }
    const aborted = (): void => void socket.destroy(new Error('stopping'))
    socket.once('error', failed)
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
    socket.once('connect', () => {
      signal.removeEventListener('abort', aborted)
      socket.off('error', failed)
      resolve()
    })
  })
  return speak(socket, o, signal)
}

const speak = (
  socket: Socket,
  { clock, limits, onNotification }: ClientOptions,
  signal: AbortSignal,
): KapnetdClient => {
  const ended = new AbortController()
  const cutter = createLineCutter(limits.maxLineBytes)
  const aborts = createAbortWatch()
  const waiting: Request[] = []
  // In the order in which they were sent, so the first is the oldest.
  const sent = new Map<number, Request>()
  // Given up by whoever asked: their answers may still come and are no garbage.
  const late = new Set<number>()
  let nextId = 1
  let tick = 0
  let heardAt = 0
  let corked = false

  const end = (reason: string): void => {
    if (ended.signal.aborted) return
    const fault = new Fault('kapnetd', reason)
    socket.destroy()
    signal.removeEventListener('abort', stopping)
    ended.abort(fault)
    for (const request of [...sent.values(), ...waiting]) request.reject(fault)
    sent.clear()
    waiting.length = 0
  }
  const stopping = (): void => end('stopping')
  if (signal.aborted) stopping()
  signal.addEventListener('abort', stopping, { once: true })

  const write = (lines: string): void => {
    if (!corked) {
      // All that is asked for in one turn leaves in one write.
      corked = true
      socket.cork()
      process.nextTick(() => {
        corked = false
        socket.uncork()
      })
    }
    socket.write(lines)
  }

  const send = (): void => {
    let lines = ''
    while (sent.size < limits.maxOutstanding) {
      const request = waiting.shift()
      if (request === undefined) break
      const id = nextId++
      request.sentAt = tick
      sent.set(id, request)
      lines += `{"jsonrpc":"2.0","id":${id},${request.line}}\n`
    }
    if (lines !== '') write(lines)
  }

  const giveUp = (id: number): void => {
    sent.delete(id)
    late.add(id)
    if (late.size > limits.maxOutstanding) end(`it left ${late.size} requests unanswered`)
  }

  const checkTimeouts = (): void => {
    for (const [id, request] of sent) {
      if (tick - request.sentAt <= TICKS) break
      if (heardAt <= request.sentAt) {
        end(`it was silent for ${limits.timeoutMs} ms`)
        return
      }
      request.reject(new Fault('kapnetd', `no answer within ${limits.timeoutMs} ms`))
      giveUp(id)
    }
    send()
  }

  const keepTime = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(Math.ceil(limits.timeoutMs / TICKS), ended.signal)
      if (ended.signal.aborted) return
      tick++
      checkTimeouts()
    }
  }

  const settle = (id: number, answer: RpcAnswer): void => {
    if (late.delete(id)) return
    const request = sent.get(id)
    if (request === undefined) {
      end(`it answered request ${id}, which is not open`)
      return
    }
    sent.delete(id)
    request.resolve(answer)
  }

  const take = (line: string): void => {
    const read = readAnswer(line)
    if ('garbage' in read) end(read.garbage)
    else if ('method' in read) onNotification(read.method, read.params)
    else settle(read.id, read.answer)
  }

  socket.on('data', (piece) => {
    heardAt = tick
    const { lines, error } = cutter.push(piece)
    for (const line of lines) {
      take(line)
      if (ended.signal.aborted) return
    }
    if (error !== undefined) end(error === 'too-long' ? 'it sent an over-long line' : 'it sent what is not UTF-8')
    send()
  })
  socket.on('error', (thrown) => end(`the connection failed: ${thrown.message}`))
  socket.on('close', () => end('it closed the connection'))
  // Never lost: it ends with the connection, and neither the clock nor the loop can reject.
  void keepTime()

  return {
    ended: ended.signal,
    close: end,
    request: async (method, params, cancel) => {
      ended.signal.throwIfAborted()
      if (cancel?.aborted === true) throw new Fault('kapnetd', 'stopping')
      if (waiting.length >= limits.maxWaiting) throw new Fault('kapnetd', 'too many requests wait for it')
      return new Promise((resolve, reject) => {
        const request: Request = {
          line: `"method":${JSON.stringify(method)},"params":${params}`,
          sentAt: 0,
          resolve: (answer) => {
            callOff?.()
            resolve(answer)
          },
          reject: (fault) => {
            callOff?.()
            reject(fault)
          },
        }
        const cancelled = (): void => {
          request.reject(new Fault('kapnetd', 'stopping'))
          const place = waiting.indexOf(request)
          if (place !== -1) waiting.splice(place, 1)
          for (const [id, open] of sent) if (open === request) giveUp(id)
        }
        const callOff = cancel === undefined ? undefined : aborts.on(cancel, cancelled)
        waiting.push(request)
        send()
      })
    },
  }
}

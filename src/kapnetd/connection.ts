import type { Socket } from 'node:net'
import { createLineCutter } from '../core/lines.js'
import { answerLine, complaint, INVALID_REQUEST, type Methods } from './rpc.js'
import type { Session } from './methods.js'

/** One client. Its requests are answered as they get ready, not in their order. */
export interface Connection {
  /** Sends a line; a client that does not read is cut off. */
  send(line: string): void
  readonly session: Readonly<Session>
  /** Answers what has come, takes no more, and closes. */
  finish(): void
  /** Closes at once. */
  cut(): void
}

export interface ConnectionLimits {
  readonly maxLineBytes: number
  /** Requests that wait for the disk. */
  readonly maxInFlight: number
  /** With more than this unread the client's next requests wait. */
  readonly busyOutputBytes: number
  /** With more than this unread the client is cut off: notifications can't wait. */
  readonly maxOutputBytes: number
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  maxLineBytes: 8_388_608,
  maxInFlight: 256,
  busyOutputBytes: 1_048_576,
  maxOutputBytes: 33_554_432,
}

export interface ConnectionOptions {
  readonly socket: Socket
  readonly methods: Methods<Session>
  readonly limits: ConnectionLimits
  /** One line for the operator. */
  readonly say: (line: string) => void
  readonly onClose: () => void
}

export const serveConnection = ({ socket, methods, limits, say, onClose }: ConnectionOptions): Connection => {
  const session: Session = { subscribed: false }
  const cutter = createLineCutter(limits.maxLineBytes)
  // Of the piece read last; while any wait the socket is paused, so that there never are more.
  let waiting: string[] = []
  let inFlight = 0
  let corked = false
  let broken = false
  let finishing = false

  const send = (line: string): void => {
    if (socket.writableEnded || socket.destroyed) return
    if (socket.writableLength > limits.maxOutputBytes) {
      say(`a client that does not read was cut off with ${socket.writableLength} bytes unread`)
      socket.destroy()
      return
    }
    if (!corked) {
      // All answers of one turn leave in one write.
      corked = true
      socket.cork()
      process.nextTick(() => {
        corked = false
        socket.uncork()
      })
    }
    socket.write(line + '\n')
  }

  const endWhenIdle = (): void => {
    if (inFlight > 0 || waiting.length > 0) return
    // Whoever broke the rules is not waited for.
    if (broken) socket.end(() => socket.destroy())
    else if (finishing) {
      socket.end()
      // Nothing more is taken, but his end must be seen.
      socket.resume()
    }
  }

  const handle = (line: string): void => {
    const reply = answerLine(line, methods, session, (method, error) => say(`${method} failed: ${String(error)}`))
    if (!(reply instanceof Promise)) {
      if (reply !== undefined) send(reply)
      return
    }
    inFlight++
    // Never lost: answerLine never rejects, and an answer for a socket that has gone is owed to nobody.
    void reply.then((text) => {
      inFlight--
      if (text !== undefined) send(text)
      work()
    })
  }

  const isBusy = (): boolean => inFlight >= limits.maxInFlight || socket.writableLength > limits.busyOutputBytes

  const work = (): void => {
    let done = 0
    while (done < waiting.length && !isBusy() && !socket.destroyed) handle(waiting[done++] ?? '')
    waiting = waiting.slice(done)
    if (waiting.length > 0) socket.pause()
    else if (!finishing && !broken) socket.resume()
    endWhenIdle()
  }

  socket.on('data', (piece) => {
    if (finishing) return
    const { lines, error } = cutter.push(piece)
    for (const line of lines) waiting.push(line)
    if (error !== undefined) {
      // The stream has no meaning any more; what came before is still answered.
      broken = true
      socket.pause()
      const what = error === 'too-long' ? `a line is over ${limits.maxLineBytes} bytes` : 'a line is not UTF-8'
      send(complaint(INVALID_REQUEST, what))
    }
    work()
  })
  socket.on('drain', work)
  socket.on('end', () => {
    finishing = true
    work()
  })
  socket.on('error', () => {
    // `close` follows: a client may go whenever it likes.
  })
  socket.on('close', () => {
    waiting = []
    onClose()
  })

  return {
    send,
    session,
    finish: () => {
      finishing = true
      socket.pause()
      endWhenIdle()
    },
    cut: () => socket.destroy(),
  }
}

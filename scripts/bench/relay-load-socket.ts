import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { usageOf } from './process-usage.js'

/** What all questions of the load generator share: connections, events from the file, counting, the cost in processor time. */
export interface LoadSocket {
  readonly webSocket: WebSocket
  /** What is sent within leaves in as few packets as it fits in. */
  together(work: () => void): void
}

const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024

export const openLoadSocket = async (url: string): Promise<LoadSocket> => {
  // It is the relay's work that is measured: here nothing is done that only a real client needs.
  const webSocket = new WebSocket(url, {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    maxPayload: MAX_PAYLOAD_BYTES,
  })
  const upgraded = once(webSocket, 'upgrade') as Promise<[IncomingMessage]>
  const [[{ socket }]] = await Promise.all([upgraded, once(webSocket, 'open')])
  socket.setNoDelay(true)
  return { webSocket, together: (work) => corked(socket, work) }
}

const corked = (socket: Socket, work: () => void): void => {
  socket.cork()
  work()
  socket.uncork()
}

export const openLoadSockets = (url: string, count: number): Promise<LoadSocket[]> =>
  Promise.all(Array.from({ length: count }, () => openLoadSocket(url)))

export const asBuffer = (data: WebSocket.RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)

export const readLines = (file: string, count: number): string[] => {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(0, count)
  if (lines.length < count) throw new Error(`the file holds ${lines.length} events, not ${count}`)
  return lines
}

/** An event's id stands first in the lines that relay-events.ts writes: `{"id":"`. */
export const idOfLine = (line: string): string => line.slice(7, 71)

/** At most so many reasons are kept apart, for a relay may make up a new one each time. */
const MAX_REASONS = 20

export interface Wrongs {
  add(reason: string): void
  readonly counts: Readonly<Record<string, number>>
}

export const openWrongs = (): Wrongs => {
  const counts: Record<string, number> = {}
  return {
    counts,
    add: (reason) => {
      const known = reason in counts || Object.keys(counts).length < MAX_REASONS
      const name = known ? reason.slice(0, 120) : 'others'
      counts[name] = (counts[name] ?? 0) + 1
    },
  }
}

/** Processor time of the relay and of this process from now until `per` is asked, in microseconds for each of `count`. */
export const startMeter = (pid: number): { per: (count: number) => Record<string, number> } => {
  const before = usageOf(pid)
  const own = process.cpuUsage()
  const begin = performance.now()
  return {
    per: (count) => {
      const perSec = (count * 1000) / (performance.now() - begin)
      const { user, system } = process.cpuUsage(own)
      const after = usageOf(pid)
      const loadCpuUs = (user + system) / count
      if (before === undefined || after === undefined) return { perSec, loadCpuUs }
      const serverCpuUs = ((after.cpuMs - before.cpuMs) * 1000) / count
      const mainCpuUs = ((after.mainCpuMs - before.mainCpuMs) * 1000) / count
      return { perSec, serverCpuUs, mainCpuUs, loadCpuUs, rssMb: after.rssMb }
    },
  }
}

export const quantile = (values: readonly number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

import type { LoadResult, LoadTask } from './relay-load.js'
import { readOk } from './relay-load-ok.js'
import {
  asBuffer,
  idOfLine,
  openLoadSockets,
  openWrongs,
  quantile,
  readLines,
  startMeter,
} from './relay-load-socket.js'

/** Sends every event once, with as many without an answer as the window allows. Each must be answered OK true. */
export const loadIngest = async (task: LoadTask): Promise<LoadResult> => {
  const lines = readLines(task.file, task.events)
  const frames = lines.map((line) => `["EVENT",${line}]`)
  const ids = lines.map(idOfLine)
  const sockets = await openLoadSockets(task.url, task.connections)
  const perSocket = Math.max(1, Math.floor(task.window / task.connections))
  const sentAt = new Map<string, number>()
  const latencies: number[] = []
  const wrongs = openWrongs()
  let sent = 0
  let answered = 0

  const meter = startMeter(task.pid)
  await new Promise<void>((resolve, reject) => {
    for (const { webSocket, together } of sockets) {
      let inFlight = 0
      let pushes = false
      const push = (): void => {
        pushes = false
        together(() => {
          for (; inFlight < perSocket && sent < frames.length; inFlight++, sent++) {
            sentAt.set(ids[sent] ?? '', performance.now())
            webSocket.send(frames[sent] ?? '')
          }
        })
      }
      webSocket.on('message', (data) => {
        const { id, reason } = readOk(asBuffer(data))
        if (reason !== undefined) wrongs.add(reason)
        if (id === undefined) return
        const at = sentAt.get(id)
        if (at === undefined) {
          wrongs.add('an OK for what was not sent, or a second one')
          return
        }
        sentAt.delete(id)
        latencies.push(performance.now() - at)
        inFlight--
        if (++answered === frames.length) resolve()
        // Answers that came in one packet are followed by as many events in one.
        if (!pushes) process.nextTick(push)
        pushes = true
      })
      webSocket.on('close', () => reject(new Error('the relay closed the connection')))
      webSocket.on('error', reject)
      push()
    }
  })
  const figures = { ...meter.per(frames.length), p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) }
  return { figures, wrong: wrongs.counts }
}

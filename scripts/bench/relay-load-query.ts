import { KIND } from './relay-events.js'
import type { LoadResult, LoadTask } from './relay-load.js'
import type { LoadSocket } from './relay-load-socket.js'
import { asBuffer, openLoadSockets, openWrongs, quantile, startMeter } from './relay-load-socket.js'
import { authorsOf } from './relay-fill.js'

/** The newest events of one author and kind, another author each time, `limit` of them; one question after the other. */
export const loadQuery = async (task: LoadTask): Promise<LoadResult> => {
  const { url, pid, limit, requests, stored } = task
  const authors = authorsOf(stored)
  const sockets = await openLoadSockets(url, task.connections)
  const latencies: number[] = []
  const wrongs = openWrongs()
  let asked = 0
  let received = 0

  const askAll = ({ webSocket }: LoadSocket): Promise<void> =>
    new Promise((resolve, reject) => {
      let id = ''
      let found = 0
      let at = 0
      const next = (): void => {
        if (asked === requests) {
          resolve()
          return
        }
        const n = asked++
        id = `q${n}`
        found = 0
        at = performance.now()
        // Another `until` each time: no answer is to be had from a cache of answers.
        const until = Math.floor(Date.now() / 1000) + 100 + n
        const filter = { authors: [authors[n % authors.length]], kinds: [KIND], limit, until }
        webSocket.send(JSON.stringify(['REQ', id, filter]))
      }
      webSocket.on('message', (data) => {
        const frame = asBuffer(data)
        if (frame.toString('latin1', 0, EVENT.length) === EVENT) {
          found++
          received++
          return
        }
        const text = frame.toString()
        const [verb, of] = JSON.parse(text) as unknown[]
        if (verb === 'AUTH') return
        if (verb !== 'EOSE' || of !== id) {
          wrongs.add(text)
          if (verb === 'CLOSED' && of === id) next()
          return
        }
        latencies.push(performance.now() - at)
        if (found !== limit) wrongs.add(`${found} events instead of ${limit}`)
        webSocket.send(JSON.stringify(['CLOSE', id]))
        next()
      })
      webSocket.on('close', () => reject(new Error('the relay closed the connection')))
      webSocket.on('error', reject)
      next()
    })

  const meter = startMeter(pid)
  await Promise.all(sockets.map(askAll))
  const figures = { ...meter.per(received), p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) }
  return { figures, wrong: wrongs.counts }
}

const EVENT = '["EVENT"'

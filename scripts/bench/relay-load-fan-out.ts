import type { LoadResult, LoadTask } from './relay-load.js'
import { readOk } from './relay-load-ok.js'
import type { LoadSocket, Wrongs } from './relay-load-socket.js'
import {
  asBuffer,
  idOfLine,
  openLoadSocket,
  openLoadSockets,
  openWrongs,
  quantile,
  readLines,
  startMeter,
} from './relay-load-socket.js'

/**
 * One publishes, the others subscribe to its topic. Without a `rate` as fast as the window allows: deliveries a second. With
 * one at that pace: how long from sending an event to its arrival at each of the subscribers.
 */
export const loadFanOut = async (task: LoadTask): Promise<LoadResult> => {
  const lines = readLines(task.file, task.events)
  const ids = lines.map(idOfLine)
  const sentAt = new Map<string, number>()
  const latencies: number[] = []
  const wrongs = openWrongs()
  const target = ids.length * task.subscribers
  let sent = 0
  let answered = 0
  let done: () => void = () => undefined
  const check = (): void => {
    if (latencies.length === target && answered === ids.length) done()
  }

  const counts = Array.from({ length: task.subscribers }, () => 0)
  const onEvent = (subscriber: number, id: string): void => {
    const at = sentAt.get(id)
    if (at === undefined) return
    counts[subscriber] = (counts[subscriber] ?? 0) + 1
    latencies.push(performance.now() - at)
    if (latencies.length === target) check()
  }
  const [publisher, subscribers] = await Promise.all([
    openLoadSocket(task.url),
    openLoadSockets(task.url, task.subscribers),
  ])
  await Promise.all(subscribers.map((socket, n) => subscribe(socket, task.topic, (id) => onEvent(n, id), wrongs)))

  const { webSocket, together } = publisher
  const publish = (upTo: number): void => {
    if (sent >= upTo) return
    together(() => {
      for (; sent < upTo; sent++) {
        sentAt.set(ids[sent] ?? '', performance.now())
        webSocket.send(`["EVENT",${lines[sent] ?? ''}]`)
      }
    })
  }
  const fill = (): void => publish(Math.min(ids.length, answered + task.window))
  webSocket.on('message', (data) => {
    const { id, reason } = readOk(asBuffer(data))
    if (reason !== undefined) wrongs.add(reason)
    if (id === undefined) return
    answered++
    if (task.rate === 0) process.nextTick(fill)
    check()
  })

  const meter = startMeter(task.pid)
  await new Promise<void>((resolve, reject) => {
    const begin = performance.now()
    const due = (): number => Math.floor(((performance.now() - begin) / 1000) * task.rate)
    const ticks = task.rate === 0 ? undefined : setInterval(() => publish(Math.min(ids.length, due())), 1)
    done = () => {
      clearInterval(ticks)
      resolve()
    }
    for (const socket of [publisher, ...subscribers]) {
      socket.webSocket.on('close', () => reject(new Error('the relay closed a connection')))
      socket.webSocket.on('error', reject)
    }
    if (task.rate === 0) fill()
  })
  for (const count of counts) if (count !== ids.length) wrongs.add('an event too often or not at all')
  const figures = { ...meter.per(target), p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) }
  return { figures: { ...figures, maxMs: quantile(latencies, 1) }, wrong: wrongs.counts }
}

const ID = Buffer.from('"id":"')

/** Resolves when the relay has said that what is stored is told. */
const subscribe = (
  { webSocket }: LoadSocket,
  topic: string,
  onEvent: (id: string) => void,
  wrongs: Wrongs,
): Promise<void> =>
  new Promise((resolve, reject) => {
    webSocket.on('close', () => reject(new Error('the relay closed a connection')))
    webSocket.on('message', (data) => {
      const frame = asBuffer(data)
      if (frame.toString('latin1', 0, 8) === '["EVENT"') {
        // Not read as JSON: it is the relay that is measured. No content of ours holds these letters.
        const at = frame.indexOf(ID) + ID.length
        onEvent(frame.toString('latin1', at, at + 64))
        return
      }
      const text = frame.toString()
      if (text.startsWith('["EOSE"')) resolve()
      else if (!text.startsWith('["AUTH"')) wrongs.add(text)
    })
    webSocket.send(JSON.stringify(['REQ', 'live', { '#t': [topic], since: 1, limit: 1 }]))
  })

import { openNegentropy } from '../../src/core/negentropy.js'
import { syncSet } from '../../src/core/negentropy-set.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { LoadResult, LoadTask } from './relay-load.js'
import { asBuffer, openLoadSocket, openWrongs, quantile, startMeter } from './relay-load-socket.js'

/** NIP-77: from NEG-OPEN, by one who has nothing, to the relay's first answer, over all of a time. */
export const loadSync = async (task: LoadTask): Promise<LoadResult> => {
  const { webSocket } = await openLoadSocket(task.url)
  const message = Buffer.from(openNegentropy(syncSet([]), { hashes: nodeHashes })).toString('hex')
  const latencies: number[] = []
  const wrongs = openWrongs()
  const meter = startMeter(task.pid)
  for (let n = 0; n < task.requests; n++) {
    const id = `sync${n}`
    const begin = performance.now()
    const answer = new Promise<string>((resolve, reject) => {
      const onMessage = (data: Parameters<typeof asBuffer>[0]): void => {
        const text = asBuffer(data).toString()
        if (text.startsWith('["AUTH"')) return
        webSocket.off('message', onMessage)
        resolve(text)
      }
      webSocket.on('message', onMessage)
      webSocket.once('close', () => reject(new Error('the relay closed the connection')))
    })
    webSocket.send(JSON.stringify(['NEG-OPEN', id, { since: task.since, until: task.until }, message]))
    const text = await answer
    latencies.push(performance.now() - begin)
    if (!text.startsWith(`["NEG-MSG","${id}"`)) wrongs.add(text)
    webSocket.send(JSON.stringify(['NEG-CLOSE', id]))
  }
  const { serverCpuUs, rssMb } = meter.per(task.requests)
  return {
    figures: {
      ...{ p50Ms: quantile(latencies, 0.5), maxMs: quantile(latencies, 1) },
      ...(serverCpuUs === undefined || rssMb === undefined ? {} : { serverCpuUs, rssMb }),
    },
    wrong: wrongs.counts,
  }
}

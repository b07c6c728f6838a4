import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { eventId, proofOf } from '../../src/core/event.js'
import type { NostrEvent, Proof } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { openCeilingStore } from './relay-ceiling-store.js'
import { openCeilingWorker } from './relay-ceiling-verifier.js'

/**
 * The ceiling probe: what is left of a relay when everything is taken away that isn't dear. A WebSocket server, JSON, the
 * id, the signature, one row and its tags with FULL durability in one transaction a turn, OK. No rules, no limits, nobody
 * listens. Whoever wants to be faster than this must verify or store in another way.
 */
export interface CeilingTask {
  readonly db: string
  /** Signatures are checked by a worker thread; else by this one. */
  readonly worker: boolean
}

interface Waiting {
  readonly event: NostrEvent
  readonly webSocket: WebSocket
  readonly stream: Duplex
}

/** What is verified is written no later than the rest of so many. */
const MAX_BATCH = 500

export const run = async ({ db, worker }: CeilingTask): Promise<void> => {
  const store = openCeilingStore(db)
  const verify = worker ? openCeilingWorker() : await inThread()
  const waiting: Waiting[] = []
  let scheduled = false

  const settle = (batch: readonly Waiting[], answers: readonly boolean[]): void => {
    store.write(batch.filter((_, i) => answers[i] === true).map(({ event }) => event))
    const streams = new Set(batch.map(({ stream }) => stream))
    for (const stream of streams) stream.cork()
    batch.forEach(({ event, webSocket }, i) =>
      webSocket.send(answers[i] === true ? `["OK","${event.id}",true,""]` : `["OK","${event.id}",false,"invalid: "]`),
    )
    for (const stream of streams) stream.uncork()
  }
  const turn = (): void => {
    scheduled = false
    const batch = waiting.splice(0, MAX_BATCH)
    if (waiting.length > 0) schedule()
    // A rejection ends the process, as it should: the measurement is void.
    void verify(batch.map(({ event }) => proofOf(event))).then((answers) => settle(batch, answers))
  }
  const schedule = (): void => {
    if (!scheduled) setImmediate(turn)
    scheduled = true
  }

  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false, clientTracking: false })
  server.on('connection', (webSocket, { socket: stream }) => {
    webSocket.on('error', () => webSocket.terminate())
    webSocket.on('message', (data: Buffer) => {
      const [, event] = JSON.parse(data.toString()) as [string, NostrEvent]
      if (eventId(event, nodeHashes) !== event.id) return
      waiting.push({ event, webSocket, stream })
      schedule()
    })
  })
  server.on('listening', () => {
    process.stdout.write(`ready ws://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
  })
  process.once('SIGTERM', () => {
    store.close()
    process.exit(0)
  })
}

type Verify = (proofs: readonly Proof[]) => Promise<boolean[]>

const inThread = async (): Promise<Verify> => {
  const engine = await openEngine('native')
  return (proofs) => Promise.resolve(proofs.map((proof) => engine.verify(proof)))
}

import { WebSocket } from 'ws'
import { Fault, reasonOf } from '../../src/core/fault.js'
import { toSec } from '../../src/core/types.js'
import type { NostrEvent, UnixMs, UnixSec } from '../../src/core/types.js'
import type { EngineChoice } from '../../src/crypto/engine.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { openIngest } from '../ingest/ingest.js'
import { openVerifier } from '../ingest/verifier.js'
import { DEFAULT_LIMITS } from '../limits.js'
import { openSubscriptions } from '../live/subscriptions.js'
import { silentLog } from '../log.js'
import { openAllowlist } from '../policy/allowlist.js'
import { defaultPolicy } from '../policy/policy.js'
import { normalRelayUrl } from '../server/place.js'
import type { Verdict } from '../session/answers.js'
import { openEventStore } from '../store/store.js'

/** What an import asks of every event: taken or not, and why. Resolves when what was taken is on the disk. */
export interface Judge {
  submit(event: NostrEvent, bytes: number): Promise<Verdict>
  close(): Promise<void>
}

export interface FileJudgeOptions {
  readonly db: string
  readonly engine: EngineChoice
  readonly minPow: number
  readonly publicUrls: readonly string[]
  readonly allowWrite: string | undefined
  readonly allowKapnet: string | undefined
}

/** The very road that an EVENT takes, without its client: all rules, signatures in batches, group commits. */
export const fileJudge = async (options: FileJudgeOptions): Promise<Judge> => {
  const opened: (() => unknown)[] = []
  const close = async (): Promise<void> => {
    for (const end of opened.reverse()) await end()
  }
  try {
    const list = (file: string | undefined): ReturnType<typeof openAllowlist> | undefined => {
      if (file === undefined) return undefined
      const keys = openAllowlist(file, silentLog)
      opened.push(() => keys.close())
      return keys
    }
    const writers = list(options.allowWrite)
    const kapnetWriters = list(options.allowKapnet)
    const urls = options.publicUrls.map(normalRelayUrl)
    const policy = defaultPolicy(DEFAULT_LIMITS, nodeHashes, {
      ...(writers === undefined ? {} : { writers }),
      ...(kapnetWriters === undefined ? {} : { kapnetWriters }),
      minPow: options.minPow,
      isOurs: (url) => urls.includes(url),
    })
    const store = openEventStore(options.db, nodeHashes)
    opened.push(() => store.close())
    const { verifier, close: closeVerifier } = await openVerifier({ engine: options.engine }, silentLog)
    opened.push(closeVerifier)
    const now = (): UnixSec => toSec(Date.now() as UnixMs)
    const ingest = openIngest({
      ...{ policy, verifier, store, now, log: silentLog, limits: DEFAULT_LIMITS },
      // Nobody listens, so ephemeral events are refused.
      subscriptions: openSubscriptions(),
    })
    return {
      // The operator vouches for the file: protected events (NIP-70) are taken as if their authors brought them.
      submit: (event, bytes) => ingest.submit(event, bytes, { keys: new Set([event.pubkey]) }),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Events of which the answer is awaited. */
const MAX_UNANSWERED = 200
const OPEN_TIMEOUT_MS = 10_000
const ANSWER_TIMEOUT_MS = 60_000

/** A relay that runs, over the wire. Its rules hold, so do its limits. */
export const wireJudge = async (url: string): Promise<Judge> => {
  const socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: OPEN_TIMEOUT_MS })
  const waiting = new Map<string, { resolve: (verdict: Verdict) => void; reject: (error: Error) => void }>()
  const queue: (() => void)[] = []
  let failure: Fault | undefined
  let patience: NodeJS.Timeout | undefined

  const fail = (words: string): void => {
    failure ??= new Fault('relay', `${url}: ${words}`)
    for (const { reject } of waiting.values()) reject(failure)
    waiting.clear()
    for (const go of queue.splice(0)) go()
    clearTimeout(patience)
  }
  const watch = (): void => {
    clearTimeout(patience)
    if (waiting.size > 0) patience = setTimeout(() => socket.terminate(), ANSWER_TIMEOUT_MS)
  }
  socket.on('message', (data: Buffer) => {
    let message: unknown
    try {
      message = JSON.parse(data.toString())
    } catch {
      fail('it does not speak Nostr')
      return
    }
    if (!Array.isArray(message) || message[0] !== 'OK' || typeof message[1] !== 'string') return
    const [, id, accepted, reason] = message as [string, string, unknown, unknown]
    const words = typeof reason === 'string' ? (reason as Verdict['reason']) : ''
    waiting.get(id)?.resolve({ accepted: accepted === true, reason: words })
    waiting.delete(id)
    queue.shift()?.()
    watch()
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.on('error', (error) => {
      fail(reasonOf(error))
      reject(new Fault('relay', `cannot connect to ${url}: ${reasonOf(error)}`, { cause: error }))
    })
  })
  socket.on('close', () => fail('the relay ended the connection: run the import again, what is there is skipped'))

  return {
    submit: async (event) => {
      while (failure === undefined && waiting.size >= MAX_UNANSWERED) {
        await new Promise<void>((resolve) => void queue.push(resolve))
      }
      if (failure !== undefined) throw failure
      if (waiting.has(event.id)) return { accepted: true, reason: 'duplicate: it stands in the file twice' }
      return new Promise<Verdict>((resolve, reject) => {
        waiting.set(event.id, { resolve, reject })
        socket.send(JSON.stringify(['EVENT', event]))
        watch()
      })
    },
    close: () =>
      new Promise((resolve) => {
        clearTimeout(patience)
        socket.once('close', () => resolve())
        if (socket.readyState === socket.CLOSED) resolve()
        socket.close()
      }),
  }
}

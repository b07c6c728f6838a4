import type { Config } from './config.js'
import type { Destination, Pubkey } from './core/types.js'
import { nodeHashes } from './crypto/hashes.js'
import type { AfterCommit } from './pipeline/after-commit.js'
import type { Bell } from './pipeline/bell.js'
import { runPump } from './pipeline/pump.js'
import { runPumps } from './pipeline/pumps.js'
import { createPutOff } from './pipeline/put-off.js'
import { runReceipts } from './pipeline/receipts.js'
import { isKorName } from './pipeline/kor-name.js'
import { createSendLocal } from './pipeline/send-local.js'
import { createSendPeer, type InFlight } from './pipeline/send-peer.js'
import type { Tally } from './pipeline/tally.js'
import type { Clock, LocalPort, Log, Random, Signer, Store, Transport } from './ports.js'

/** Everything that leaves: one pump for each destination that is owed a message, one for each peer that is owed receipts. */
export interface Outgoing {
  /** Runs until `signal` aborts; resolves when what is under way has ended. */
  run(signal: AbortSignal): Promise<void>
}

export interface OutgoingOptions {
  readonly config: Pick<Config, 'delivery' | 'limits'>
  readonly me: Pubkey
  readonly store: Store
  readonly transport: Transport
  readonly ports: readonly LocalPort[]
  readonly signer: Signer
  readonly tagSecret: Uint8Array
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly bell: Bell
  readonly tally: Tally
  readonly afterCommit: AfterCommit
  readonly inFlight: InFlight
  /** Its receipts count, and it gets ours. */
  readonly isTrusted: (peer: Pubkey) => boolean
  /** It was here and says no longer that it is. */
  readonly isAsleep: (peer: Pubkey) => boolean
  /** Ends what is under way, when the time to drain is over. */
  readonly hardStop: AbortSignal
  readonly onBug: (error: unknown) => void
}

/** Signing and sealing are on this thread: more under way would only wait for each other. */
const PEER_WINDOW = 128
const LOCAL_WINDOW = 64

export const createOutgoing = (o: OutgoingOptions): Outgoing => {
  const { config } = o
  const backoff = { minMs: config.delivery.backoffMinMs, maxMs: config.delivery.backoffMaxMs }
  const portNames = o.ports.map((p) => p.name)
  const portOf = (to: Destination): LocalPort | undefined => o.ports.find((p) => `port:${p.name}` === to)

  const sendPeer = createSendPeer({
    ...o,
    hashes: nodeHashes,
    patience: {
      receiptTimeoutMs: config.delivery.receiptTimeoutMs,
      backoff,
      quickTries: config.delivery.triesPerRoad,
    },
  })
  const putOff = createPutOff({ ...o, backoff })

  const pump = (to: Destination, signal: AbortSignal): Promise<void> => {
    const port = portOf(to)
    const attempt = port === undefined ? sendPeer : createSendLocal({ ...o, port, ports: portNames })
    return runPump({ ...o, to, window: port === undefined ? PEER_WINDOW : LOCAL_WINDOW, attempt, putOff }, signal)
  }
  const receipts = (to: Pubkey, signal: AbortSignal): Promise<void> =>
    runReceipts({ ...o, to, hashes: nodeHashes, backoff, maxAgeMs: config.limits.outboxMaxAgeMs }, signal)

  return {
    run: (signal) =>
      runPumps(
        {
          ...o,
          pump,
          receipts,
          // What is owed to a port that is no longer configured waits until it is again.
          isPumped: (to) => !isKorName(to) && (!to.startsWith('port:') || portOf(to) !== undefined),
        },
        signal,
      ),
  }
}

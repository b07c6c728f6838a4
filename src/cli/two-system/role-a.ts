import { keyOf, npubOf } from '../../core/nodeinfo.js'
import type { MessageId, Pubkey } from '../../core/types.js'
import type { Config } from '../../config.js'
import { callBridge, needBridge, openBraid } from '../bridge-client.js'
import { ownPubkey } from '../own-key.js'
import { CliError } from '../print.js'
import { daemonMissing, daemonState, settledAt, sharedRoot, waitFor } from './evidence.js'
import { queueAll, waitDone } from './exchange.js'
import { sampleTxxms, type SampleTxxm } from './sample.js'
import type { Steps } from './steps.js'
import { openWitness, type Witness } from './witness.js'

/** What both roles share: who we are, who the other is, and where to look. */
export interface RoleOptions {
  readonly config: Config
  /** npub, hex key or Herm id; undefined: the one peer of the configuration. */
  readonly peer: string | undefined
  readonly timeoutMs: number
  readonly steps: Steps
  /** What role a sends; one of the sample where none is given. */
  readonly txxm?: SampleTxxm
}

/** Steps 1 to 3, the same on both sides: our daemon, our node-info, the other's. */
export const meet = async (
  o: RoleOptions,
  witness: Witness,
): Promise<{ me: Pubkey; peer: Pubkey; socket: string | undefined }> => {
  const { config, steps } = o
  const me = ownPubkey(config)
  const client = await needBridge(config)
  await callBridge(client, 'status')
  client.close()

  const socket = config.local.kapnetd?.socket
  if (socket !== undefined) steps.passed('kapnetd runs', { socket, ...(await daemonState(socket)) })

  const own = await waitFor('our own node-info on a relay', o.timeoutMs, () => witness.findNodeInfo({ key: me }))
  steps.passed('our node-info is published', {
    event: own.event.id,
    relay: own.relay,
    id: own.info.id,
    status: own.info.status,
  })

  const wanted = o.peer ?? onlyPeer(config)
  const key = keyOf(wanted) ?? config.trust.peers.find((p) => p.id === wanted)?.key
  const found = await waitFor(`the node-info of ${wanted}`, o.timeoutMs, () =>
    witness.findNodeInfo(key === undefined ? { id: wanted } : { key }),
  )
  steps.passed('the other Herm is discovered by a relay query', {
    npub: npubOf(found.event.pubkey),
    id: found.info.id,
    event: found.event.id,
    relay: found.relay,
  })
  return { me, peer: found.event.pubkey, socket }
}

const onlyPeer = (config: Config): string => {
  const [first, second] = config.trust.peers
  const name = first?.key ?? first?.id
  if (name !== undefined && second === undefined) return name
  throw new CliError('usage', 'which peer? name it with --peer', { exit: 2, hint: 'see: ksp peers list' })
}

/** The sender: wraps and publishes, and waits until the other has confirmed and both braids are equal. */
export const runRoleA = async (o: RoleOptions): Promise<MessageId> => {
  const witness = await openWitness(o.config)
  try {
    return await sendAndProve(o, witness)
  } finally {
    await witness.close()
  }
}

const sendAndProve = async (o: RoleOptions, witness: Witness): Promise<MessageId> => {
  const { config, steps } = o
  const { me, peer, socket } = await meet(o, witness)
  const client = await needBridge(config)
  const braid = openBraid(config)
  try {
    const key = `two-system:${Date.now()}`
    const [id] = await queueAll(client, peer, o.txxm === undefined ? sampleTxxms(1) : [o.txxm], key)
    if (id === undefined) throw new CliError('failed', 'nothing was queued')
    await proveSent(o, witness, client, braid, id, me, peer)
    const own = await waitFor('an equal braid on the other side', o.timeoutMs, () => {
      const { theirs } = settledAt(braid, id, peer)
      const ours = sharedRoot(braid, me, peer)
      return Promise.resolve(theirs?.root === ours.root && theirs.count === ours.count ? ours : undefined)
    })
    steps.passed('both braids are equal', { root: own.root, strands: own.count, 'told by': 'the receipt of the other' })
    if (socket !== undefined) {
      const missing = await waitFor('the TXXM in our kapnetd', o.timeoutMs, async () =>
        (await daemonMissing(socket, [id])).length === 0 ? true : undefined,
      )
      steps.passed('our kapnetd holds the TXXM too', { id, held: missing })
    }
    return id
  } finally {
    client.close()
    await braid.close()
  }
}

/** Steps 4 to 6 as the sender sees them. */
const proveSent = async (
  o: RoleOptions,
  witness: Witness,
  client: Awaited<ReturnType<typeof needBridge>>,
  braid: ReturnType<typeof openBraid>,
  id: MessageId,
  me: Pubkey,
  peer: Pubkey,
): Promise<void> => {
  const done = await waitDone(client, [id], o.timeoutMs)
  const { sent, receipt } = settledAt(braid, id, peer)
  if (sent !== undefined) {
    const { relay, events } = await witness.onRelay({ ids: [sent] })
    o.steps.passed('a TXXM is wrapped and published', {
      id,
      event: sent,
      relay,
      'on the relay': events.length === 1 ? `kind ${events[0]?.kind ?? 0}, sealed for ${npubOf(peer)}` : 'gone',
    })
  }
  if (done !== 1 || receipt === undefined) {
    throw new CliError('timeout', `no receipt of stage done came for ${id}`, {
      hint: `ksp braid show ${id} tells every step`,
    })
  }
  const { relay, events } = await witness.onRelay({ ids: [receipt] })
  const [event] = events
  o.steps.passed('the other has unwrapped it, its kapnetd has it, and it confirms by a response event', {
    receipt,
    kind: event?.kind ?? 'gone from the relay',
    by: event === undefined ? '-' : npubOf(event.pubkey),
    to: npubOf(me),
    relay,
  })
}

import { npubOf } from '../../core/nodeinfo.js'
import { openBraid } from '../bridge-client.js'
import { daemonMissing, sharedRoot, waitFor } from './evidence.js'
import { meet, type RoleOptions } from './role-a.js'
import { openWitness, type Witness } from './witness.js'

/** The receiver: waits for a TXXM of the other, and shows that it is unwrapped, submitted and confirmed. */
export const runRoleB = async (o: RoleOptions): Promise<void> => {
  const witness = await openWitness(o.config)
  try {
    await awaitAndProve(o, witness)
  } finally {
    await witness.close()
  }
}

const awaitAndProve = async (o: RoleOptions, witness: Witness): Promise<void> => {
  const { config, steps } = o
  const { me, peer, socket } = await meet(o, witness)
  const braid = openBraid(config)
  try {
    let after = 0
    for (
      let page = braid.inbox({ after, limit: 1_000 });
      page.length > 0;
      page = braid.inbox({ after, limit: 1_000 })
    ) {
      after = page.at(-1)?.seq ?? after
    }
    const line = await waitFor(`a TXXM of ${npubOf(peer)}`, o.timeoutMs, () =>
      Promise.resolve(braid.inbox({ after, limit: 1_000 }).find((l) => l.author === peer && l.stage === 'done')),
    )
    steps.passed('a TXXM came in and is unwrapped', {
      id: line.id,
      road: line.road ?? '-',
      author: npubOf(line.author),
    })
    if (socket !== undefined) {
      const missing = await daemonMissing(socket, [line.id])
      if (missing.length > 0) throw new Error(`the braid says that kapnetd has ${line.id}, kapnetd says no`)
      steps.passed('it is submitted to our kapnetd by IPC', { id: line.id, socket, 'kapnetd holds it': true })
    }
    const since = Math.floor(line.arrivedAt / 1000) - 1
    const response = await waitFor('our response event on a relay', o.timeoutMs, async () => {
      const { relay, events } = await witness.onRelay({
        kinds: [30078],
        authors: [me],
        '#p': [peer],
        since,
      })
      const [event] = events
      return event === undefined ? undefined : { relay, event }
    })
    steps.passed('we confirm it by a response event', {
      event: response.event.id,
      kind: response.event.kind,
      relay: response.relay,
    })
    const root = sharedRoot(braid, me, peer)
    steps.passed('our braid, to be compared with theirs', { root: root.root, strands: root.count })
  } finally {
    await braid.close()
  }
}

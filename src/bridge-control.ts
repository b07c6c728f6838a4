import { isHex32 } from './core/names.js'
import { keyOf } from './core/nodeinfo.js'
import type { HermId, JsonObject, MessageId, Pubkey, UnixSec } from './core/types.js'
import { ControlError, type ControlHandler } from './ops/control-server.js'
import type { RosterKeeper, TrustRules } from './pipeline/roster-keeper.js'
import type { States, Watch } from './pipeline/watch.js'
import type { Accepted, Clock, Intake, Order, Store } from './ports.js'

/** What the command line may ask of a running bridge. Everything is checked: a wrong word is an error, never a crash. */
export interface ControlOptions {
  readonly accept: Intake<Order, Accepted>
  readonly watch: Watch
  readonly store: Pick<Store, 'setGrant' | 'peers'>
  readonly keeper: RosterKeeper
  readonly rules: () => TrustRules
  readonly reload: () => Promise<void>
  readonly status: () => unknown
  readonly clock: Clock
  readonly stopping: AbortSignal
}

export const MAX_ORDERS_A_CALL = 500
const MAX_WAIT_MS = 24 * 60 * 60 * 1000

export const controlHandlers = (o: ControlOptions): Record<string, ControlHandler> => ({
  status: () => Promise.resolve(o.status()),
  send: async (params) => {
    if (o.stopping.aborted) throw new ControlError('stopping', 'the bridge is stopping', 'send again when it runs')
    const { orders } = params
    if (!Array.isArray(orders) || orders.length > MAX_ORDERS_A_CALL) {
      throw new ControlError('bad-request', `orders must be a list of at most ${MAX_ORDERS_A_CALL}`)
    }
    const answers = await o.accept(orders.map(readOrder))
    return answers.map((a) => (a.ok ? a.value : { refusal: a.refusal }))
  },
  wait: async (params, signal) => {
    const { ids, stage, timeout_ms: timeoutMs } = params
    if (!Array.isArray(ids) || ids.length > 10_000 || !ids.every((id) => typeof id === 'string' && isHex32(id))) {
      throw new ControlError('bad-request', 'ids must be a list of at most 10,000 message ids')
    }
    const settled = stage === 'stored' ? isStored : isDone
    const ms = typeof timeoutMs === 'number' && timeoutMs >= 0 ? Math.min(timeoutMs, MAX_WAIT_MS) : 30_000
    const states = await o.watch.until(ids as MessageId[], settled, ms, AbortSignal.any([signal, o.stopping]))
    return ids.map((id) => {
      const deliveries = states.get(id as MessageId) ?? []
      // A message that is not here has come nowhere.
      const reached = deliveries.length > 0 && settled(deliveries)
      return { id, reached, failed: deliveries.some(isFailed), deliveries }
    })
  },
  'peers.approve': async (params) => grant(params, 'approved', o),
  'peers.block': async (params) => grant(params, 'blocked', o),
  reload: async () => {
    try {
      await o.reload()
    } catch (error) {
      throw new ControlError(
        'bad-config',
        error instanceof Error ? error.message : String(error),
        'the old one is still in use',
      )
    }
    return { generation: o.keeper.generation() }
  },
})

/** Of the peers alone: what the local daemon does is not the receiver's state. */
const ofPeers = (states: States): States => states.filter((s) => !s.to.startsWith('port:'))
const isFailed = (s: States[number]): boolean => s.state === 'dead' || s.state === 'undeliverable'
const isStored = (states: States): boolean =>
  ofPeers(states).every(
    (s) =>
      s.state === 'peer-stored' || s.state === 'done' || isFailed(s) || (s.to === 'gossip' && s.state === 'relay-ok'),
  )
const isDone = (states: States): boolean =>
  ofPeers(states).every((s) => s.state === 'done' || isFailed(s) || (s.to === 'gossip' && s.state === 'relay-ok'))

const grant = async (params: JsonObject, verdict: 'approved' | 'blocked', o: ControlOptions): Promise<unknown> => {
  const { peer } = params
  const key = typeof peer === 'string' ? findPeer(peer, o) : undefined
  if (key === undefined) {
    throw new ControlError(
      'unknown-peer',
      `no peer is known as ${typeof peer === 'string' ? peer.slice(0, 80) : 'that'}`,
      'ksp peers list shows who was seen; an npub is always taken',
    )
  }
  const id = o.store.peers().find((p) => p.key === key)?.info.id
  await o.store.setGrant({ key, verdict, at: o.clock.now(), ...(id === undefined ? {} : { id }) })
  await o.keeper.reconfigure(o.rules())
  return { key, verdict, ...(id === undefined ? {} : { id }), generation: o.keeper.generation() }
}

/** An npub, a hex key, or the Herm id of exactly one peer that was seen. */
const findPeer = (name: string, o: ControlOptions): Pubkey | undefined => {
  const key = keyOf(name)
  if (key !== undefined) return key
  const pinned = o.keeper.roster().keyOf(name as HermId)
  if (pinned !== undefined) return pinned
  const claiming = o.store.peers().filter((p) => p.info.id === name)
  if (claiming.length > 1) {
    throw new ControlError(
      'id-conflict',
      `${claiming.length} keys claim the Herm id ${name}`,
      'name the one you mean by its npub',
    )
  }
  return claiming[0]?.key
}

const readOrder = (raw: unknown): Order => {
  const bad = (what: string): ControlError => new ControlError('bad-request', `an order's ${what}`)
  if (typeof raw !== 'object' || raw === null) throw bad('form is an object')
  const r = raw as Record<string, unknown>
  const text = (name: string): string => {
    const value = r[name]
    if (typeof value !== 'string' || value === '') throw bad(`${name} is a text`)
    return value
  }
  const key = text('key')
  if (key.length > 200) throw bad('key has at most 200 characters')
  const to = r.to ?? []
  if (!Array.isArray(to) || !to.every((t) => typeof t === 'string')) throw bad('to is a list of keys or Herm ids')
  if (typeof r.payload !== 'object' || r.payload === null || Array.isArray(r.payload)) throw bad('payload is an object')
  return {
    kind: 'new',
    origin: 'cli',
    key: `cli:${key}`,
    to: to.map((t: string) => keyOf(t) ?? (t as HermId)),
    ...(r.kor === undefined ? {} : { kor: text('kor') }),
    type: text('type'),
    action: text('action'),
    ...(r.source_kor === undefined ? {} : { sourceKor: text('source_kor') }),
    payload: r.payload as JsonObject,
    public: r.public === true,
    deniable: r.deniable === true,
    ...(typeof r.valid_until === 'number' ? { validUntil: r.valid_until as UnixSec } : {}),
    ...(typeof r.request_receipt === 'boolean' ? { requestReceipt: r.request_receipt } : {}),
  }
}

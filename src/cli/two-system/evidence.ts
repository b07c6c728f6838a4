import { pairScope } from '../../core/decision.js'
import type { EventId, MessageId, Pubkey } from '../../core/types.js'
import { callDaemon } from '../../kapnetd/call.js'
import { systemClock } from '../../ops/system.js'
import type { Braid } from '../bridge-client.js'
import { CliError } from '../print.js'

/** What each step rests on, asked of the daemon and the stored braid themselves, not of the bridge; relays: witness.ts. */

const clock = systemClock()

export interface DaemonState {
  readonly session_id: string
  readonly mode: string
  readonly count: number
  readonly root: string
}

/** What a kapnetd says of itself and of its braid. */
export const daemonState = async (socket: string): Promise<DaemonState> => {
  const hello = await ask(socket, 'hello', { client: 'ksp test', version: '1' })
  const braid = await ask(socket, 'braid', {})
  return {
    session_id: String(hello.session_id),
    mode: String(hello.mode),
    count: Number(braid.count),
    root: String(braid.root),
  }
}

/** Which of these the daemon does not hold. */
export const daemonMissing = async (socket: string, ids: readonly MessageId[]): Promise<string[]> => {
  const missing: string[] = []
  for (let i = 0; i < ids.length; i += 500) {
    const answer = await ask(socket, 'has', { ids: ids.slice(i, i + 500) })
    if (Array.isArray(answer.missing)) missing.push(...answer.missing.map(String))
  }
  return missing
}

const ask = async (socket: string, method: string, params: object): Promise<Record<string, unknown>> => {
  const called = await callDaemon(socket, method, JSON.stringify(params))
  if ('error' in called)
    throw new CliError('kapnetd', called.error, { hint: 'start it, or mend local.kapnetd.socket in ksp.yaml' })
  return called.result as Record<string, unknown>
}

export interface Settled {
  /** The event in which we sent it last. */
  readonly sent: EventId | undefined
  /** The peer's receipt event of stage done. */
  readonly receipt: EventId | undefined
  /** Root and count of the shared scope, as the peer's receipt tells them. */
  readonly theirs: { readonly count: number; readonly root: string } | undefined
}

/** How a message came to `done` at a peer, read from its transitions. */
export const settledAt = (braid: Braid, id: MessageId, peer: Pubkey): Settled => {
  const steps = braid.show(id)?.deliveries.find((d) => d.to === peer)?.transitions ?? []
  const done = steps.findLast((t) => t.state === 'done')
  const told = steps.findLast((t) => t.reason?.startsWith('braid ') === true)?.reason?.split(' ')
  return {
    sent: steps.findLast((t) => t.state === 'relay-ok')?.event,
    receipt: done?.event,
    theirs: told === undefined ? undefined : { count: Number(told[1]), root: told[2] ?? '' },
  }
}

export const sharedRoot = (braid: Braid, me: Pubkey, peer: Pubkey): { root: string; count: number } =>
  braid.root(pairScope(me, peer))

/** Looks until `probe` finds something; a clear error that names what did not come when it does not. */
export const waitFor = async <T>(what: string, timeoutMs: number, probe: () => Promise<T | undefined>): Promise<T> => {
  const until = Date.now() + timeoutMs
  for (;;) {
    const found = await probe()
    if (found !== undefined) return found
    if (Date.now() > until) {
      throw new CliError('timeout', `${what}: it did not come within ${Math.round(timeoutMs / 1000)} s`, {
        hint: 'ksp status on both sides shows relays, trust and refusals',
      })
    }
    await clock.sleep(100)
  }
}

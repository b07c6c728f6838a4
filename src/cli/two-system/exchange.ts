import type { MessageId, Pubkey } from '../../core/types.js'
import type { ControlClient } from '../../ops/control-client.js'
import { callBridge, type Braid } from '../bridge-client.js'
import { CliError } from '../print.js'
import type { SampleTxxm } from './sample.js'

/** Messages from one Herm to another through its running bridge, and what became of them. */

const BATCH = 100

/** Queues them in order; resolves with their ids when all are durable. */
export const queueAll = async (
  client: ControlClient,
  to: Pubkey,
  txxms: readonly SampleTxxm[],
  key: string,
  onProgress: (queued: number) => void = () => undefined,
): Promise<MessageId[]> => {
  const ids: MessageId[] = []
  for (let i = 0; i < txxms.length; i += BATCH) {
    const orders = txxms.slice(i, i + BATCH).map((t, k) => ({ ...t, key: `${key}:${i + k}`, to: [to] }))
    const answers = (await callBridge(client, 'send', { orders })) as (
      { id: MessageId } | { refusal: { message: string } }
    )[]
    for (const answer of answers) {
      if ('refusal' in answer) throw new CliError('refused', answer.refusal.message)
      ids.push(answer.id)
    }
    onProgress(ids.length)
  }
  return ids
}

/** Resolves when every one is done at its peer, with the number that is. */
export const waitDone = async (
  client: ControlClient,
  ids: readonly MessageId[],
  timeoutMs: number,
  onProgress: (done: number) => void = () => undefined,
): Promise<number> => {
  const until = Date.now() + timeoutMs
  let done = 0
  for (let i = 0; i < ids.length; i += BATCH) {
    const states = (await callBridge(client, 'wait', {
      ids: ids.slice(i, i + BATCH),
      stage: 'done',
      timeout_ms: Math.max(0, until - Date.now()),
    })) as { reached: boolean; failed: boolean }[]
    done += states.filter((s) => s.reached && !s.failed).length
    onProgress(done)
  }
  return done
}

/** Sends one every `everyMs`, whatever becomes of the one before. */
export const queuePaced = async (
  client: ControlClient,
  to: Pubkey,
  txxms: readonly SampleTxxm[],
  key: string,
  everyMs: number,
): Promise<MessageId[]> => {
  const sent: Promise<MessageId[]>[] = []
  const start = Date.now()
  for (const [i, txxm] of txxms.entries()) {
    const wait = start + i * everyMs - Date.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    const queued = queueAll(client, to, [txxm], `${key}:${i}`)
    // Not lost: it is thrown below. Node ends a process for a rejection that nobody awaits yet.
    queued.catch(() => undefined)
    sent.push(queued)
  }
  return (await Promise.all(sent)).flat()
}

/** Milliseconds from "accepted at the sender" to "acknowledged by the receiver's kapnetd", both clocks being one. */
export const latencies = (from: Braid, to: Braid, ids: readonly MessageId[]): number[] =>
  ids.flatMap((id) => {
    const accepted = from.show(id)?.arrivedAt
    const there = to
      .show(id)
      ?.deliveries.find((d) => d.to === 'port:kapnetd')
      ?.transitions.find((t) => t.state === 'done')
    return accepted === undefined || there === undefined ? [] : [there.at - accepted]
  })

/** The value below which `fraction` of them lie; 0 of none. */
export const quantile = (values: readonly number[], fraction: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? 0
}

import type { LiveEvent, Subscriber } from '../live/subscriptions.js'

/** What is made of stored events for this connection, one after the other. */
export interface Job {
  run(): Promise<void>
  /** It threw. */
  fail(): void
}

export interface Subscription extends Subscriber {
  readonly id: string
  readonly head: string
  /** Makes its stored part. */
  readonly job: Job
  /** Commits up to this one are the stored part's; later ones are live. */
  fromSeq: number
  /** Live events that wait for the stored part to end; undefined from then on. */
  pending: LiveEvent[] | undefined
  ended: boolean
}

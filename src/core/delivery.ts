import type { DeliveryState } from './types.js'

/**
 * The state machine of a delivery (delivery.md), as the set of steps it allows. It exists because steps race: a receipt
 * that says `done` may be committed before our own `relay-ok`, and what the peer said must not be undone by what we
 * learnt earlier and wrote later.
 */

const OPEN: readonly DeliveryState[] = ['queued', 'retrying', 'relay-ok', 'undeliverable']
const FORWARD: readonly DeliveryState[] = ['peer-stored', 'done', 'dead']

const ALLOWED: Readonly<Record<DeliveryState, readonly DeliveryState[]>> = {
  queued: [...OPEN, ...FORWARD],
  retrying: [...OPEN, ...FORWARD],
  'relay-ok': [...OPEN, ...FORWARD],
  undeliverable: [...OPEN, ...FORWARD],
  // The peer holds it: it can only finish, wait longer, or be refused by the peer's own receipt.
  'peer-stored': ['peer-stored', 'done', 'dead'],
  // Late truth (a receipt) or the operator.
  dead: ['peer-stored', 'done', 'queued'],
  done: [],
}

/** Whether a delivery in state `from` may be moved to `to`. A move that may not is not applied. */
export const mayMove = (from: DeliveryState, to: DeliveryState): boolean => ALLOWED[from].includes(to)

/** Nothing more is to be done, unless somebody says otherwise later. */
export const isFinal = (state: DeliveryState): boolean => state === 'done' || state === 'dead'

export const DELIVERY_STATES = Object.keys(ALLOWED) as readonly DeliveryState[]

import { describe, expect, it } from 'vitest'
import { DELIVERY_STATES, isFinal, mayMove } from '../../../src/core/delivery.js'
import type { DeliveryState } from '../../../src/core/types.js'

/** Row by row the whole machine: from, and everything it may become. */
const MACHINE: [DeliveryState, DeliveryState[]][] = [
  ['queued', ['queued', 'retrying', 'relay-ok', 'undeliverable', 'peer-stored', 'done', 'dead']],
  ['retrying', ['queued', 'retrying', 'relay-ok', 'undeliverable', 'peer-stored', 'done', 'dead']],
  ['relay-ok', ['queued', 'retrying', 'relay-ok', 'undeliverable', 'peer-stored', 'done', 'dead']],
  ['undeliverable', ['queued', 'retrying', 'relay-ok', 'undeliverable', 'peer-stored', 'done', 'dead']],
  ['peer-stored', ['peer-stored', 'done', 'dead']],
  ['dead', ['peer-stored', 'done', 'queued']],
  ['done', []],
]

describe('the states of a delivery', () => {
  it.each(MACHINE)('lets %s become only what it may', (from, allowed) => {
    const reachable = DELIVERY_STATES.filter((to) => mayMove(from, to))

    expect([...reachable].sort()).toEqual([...allowed].sort())
  })

  it('holds every state', () => {
    expect([...DELIVERY_STATES].sort()).toEqual(MACHINE.map(([from]) => from).sort())
  })

  it('calls done and dead final and nothing else', () => {
    expect(DELIVERY_STATES.filter(isFinal).sort()).toEqual(['dead', 'done'])
  })
})

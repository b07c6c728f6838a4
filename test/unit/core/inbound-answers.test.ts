import { describe, expect, it } from 'vitest'
import type { KnownMessage, View } from '../../../src/core/decision.js'
import type { Carried, InboundContext } from '../../../src/core/inbound.js'
import { answerKnown } from '../../../src/core/inbound-answers.js'
import type { UnixMs } from '../../../src/core/types.js'
import { ALICE, event, hex, WITH_ALICE } from '../store/build.js'

const carried = {
  event: { id: event('again') },
  carrier: ALICE,
  confidential: true,
  toUs: true,
} as Carried
const ctx = { now: 0 as UnixMs, roster: { standing: () => ({ receipts: true }) } } as unknown as InboundContext
const known = (parts: Partial<KnownMessage>): KnownMessage => ({
  id: hex('message'),
  author: ALICE,
  kind: 'strand',
  stage: 'stored',
  rejected: false,
  scopes: [WITH_ALICE],
  ...parts,
})

/** What is answered to one more event with a known message, after so many answers. */
const answer = (asked: number, parts: Partial<KnownMessage> = {}): string | undefined => {
  const view = { answered: () => ({ count: asked, event: event('before') }) } as unknown as View
  const { receipts, marks, fresh } = answerKnown(carried, known(parts), ALICE, view, ctx)
  expect(fresh).toBe(false)
  expect(marks).toEqual([{ id: carried.event.id }])
  const [receipt] = receipts ?? []
  return receipt && [receipt.status, receipt.stage ?? receipt.code].join(' ')
}

describe('a new event with a message that is known', () => {
  it('gets one answer with the present stage, at most 20 times while the message waits', () => {
    expect(answer(0)).toBe('duplicate stored')
    expect(answer(19)).toBe('duplicate stored')
    expect(answer(20)).toBeUndefined()
  })

  it('still learns of the end of a message that waited longer than that, within a bound too', () => {
    expect(answer(20, { stage: 'done' })).toBe('duplicate done')
    expect(answer(39, { stage: 'done' })).toBe('duplicate done')
    expect(answer(40, { stage: 'done' })).toBeUndefined()
    expect(answer(39, { stage: 'done', rejected: true })).toBe('rejected local-rejected')
    expect(answer(40, { stage: 'done', rejected: true })).toBeUndefined()
  })
})

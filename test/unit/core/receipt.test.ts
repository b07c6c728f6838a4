import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { OwedReceipt } from '../../../src/core/decision.js'
import { readContent, writeEnvelope } from '../../../src/core/envelope.js'
import type { Txxm } from '../../../src/core/envelope-types.js'
import { receiptBody } from '../../../src/core/receipt.js'
import { strandOf } from '../../../src/core/strand.js'
import { utf8Length } from '../../../src/core/text.js'
import type { EventId, MessageId } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { ALICE, event, hex, ME, START } from '../store/build.js'

const owed = (n: number, over: Partial<OwedReceipt> = {}): OwedReceipt => ({
  to: ALICE,
  event: event(`e${n}`),
  ref: hex<MessageId>(`m${n}`),
  status: 'accepted',
  stage: 'done',
  at: (START + 999) as never,
  dueAt: START,
  confidential: true,
  ...over,
})
const bodyOf = (receipts: OwedReceipt[]): ReturnType<typeof receiptBody> => {
  let n = 0
  return receiptBody(
    receipts,
    ME,
    ALICE,
    () => String(n++),
    (r) => (r.event === event('e0') ? { root: hex('root'), count: 5 } : undefined),
    nodeHashes,
  )
}
const read = (receipts: OwedReceipt[]): unknown => {
  const content = readContent(writeEnvelope({ type: 'receipt', ...bodyOf(receipts) }), nodeHashes)
  if (!content.ok || content.value.type !== 'receipt') throw new Error('not a receipt')
  return content.value.body
}

describe('receipts on the wire', () => {
  it('are what any receiver reads as such, one alone or a hundred', () => {
    expect(bodyOf([owed(1)]).bodyKey).toBe('receipt')
    expect(bodyOf([owed(1), owed(2)]).bodyKey).toBe('receipts')
    for (const count of [1, 2, 100]) {
      const list = read(Array.from({ length: count }, (_, n) => owed(n))) as { event: EventId }[]
      expect(list.map((r) => r.event)).toEqual(Array.from({ length: count }, (_, n) => event(`e${n}`)))
    }
  })

  it('say what became of which message, to whom, in whole seconds, each with a nonce of its own', () => {
    expect(
      read([owed(0), owed(1, { status: 'rejected', code: 'expired', message: 'too late', stage: undefined } as never)]),
    ).toEqual([
      {
        event: event('e0'),
        ref: hex('m0'),
        status: 'accepted',
        stage: 'done',
        at: START / 1000,
        braid: { root: hex('root'), count: 5 },
        sender: ME,
        nonce: '0',
        audience: [ALICE],
      },
      {
        event: event('e1'),
        ref: hex('m1'),
        status: 'rejected',
        code: 'expired',
        message: 'too late',
        at: START / 1000,
        sender: ME,
        nonce: '1',
        audience: [ALICE],
      },
    ])
  })
})

describe('a strand’s columns', () => {
  it('come from its body; its parents are its causal ones alone', () => {
    const body = {
      type: 'signal',
      action: 'a',
      target_kor: 't.kor',
      source_kor: 's.kor',
      payload: {},
      valid_until: 9,
      dependencies: [
        { kind: 'causal-parent', hash: hex('p') },
        { kind: 'state-root', hash: hex('q') },
      ],
    } as unknown as Txxm
    expect(strandOf(hex<MessageId>('m'), ALICE, body, 'text')).toEqual({
      id: hex('m'),
      author: ALICE,
      type: 'signal',
      action: 'a',
      targetKor: 't.kor',
      sourceKor: 's.kor',
      createdAt: 0,
      validUntil: 9,
      body: 'text',
      parents: [hex('p')],
    })
  })
})

describe('the length of a text', () => {
  it('is that of its UTF-8 form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Length(text)).toBe(Buffer.byteLength(text))
      }),
    )
    for (const text of ['', 'a', 'é', '\u07ff', '\u0800', '世', '\uffff', '😀', 'a😀é世']) {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text))
    }
  })
})

import { canonical } from './canonical.js'
import type { OwedReceipt } from './decision.js'
import type { Receipt } from './envelope-types.js'
import type { Hashes } from './hashes.js'
import type { Hex32, JsonValue, Pubkey } from './types.js'
import { toSec } from './types.js'

/** Receipts to one peer as the body of one envelope (wire.md 2.4). */
export interface ReceiptBody {
  readonly bodyKey: 'receipt' | 'receipts'
  readonly bodyText: string
  readonly sha256: Hex32
}

export const MAX_RECEIPTS_AN_ENVELOPE = 100

/** `owed` are 1-100 receipts to `to`; `nonce` gives each its own random u64; `braid` the present root of a scope. */
export const receiptBody = (
  owed: readonly OwedReceipt[],
  me: Pubkey,
  to: Pubkey,
  nonce: () => string,
  braid: (receipt: OwedReceipt) => { root: Hex32; count: number } | undefined,
  hashes: Hashes,
): ReceiptBody => {
  const bodies = owed.map((receipt): Receipt => {
    const now = braid(receipt)
    return {
      event: receipt.event,
      ...(receipt.ref === undefined ? {} : { ref: receipt.ref }),
      status: receipt.status,
      ...(receipt.stage === undefined ? {} : { stage: receipt.stage }),
      ...(receipt.code === undefined ? {} : { code: receipt.code }),
      ...(receipt.message === undefined ? {} : { message: receipt.message }),
      at: toSec(receipt.at),
      ...(now === undefined ? {} : { braid: now }),
      sender: me,
      nonce: nonce(),
      audience: [to],
    }
  })
  const single = bodies.length === 1
  const bodyText = canonical((single ? bodies[0] : bodies) as unknown as JsonValue)
  return { bodyKey: single ? 'receipt' : 'receipts', bodyText, sha256: hashes.sha256Hex(bodyText) }
}

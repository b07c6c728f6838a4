import { REFUSAL_CODES, type RefusalCode } from '../core/refusal.js'

/** What was counted since the process started; shown by `ksp status`. Every refusal is counted exactly once. */
export interface Tally {
  refused(code: RefusalCode): void
  count(what: Counted, by?: number): void
  read(): { refusals: Record<RefusalCode, number>; counts: Record<Counted, number> }
}

export const COUNTED = [
  'arrived',
  'taken',
  'known',
  'ignored',
  'accepted',
  'receipts_in',
  'receipts_out',
  'sent',
] as const
export type Counted = (typeof COUNTED)[number]

export const createTally = (): Tally => {
  const refusals = Object.fromEntries(REFUSAL_CODES.map((c) => [c, 0])) as Record<RefusalCode, number>
  const counts = Object.fromEntries(COUNTED.map((c) => [c, 0])) as Record<Counted, number>
  return {
    refused: (code) => {
      refusals[code]++
    },
    count: (what, by = 1) => {
      counts[what] += by
    },
    read: () => ({ refusals: { ...refusals }, counts: { ...counts } }),
  }
}

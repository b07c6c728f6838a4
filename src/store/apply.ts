import type { Decision, OwedReceipt } from '../core/decision.js'
import type { UnixMs } from '../core/types.js'
import type { Tables } from './tables.js'

/**
 * Writes a whole Decision. The order matters: the message comes before what points to it, and what is owed before its moves.
 * Applying the same decision again changes nothing but the counts of receipts.
 */
export const apply = (d: Decision, tables: Tables, now: UnixMs): void => {
  for (const mark of d.marks ?? []) tables.marks.set(mark)
  if (d.refusal === undefined) applyTaken(d, tables, now)
  for (const receipt of d.receipts ?? []) applyReceipt(receipt, tables)
}

const applyTaken = (d: Decision, tables: Tables, now: UnixMs): void => {
  if (d.strand !== undefined) tables.strands.put(d.strand, now)
  if (d.row !== undefined) tables.messages.insertRow(d.row, now)
  for (const owed of d.owes ?? []) tables.deliveries.owe(owed, now)
  for (const move of d.moves ?? []) tables.deliveries.move(move)
  for (const answer of d.answers ?? []) tables.answers.set(answer)
  if (d.orderKey !== undefined) tables.orderKeys.set(d.orderKey.key, d.orderKey.message)
  if (d.peer !== undefined) tables.peers.see(d.peer)
  if (d.pin !== undefined) tables.peers.pin(d.pin.id, d.pin.key)
}

const applyReceipt = (r: OwedReceipt, tables: Tables): void => {
  if (tables.receipts.owe(r) && r.ref !== undefined) tables.answers.count(r.ref, r.to, r.event, r.confidential)
}

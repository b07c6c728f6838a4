import type { NewStrand } from './decision.js'
import type { Txxm } from './envelope-types.js'
import type { MessageId, Pubkey } from './types.js'

/** The columns of a strand that come from its body; the same for what we send and for what we receive. */
export const strandOf = (
  id: MessageId,
  author: Pubkey,
  body: Txxm,
  bodyText: string,
): Omit<NewStrand, 'attestation' | 'event' | 'confidential' | 'origin' | 'carrier' | 'road' | 'scopes'> => ({
  id,
  author,
  type: body.type,
  action: body.action,
  targetKor: body.target_kor,
  sourceKor: body.source_kor,
  createdAt: body.created_at ?? 0,
  ...(body.valid_until === undefined ? {} : { validUntil: body.valid_until }),
  body: bodyText,
  parents: (body.dependencies ?? []).filter((d) => d.kind === 'causal-parent').map((d) => d.hash as MessageId),
})

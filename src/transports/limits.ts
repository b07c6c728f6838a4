import type { BackoffLimits } from '../core/backoff.js'
import { MAX_SEALED_BYTES } from '../core/wire.js'
import type { InboxOptions } from './inbox.js'
import type { LinkOptions } from './link.js'
import type { ReadLimits } from './subscriptions.js'

/** Everything about a relay connection that has a number. */
export interface Limits extends ReadLimits {
  /** Of an event's JSON that comes in. */
  readonly maxEventBytes: number
  /** Of an event's JSON that goes out. */
  readonly maxOutgoingBytes: number
  /** A longer frame is not read. */
  readonly maxFrameBytes: number
  /** A longer frame can't even be skipped: it ends the connection each time. */
  readonly maxSkippedBytes: number
  readonly okTimeoutMs: number
  readonly reconnect: BackoffLimits
  /** After a Fault of the intake. */
  readonly intakeRetry: BackoffLimits
  readonly link: Pick<LinkOptions, 'connectTimeoutMs' | 'pingAfterMs' | 'pongTimeoutMs' | 'maxBufferedBytes'>
  readonly inbox: Pick<InboxOptions, 'maxItems' | 'maxBytes' | 'maxBatch'>
}

const MIB = 1024 * 1024

export const DEFAULT_LIMITS: Limits = {
  maxEventBytes: MIB,
  maxOutgoingBytes: MIB,
  maxFrameBytes: 2 * MIB,
  maxSkippedBytes: 32 * MIB,
  okTimeoutMs: 10_000,
  reconnect: { minMs: 1_000, maxMs: 60_000 },
  intakeRetry: { minMs: 500, maxMs: 60_000 },
  link: { connectTimeoutMs: 15_000, pingAfterMs: 30_000, pongTimeoutMs: 10_000, maxBufferedBytes: MIB },
  inbox: { maxItems: 1_024, maxBytes: 8 * MIB, maxBatch: 256 },
  outboxMaxAgeMs: 7 * 24 * 60 * 60 * 1_000,
  overlapMs: 60 * 60 * 1_000,
  pageSize: 500,
  maxPages: 2_000,
  silenceMs: 15_000,
  pageRetry: { minMs: 1_000, maxMs: 30_000 },
  roundRetry: { minMs: 2_000, maxMs: 15 * 60 * 1_000 },
}

/** Tags, key, signature and id around a content. */
const AROUND_CONTENT_BYTES = 8 * 1024

/**
 * What must pass so that an envelope of this size does, in and out: as the content of an event it may be written twice as
 * long (JSON in JSON), and sealed it is longer by a third. A list of receipts passes whatever the size of a message.
 */
export const limitsFor = (
  maxEnvelopeBytes: number,
): Pick<Limits, 'maxEventBytes' | 'maxOutgoingBytes' | 'maxFrameBytes'> => {
  const maxEventBytes = 2 * Math.max(maxEnvelopeBytes, MAX_SEALED_BYTES) + AROUND_CONTENT_BYTES
  return {
    maxEventBytes,
    maxOutgoingBytes: maxEventBytes,
    maxFrameBytes: Math.max(DEFAULT_LIMITS.maxFrameBytes, maxEventBytes + AROUND_CONTENT_BYTES),
  }
}

/** Every number that bounds what a client can make the relay do. What NIP-11 has a word for is told there (document.ts). */
export interface RelayLimits {
  /** Open connections; one more is answered 503. */
  readonly maxConnections: number
  /** Open TCP connections from one address, or one IPv6 network of 64 bits. Loopback has no such limit: a proxy is there. */
  readonly maxConnectionsPerAddress: number
  /** One message from a client. A longer one is answered and not read; one of twice the length ends the connection. */
  readonly maxMessageBytes: number
  readonly maxSubscriptions: number
  readonly maxFilters: number
  /** Values in all lists of all filters of one REQ: each may cost an index probe. */
  readonly maxFilterValues: number
  /** Keys that may authenticate on one connection. */
  readonly maxAuthedKeys: number
  /** Memory for the filters of what is asked and not yet answered or closed: of one connection, and of all. */
  readonly maxAskBytes: number
  readonly maxAskBytesInAll: number
  /** REQs, COUNTs, NEG-OPENs and AUTHs that one connection may send in a second; ten times as many at once. 0: any number. */
  readonly maxReqsPerSec: number
  readonly maxCountsPerSec: number
  readonly maxSyncsPerSec: number
  readonly maxAuthsPerSec: number
  /** REQs, COUNTs and NEG-OPENs of one authenticated key, on all its connections together, in the same way. */
  readonly maxAsksPerSecOfKey: number
  /** Messages in vain (toll.ts), in the same way. Beyond, the connection is not read for a while. */
  readonly maxTroublePerSec: number
  /** COUNTs and syncs of one connection that wait for their turn, with its REQs. */
  readonly maxQueuedJobs: number
  /** NIP-77: comparisons open on one connection, events in one and in all of them (40 bytes each), bytes of our messages. */
  readonly maxSyncs: number
  readonly maxSyncItems: number
  readonly maxSyncItemsInAll: number
  readonly maxSyncFrameBytes: number
  /** Stored events for one filter, also where it names no limit. */
  readonly maxLimit: number
  readonly maxEventTags: number
  /** Unicode characters, as NIP-11 counts them. */
  readonly maxContentChars: number
  /** How far `created_at` may be ahead of our clock. */
  readonly maxFutureSec: number
  /** What may wait in memory for one client to read it. Beyond, the client is cut off. */
  readonly maxBufferedBytes: number
  /** The same for all clients together. Beyond, whoever holds most is cut off. */
  readonly maxBufferedBytesInAll: number
  /** Live events that may wait for one subscription's stored part to end. Beyond, it is CLOSED. */
  readonly maxPendingLive: number
  /** Events of one connection that have no answer yet. At this many, no more is read from it. */
  readonly maxInFlightEvents: number
  readonly maxInFlightBytes: number
  /** The same for all connections together. Beyond, events are answered `rate-limited:`. */
  readonly maxQueuedEvents: number
  readonly maxQueuedBytes: number
  /** Events that one connection may send, and of one author that are taken, in a second; ten times as many at once. 0: any number. */
  readonly maxEventsPerSec: number
  readonly maxEventsPerSecOfKey: number
  /** From the TCP connection to the end of the handshake, or of an HTTP request. */
  readonly handshakeTimeoutMs: number
  /** From the first byte of a message to its last. */
  readonly messageTimeoutMs: number
  /** A client that answers no ping for this long is gone. */
  readonly pingIntervalMs: number
  readonly stopDeadlineMs: number
}

export const DEFAULT_LIMITS: RelayLimits = {
  maxConnections: 1_000,
  maxConnectionsPerAddress: 100,
  maxMessageBytes: 1024 * 1024,
  maxSubscriptions: 64,
  maxFilters: 16,
  maxFilterValues: 2_000,
  maxAuthedKeys: 64,
  maxAskBytes: 8 * 1024 * 1024,
  maxAskBytesInAll: 128 * 1024 * 1024,
  maxReqsPerSec: 200,
  maxCountsPerSec: 50,
  maxSyncsPerSec: 20,
  maxAuthsPerSec: 20,
  maxAsksPerSecOfKey: 500,
  maxTroublePerSec: 100,
  maxQueuedJobs: 128,
  maxSyncs: 8,
  maxSyncItems: 500_000,
  maxSyncItemsInAll: 2_000_000,
  maxSyncFrameBytes: 128 * 1024,
  maxLimit: 5_000,
  maxEventTags: 2_000,
  maxContentChars: 768 * 1024,
  maxFutureSec: 3_600,
  maxBufferedBytes: 16 * 1024 * 1024,
  maxBufferedBytesInAll: 128 * 1024 * 1024,
  maxPendingLive: 10_000,
  maxInFlightEvents: 256,
  maxInFlightBytes: 4 * 1024 * 1024,
  maxQueuedEvents: 20_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  maxEventsPerSec: 0,
  maxEventsPerSecOfKey: 0,
  handshakeTimeoutMs: 10_000,
  messageTimeoutMs: 60_000,
  pingIntervalMs: 30_000,
  stopDeadlineMs: 5_000,
}

/** NIP-01. */
export const MAX_SUBSCRIPTION_ID_CHARS = 64

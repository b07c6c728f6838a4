import { openMetrics } from '../../src/ops/metrics.js'
import type { Metrics } from '../../src/ops/metrics.js'
import { ASKS } from './meters.js'
import type { Meters } from './meters.js'

/** What is asked when somebody reads the metrics, rather than counted as it happens. */
export interface Gauges {
  /** Live subscriptions of all connections. */
  readonly subscriptions: () => number
  readonly storedEvents: () => number
  /** Undefined for a file that is not there. */
  readonly fileBytes: () => Readonly<Record<'database' | 'wal', number | undefined>>
  readonly bufferedBytes: () => number
  readonly traffic: () => Readonly<Record<'received' | 'sent', number>>
  readonly residentBytes: () => number
  /** Of the event loop since the last time, in seconds. */
  readonly loopLag: () => Readonly<Record<string, number>>
  readonly startedAtSec: number
}

/** Every number of the relay with its name and its meaning: the one place where they are named (docs/metrics.md). */
export const exposeRelay = (meters: Meters, gauges: Gauges): Metrics => {
  const metrics = openMetrics()
  const { counter, counters, gauge, histogram } = metrics
  const { messages, events, verify, commit, asks, sent, clients, removed, management } = meters

  counter('ksp_relay_messages_received_total', 'Messages of clients.', () => messages.received)
  counter(
    'ksp_relay_messages_refused_total',
    'Messages that could not be read, were too long, or asked for one subscription too many.',
    () => messages.refused,
  )

  counter('ksp_relay_events_received_total', 'EVENT messages that could be read.', () => events.received)
  counter('ksp_relay_events_accepted_total', 'Events answered OK true, but for duplicates.', () => events.accepted)
  counter('ksp_relay_events_duplicate_total', 'Events answered OK true with duplicate:.', () => events.duplicates)
  counter('ksp_relay_events_ephemeral_total', 'Accepted events passed on and not stored.', () => events.ephemeral)
  counters('ksp_relay_events_refused_total', 'Events answered OK false.', 'prefix', () => events.refused)
  counters('ksp_relay_events_sent_total', 'Events sent to subscriptions.', 'from', () => sent)
  counters('ksp_relay_events_removed_total', 'Events taken off the disk.', 'reason', () => removed)
  gauge('ksp_relay_events_stored', 'Events on the disk; at most half a minute old.', gauges.storedEvents)

  for (const ask of ASKS) {
    const name = ask.toUpperCase()
    counter(`ksp_relay_${ask}_total`, `${name} messages that could be read.`, () => asks[ask].received)
    counters(`ksp_relay_${ask}_refused_total`, `Refusals of ${name}.`, 'prefix', () => asks[ask].refused)
  }

  counter('ksp_relay_signatures_checked_total', 'Signatures of events checked.', () => verify.checked)
  counter('ksp_relay_signatures_failed_total', 'Signatures of events that did not hold.', () => verify.failed)
  histogram('ksp_relay_verify_batch_events', 'Signatures checked together.', verify.batch)
  histogram('ksp_relay_commit_batch_events', 'Events written in one commit.', commit.batch)
  histogram('ksp_relay_commit_seconds', 'How long a commit took, until it was on the disk.', commit.seconds)
  counter('ksp_relay_commits_failed_total', 'Commits that failed; nothing of them was written.', () => commit.failed)
  gauge('ksp_relay_writable', '1 while the file takes writes.', () => Number(commit.writable))

  gauge('ksp_relay_clients', 'Clients connected.', () => clients.connected)
  counters('ksp_relay_clients_turned_away_total', 'Connections not taken.', 'reason', () => clients.turnedAway)
  counters('ksp_relay_clients_cut_off_total', 'Connections that the relay ended.', 'reason', () => clients.cutOff)
  gauge('ksp_relay_subscriptions', 'Subscriptions that are live.', gauges.subscriptions)
  counters('ksp_relay_bytes_total', 'Bytes on the TCP connections of clients.', 'direction', gauges.traffic)
  gauge('ksp_relay_buffered_bytes', 'Bytes that wait for clients to read them.', gauges.bufferedBytes)

  counter('ksp_relay_management_total', 'Calls of management that were answered (NIP-86).', () => management.answered)
  counter('ksp_relay_management_refused_total', 'Calls of management not allowed.', () => management.refused)

  metrics.gauges('ksp_relay_file_bytes', 'Bytes of the database and of its WAL.', 'file', gauges.fileBytes)
  gauge('ksp_relay_resident_bytes', 'Memory of the process.', gauges.residentBytes)
  metrics.gauges(
    'ksp_relay_loop_lag_seconds',
    'How late the event loop was since the last time this was read.',
    'quantile',
    gauges.loopLag,
  )
  gauge('ksp_relay_started_seconds', 'When the relay started, in Unix time.', () => gauges.startedAtSec)
  return metrics
}

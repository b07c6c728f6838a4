import type { Database } from 'better-sqlite3'
import type { PeerInfo } from '../core/decision.js'
import type { NodeInfo } from '../core/envelope-types.js'
import type { EventId, HermId, Pubkey, RelayUrl, UnixMs, UnixSec } from '../core/types.js'
import type { Grant } from '../ports.js'
import { idBlob, present, toHex } from './columns.js'

/** Who is there: the newest node-info of each key, which key holds which Herm id, and what the operator said of them. */
export interface Peers {
  readonly get: (key: Pubkey) => PeerInfo | undefined
  readonly all: () => PeerInfo[]
  /** An older node-info than the one that is kept is a replay and ignored. */
  readonly see: (peer: PeerInfo) => void
  readonly pinned: (id: HermId) => Pubkey | undefined
  readonly pins: () => { id: HermId; key: Pubkey }[]
  /** Ignored where the id is pinned. */
  readonly pin: (id: HermId, key: Pubkey) => void
  readonly grants: () => Grant[]
  readonly setGrant: (grant: Grant) => void
}

interface PeerRow {
  readonly key: Buffer
  readonly created_at: UnixSec
  readonly expires_at: UnixSec | null
  readonly seen_at: UnixMs
  readonly event: Buffer
  readonly relay: RelayUrl | null
  readonly info: string
}

interface GrantRow {
  readonly key: Buffer
  readonly verdict: Grant['verdict']
  readonly id: HermId | null
  readonly at: UnixMs
}

/** Anyone may advertise; memory and disk are ours. */
export const MAX_PEERS = 10_000

const peerOf = (row: PeerRow): PeerInfo =>
  present({
    key: toHex<Pubkey>(row.key),
    info: JSON.parse(row.info) as NodeInfo,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    event: toHex<EventId>(row.event),
    relay: row.relay,
    seenAt: row.seen_at,
  })

export const createPeers = (db: Database, maxPeers = MAX_PEERS): Peers => {
  const select = db.prepare<[Buffer], PeerRow>('SELECT * FROM peers WHERE key = ?')
  const selectAll = db.prepare<[], PeerRow>('SELECT * FROM peers ORDER BY seen_at')
  // Of two made in the same second NIP-01 keeps the one with the lower id, so that all who saw both hold the same.
  const upsert = db.prepare(
    `INSERT INTO peers VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
     SET created_at = excluded.created_at, expires_at = excluded.expires_at, seen_at = excluded.seen_at,
       event = excluded.event, relay = excluded.relay, info = excluded.info
     WHERE excluded.created_at > created_at OR (excluded.created_at = created_at AND excluded.event <= event)`,
  )
  const count = db.prepare<[], number>('SELECT count(*) FROM peers').pluck()
  const dropOldest = db.prepare(
    `DELETE FROM peers WHERE key = (SELECT key FROM peers p
       WHERE NOT EXISTS (SELECT 1 FROM pins WHERE pins.key = p.key)
       AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.key = p.key AND verdict = 'approved')
       ORDER BY seen_at LIMIT 1)`,
  )
  const selectPin = db.prepare<[string], Buffer>('SELECT key FROM pins WHERE id = ?').pluck()
  const selectPins = db.prepare<[], { id: HermId; key: Buffer }>('SELECT id, key FROM pins')
  const insertPin = db.prepare<[string, Buffer]>('INSERT INTO pins VALUES (?, ?) ON CONFLICT DO NOTHING')
  const selectGrants = db.prepare<[], GrantRow>('SELECT * FROM grants ORDER BY at')
  const upsertGrant = db.prepare<[Buffer, string, string | null, number]>(
    `INSERT INTO grants VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
     SET verdict = excluded.verdict, id = excluded.id, at = excluded.at`,
  )

  return {
    get: (key) => {
      const row = select.get(idBlob(key))
      return row === undefined ? undefined : peerOf(row)
    },
    all: () => selectAll.all().map(peerOf),
    see: (p) => {
      const key = idBlob(p.key)
      const known = select.get(key) !== undefined
      upsert.run(
        ...[key, p.createdAt, p.expiresAt ?? null, p.seenAt, idBlob(p.event), p.relay ?? null],
        JSON.stringify(p.info),
      )
      if (!known && (count.get() ?? 0) > maxPeers) dropOldest.run()
    },
    pinned: (id) => {
      const key = selectPin.get(id)
      return key === undefined ? undefined : toHex<Pubkey>(key)
    },
    pins: () => selectPins.all().map(({ id, key }) => ({ id, key: toHex(key) })),
    pin: (id, key) => {
      insertPin.run(id, idBlob(key))
    },
    grants: () =>
      selectGrants
        .all()
        .map((row) => present({ key: toHex<Pubkey>(row.key), verdict: row.verdict, id: row.id, at: row.at })),
    setGrant: (grant) => {
      upsertGrant.run(idBlob(grant.key), grant.verdict, grant.id ?? null, grant.at)
    },
  }
}

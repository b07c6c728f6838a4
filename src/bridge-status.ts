import type { Config } from './config.js'
import { npubOf } from './core/nodeinfo.js'
import type { HermId, Pubkey, UnixMs } from './core/types.js'
import type { RosterKeeper } from './pipeline/roster-keeper.js'
import type { Tally } from './pipeline/tally.js'
import type { CryptoEngine, LocalPort, PortStatus, RelayStatus, Store, StoreCounts, Transport } from './ports.js'

/** What `ksp status` shows of a running bridge. */
export interface BridgeStatus {
  readonly running: true
  readonly id: HermId
  readonly npub: string
  readonly version: string
  readonly pid: number
  readonly uptime_s: number
  readonly rss_mb: number
  readonly engine: string
  /** The file of the native engine; why no faster engine is in use, where there is one. */
  readonly engine_library?: string
  readonly engine_reason?: string
  readonly generation: number
  /** Only where a test has moved the clock. */
  readonly test_clock_offset_s?: number
  readonly relays: RelayStatus[]
  readonly ports: PortStatus[]
  readonly peers: PeerStatus[]
  readonly conflicts: string[]
  readonly deliveries: StoreCounts['deliveries']
  readonly receipts_owed: number
  readonly braid: { readonly strands: number; readonly scopes: StoreCounts['scopes'] }
  readonly refusals: Record<string, number>
  readonly counts: Record<string, number>
}

export interface PeerStatus {
  readonly id?: HermId
  readonly key: Pubkey
  readonly npub: string
  readonly trusted: boolean
  readonly why: string
  readonly status: string
  readonly fresh: boolean
}

export interface BridgeStatusOptions {
  readonly config: Config
  readonly me: Pubkey
  readonly version: string
  readonly clockOffsetMs: number
  readonly engine: CryptoEngine
  readonly store: Pick<Store, 'counts'>
  readonly keeper: RosterKeeper
  readonly transport: Pick<Transport, 'status'>
  readonly ports: readonly LocalPort[]
  readonly tally: Tally
  readonly conflicts: ReadonlyMap<string, string>
  readonly now: UnixMs
}

export const bridgeStatus = (o: BridgeStatusOptions): BridgeStatus => {
  const roster = o.keeper.roster()
  const counts = o.store.counts()
  const { refusals, counts: counted } = o.tally.read()
  return {
    running: true,
    id: o.config.id,
    npub: npubOf(o.me),
    version: o.version,
    pid: process.pid,
    uptime_s: Math.round(process.uptime()),
    rss_mb: Math.round(process.memoryUsage.rss() / 1024 / 1024),
    engine: o.engine.name,
    ...(o.engine.library === undefined ? {} : { engine_library: o.engine.library }),
    ...(o.engine.reason === undefined ? {} : { engine_reason: o.engine.reason }),
    generation: o.keeper.generation(),
    ...(o.clockOffsetMs === 0 ? {} : { test_clock_offset_s: o.clockOffsetMs / 1000 }),
    relays: o.transport.status(),
    ports: o.ports.map((p) => p.status()),
    peers: roster.trustedKeys().map((key) => {
      const standing = roster.standing(key)
      return {
        ...(standing.hermId === undefined ? {} : { id: standing.hermId }),
        key,
        npub: npubOf(key),
        trusted: standing.trusted,
        why: standing.why,
        status: roster.infoOf(key)?.info.status ?? 'unseen',
        fresh: roster.isFresh(key, o.now),
      }
    }),
    conflicts: [...o.conflicts.keys()],
    deliveries: counts.deliveries,
    receipts_owed: counts.receiptsOwed,
    braid: { strands: counts.strands, scopes: counts.scopes },
    refusals,
    counts: counted,
  }
}

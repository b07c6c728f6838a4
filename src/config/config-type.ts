import type { PeerRule, TrustMode } from '../core/peers.js'
import type { HermId, KorName, RelayUrl, Road } from '../core/types.js'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface RelayConfig {
  readonly url: RelayUrl
  readonly roads: readonly Road[]
  readonly read: boolean
  readonly write: boolean
}

/** What ksp.yaml, the environment and the flags come to. Frozen, whole, and checked: nobody checks it again. */
export interface Config {
  /** Absolute. */
  readonly file: string
  /** The folder of `file`: what relative paths in it are relative to. */
  readonly dir: string
  readonly dataDir: string
  readonly id: HermId
  readonly korNamespaces: readonly KorName[]
  readonly identity: { readonly keystore: string; readonly key: string; readonly passphraseFile?: string }
  readonly relays: readonly RelayConfig[]
  readonly privateRelay?: {
    readonly host: string
    readonly port: number
    readonly db: string
    readonly publicUrl?: RelayUrl
    /** Only we and our trusted peers may write and read. */
    readonly onlyTrusted: boolean
    /** Options of the relay itself, by their name in ksp.yaml: as it takes them, an empty text for a switch. */
    readonly options: Readonly<Record<string, readonly string[]>>
  }
  readonly trust: { readonly mode: TrustMode; readonly peers: readonly PeerRule[] }
  readonly local: {
    readonly kapnetd?: {
      readonly socket: string
      readonly methods?: Readonly<Record<string, string>>
      readonly fields?: Readonly<Record<string, string>>
    }
  }
  readonly advertise: { readonly intervalMs: number; readonly expireMs: number; readonly endpoint?: RelayUrl }
  readonly limits: {
    readonly maxEnvelopeBytes: number
    readonly outboxMaxAgeMs: number
    readonly peerRatePerSecond: number
  }
  readonly delivery: {
    readonly receiptTimeoutMs: number
    readonly backoffMinMs: number
    readonly backoffMaxMs: number
    readonly triesPerRoad: number
  }
  readonly allowPrivateEndpoints: boolean
  readonly crypto: { readonly engine: 'auto' | 'native' | 'wasm' | 'js' }
  readonly log: { readonly level: LogLevel }
}

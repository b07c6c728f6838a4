/**
 * The library: the wire contract as functions, and the bridge as a part of another program. The command `ksp` is made of the
 * same. Whatever is not named here may change without notice.
 */

// Words and values.
export { toMs, toSec } from './core/types.js'
export type {
  EventId,
  EventTemplate,
  HermId,
  Hex32,
  JsonObject,
  JsonValue,
  KorName,
  MessageId,
  NostrEvent,
  Proof,
  Pubkey,
  RelayUrl,
  Road,
  UnixMs,
  UnixSec,
} from './core/types.js'
export { isRetriable, ok, REFUSAL_CODES, refuse, rememberRefusal } from './core/refusal.js'
export type { Refusal, RefusalCode, Result } from './core/refusal.js'
export { Fault } from './core/fault.js'

// The wire contract: pure, hash functions come in.
export { canonical, parseJson } from './core/canonical.js'
export { checkBody, readContent, writeEnvelope } from './core/envelope.js'
export type {
  Attestation,
  BodyType,
  Content,
  Envelope,
  NodeInfo,
  Receipt,
  Task,
  TaskResult,
  Txxm,
} from './core/envelope-types.js'
export { attestationOf, attestationProof, attestationTemplate } from './core/attestation.js'
export { checkEventShape, eventId, proofOf, serializeEvent, tagValue, tagValues } from './core/event.js'
export { matches, matchesAny, parseFilter } from './core/match.js'
export type { Filter } from './core/match.js'
export { checkTags, txxmTags, WIRE_KIND, WIRE_KINDS } from './core/tags.js'
export { checkNodeInfo, keyOf, nodeInfoTemplate, npubOf } from './core/nodeinfo.js'
export { korServes, longestKor, namespaceId, normalKor } from './core/kor.js'
export { addToLanes, emptyLanes, LANE_BYTES, rootOfLanes } from './core/roothash.js'
export { decodeKapTxxm, encodeKapTxxm, kapObjectId, kapPreimage } from './core/kap.js'
export type { KapFields, KapTxxm } from './core/kap.js'
export { toKap } from './core/to-kap.js'
export { join, split } from './core/fragment.js'
export type { Hashes } from './core/hashes.js'

// Engines.
export { nodeHashes } from './crypto/hashes.js'
export { openEngine } from './crypto/engine.js'
export type { EngineChoice } from './crypto/engine.js'
export { engineVerifier } from './crypto/verify.js'
export { nip44 } from './crypto/nip44.js'
export { localSigner } from './identity/local-signer.js'
export type { LocalSigner } from './identity/local-signer.js'

// The bridge.
export { loadConfig, readConfig, ConfigError } from './config.js'
export type { Config } from './config.js'
export { AlreadyRunning, openBridge } from './bridge.js'
export type { Bridge, BridgeOptions } from './bridge.js'
export { openLog } from './ops/log.js'
export { systemClock, systemRandom } from './ops/system.js'
export type { Clock, CryptoEngine, Log, Nip44, Random, Signer, Verifier } from './ports.js'

import type { BodyType } from './envelope-types.js'

/** The fixed words and numbers of the wire contract; `kinds/registry.json` holds the same. */

/** Member `kapnet` of every content that we write. Informative: `version` decides. */
export const KAPNET_RELEASE = '0.2.0'
/** Member `version`. */
export const WIRE_VERSION = 1

/** Kind of every event that we write on a public relay: NIP-78, for public relays give the Kapnet numbers other meanings. */
export const WIRE_KIND = 30078

/**
 * Kind by envelope type on a public and on a private relay (kap.md). A heartbeat has no number of its own; it is talk
 * between Herms, as braid sync is, and shares its kind.
 */
export const WIRE_KINDS: { readonly public: number; readonly private: Readonly<Record<BodyType, number>> } = {
  public: WIRE_KIND,
  private: {
    'txxm-envelope': 30000,
    'task-envelope': 30001,
    'task-result': 30002,
    receipt: 30003,
    fragment: 30004,
    knot: 30300,
    braid: 30500,
    heartbeat: 30500,
  },
}

/** What NIP-44 encrypts at once, in bytes. */
export const MAX_SEALED_BYTES = 65_535

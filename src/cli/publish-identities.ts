import { connect } from 'node:net'
import { openEngine } from '../crypto/engine.js'
import { nip44 } from '../crypto/nip44.js'
import { nodeInfoOf, socketPath, type Config } from '../config.js'
import { toSec, type NostrEvent, type RelayUrl, type UnixMs, type UnixSec } from '../core/types.js'
import type { Keystore } from '../identity/keystore.js'
import { localSigner, type LocalSigner } from '../identity/local-signer.js'
import { identityTemplates } from '../identity/profiles.js'
import { publishEvents, type PublishRow } from '../identity/publish.js'
import { systemRandom } from '../ops/system.js'
import { relayAccess } from './relay-access.js'
import { kspVersion } from './version.js'

/** Makes the events that tell who the keys of a keystore are, and publishes them. */

export interface IdentityEvents {
  readonly name: string
  readonly signer: LocalSigner
  readonly events: readonly NostrEvent[]
}

export interface SignOptions {
  readonly keystore: Keystore
  readonly names: readonly string[]
  /** Asked for at most once, and only where a key needs it. */
  readonly passphrase: () => Promise<string | undefined>
  /** Where the events go. What they say is taken from `config` where there is one. */
  readonly relays: readonly RelayUrl[]
  readonly config?: Config
  readonly kinds?: ReadonlySet<number>
}

/** Rejects with an IdentityError as soon as one key can't be had; then nothing was signed in vain. */
export const signIdentities = async (options: SignOptions): Promise<IdentityEvents[]> => {
  const { keystore, config, kinds } = options
  const entries = options.names.map((name) => keystore.find(name))
  const passphrase = entries.some((entry) => entry.kept === 'ncryptsec') ? await options.passphrase() : undefined
  const engine = await openEngine(config?.crypto.engine)
  const running = config !== undefined && (await isRunning(socketPath(config)))
  const now = toSec(Date.now() as UnixMs)
  const everywhere = options.relays.map((url) => ({ url, read: true, write: true }))
  const relays = config === undefined || config.relays.length === 0 ? everywhere : config.relays
  const dmRelays =
    config === undefined ? options.relays : config.relays.filter((r) => r.roads.includes('dm')).map((r) => r.url)

  const all: IdentityEvents[] = []
  for (const { name, role, pubkey } of entries) {
    const secret = keystore.unlock(name, passphrase)
    const signer = localSigner(secret, engine, nip44, systemRandom)
    secret.fill(0)
    const isHerm = config !== undefined && role === 'herm' && name === config.identity.key
    const about = role === 'herm' ? 'A host of agents, reached through KSP.' : undefined
    const templates = identityTemplates(
      {
        name,
        ...(about === undefined ? {} : { about }),
        relays,
        dmRelays,
        ...(isHerm
          ? {
              nodeInfo: {
                // Nobody is told that a Herm is there that is not.
                info: nodeInfoOf(config, pubkey, running ? 'active' : 'offline', kspVersion()),
                expiresAt: (now + Math.ceil(config.advertise.expireMs / 1000)) as UnixSec,
              },
            }
          : {}),
      },
      now,
    )
    const wanted = templates.filter((template) => kinds === undefined || kinds.has(template.kind))
    const events: NostrEvent[] = []
    for (const template of wanted) events.push(await signer.signEvent(template))
    all.push({ name, signer, events })
  }
  return all
}

export interface NamedRow extends PublishRow {
  readonly name: string
}

/** Each key has connections of its own, since a relay may want to know whose they are. Some at a time: one relay that
 * hangs must not hold up the whole fleet, nor sixteen keys storm a relay at once. */
const KEYS_AT_A_TIME = 8

/** Publishes everything to every relay; rows in the order of the keys. The signers are of no use afterwards. */
export const publishIdentities = async (
  identities: readonly IdentityEvents[],
  relays: readonly RelayUrl[],
  onRow: (row: NamedRow) => void,
): Promise<NamedRow[]> => {
  const rows: NamedRow[] = []
  for (let i = 0; i < identities.length; i += KEYS_AT_A_TIME) {
    const some = identities.slice(i, i + KEYS_AT_A_TIME)
    for (const made of await Promise.all(some.map((identity) => publishOne(identity, relays)))) {
      made.forEach(onRow)
      rows.push(...made)
    }
  }
  return rows
}

const publishOne = async (identity: IdentityEvents, relays: readonly RelayUrl[]): Promise<NamedRow[]> => {
  const { name, signer, events } = identity
  try {
    const rows = await publishEvents(events, relays, relayAccess(signer))
    return rows.map((row) => ({ name, ...row }))
  } finally {
    signer.wipe()
  }
}

/** Whether a bridge answers on its socket. */
const isRunning = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HermId, Pubkey, RelayUrl } from '../../core/types.js'
import { keyOf } from '../../core/nodeinfo.js'
import { openKeystore } from '../../identity/keystore.js'
import { startKsp, type Child } from '../../ops/child.js'

/**
 * Herms, their daemons and a relay as processes of their own, on loopback, with fresh keys in one folder: what the demo,
 * `ksp test two-system --role both` and the end-to-end tests run on. Each part can be ended and started again by itself.
 */
export interface Part {
  readonly name: string
  /** Undefined while it is down. */
  readonly child: Child | undefined
  /** Resolves when the part has said that it is ready. */
  readonly start: () => Promise<void>
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>
}

export interface RelayPart extends Part {
  readonly url: RelayUrl
}

export interface HermPart {
  readonly id: HermId
  readonly dir: string
  readonly config: string
  readonly npub: string
  readonly key: Pubkey
  readonly kapnetdSocket: string
  readonly kapnetdDb: string
  readonly braid: string
  readonly kapnetd: Part
  readonly bridge: Part
}

const part = (name: string, launch: () => Child): Part => {
  let child: Child | undefined
  return {
    name,
    get child() {
      return child
    },
    start: async () => {
      if (child !== undefined) return
      const started = launch()
      child = started
      await started.line(/^ready\b/)
    },
    stop: async (signal = 'SIGTERM') => {
      const running = child
      child = undefined
      await running?.stop(signal)
    },
  }
}

/** A relay on a port of its own, the same one after every restart. `extra` are more arguments of `ksp relay`. */
export const startRelayPart = async (
  dir: string,
  name = 'relay',
  extra: readonly string[] = [],
): Promise<RelayPart> => {
  let listen = '127.0.0.1:0'
  const relay = part(name, () => startKsp(['relay', '--listen', listen, '--db', join(dir, `${name}.sqlite`), ...extra]))
  await relay.start()
  const ready = await relay.child?.line(/^ready ws:/)
  const url = ready?.split(' ')[1] ?? ''
  listen = new URL(url).host
  return {
    name,
    url: url.replace(/\/$/, '') as RelayUrl,
    get child() {
      return relay.child
    },
    start: relay.start,
    stop: relay.stop,
  }
}

export interface HermSettings {
  readonly id: string
  readonly relays: readonly string[]
  readonly kor?: readonly string[]
  /** Further lines of ksp.yaml. */
  readonly yaml?: string
  readonly kapnetd?: boolean
  readonly env?: Record<string, string>
}

/** Makes a Herm's folder with a new key by `ksp init`. Its `ksp.yaml` is written by `writeConfig` when the peers are known. */
export const makeHerm = async (root: string, settings: HermSettings): Promise<HermPart> => {
  const dir = join(root, settings.id)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const config = join(dir, 'ksp.yaml')
  if (!existsSync(config)) {
    const init = startKsp([
      'init',
      dir,
      '--id',
      settings.id,
      '--relay',
      settings.relays[0] ?? 'ws://127.0.0.1:1',
      '--yes',
    ])
    const { code } = await init.ended
    if (code !== 0) throw new Error(`ksp init failed: ${init.err.join(' | ')}`)
  }
  const { npub } = openKeystore(join(dir, 'keystore.json')).find(settings.id)
  const key = keyOf(npub)
  if (key === undefined) throw new Error(`the keystore of ${settings.id} holds no key`)
  const kapnetdSocket = join(dir, 'kapnetd.sock')
  const kapnetdDb = join(dir, 'kapnetd.sqlite')
  return {
    id: settings.id as HermId,
    dir,
    config,
    npub,
    key,
    kapnetdSocket,
    kapnetdDb,
    braid: join(dir, 'data', 'braid.sqlite'),
    kapnetd: part(`kapnetd of ${settings.id}`, () =>
      startKsp(['kapnetd', '--socket', kapnetdSocket, '--db', kapnetdDb, '--session', settings.id]),
    ),
    bridge: part(`bridge of ${settings.id}`, () =>
      startKsp(['run', '--config', config, ...(settings.env === undefined ? [] : ['--test-clock'])], {
        ...(settings.env === undefined ? {} : { env: settings.env }),
      }),
    ),
  }
}

/** Writes ksp.yaml with these peers trusted. */
export const writeConfig = (
  herm: Pick<HermPart, 'config' | 'id' | 'kapnetdSocket'>,
  settings: HermSettings,
  peers: readonly { readonly npub: string; readonly id?: string; readonly kor?: readonly string[] }[],
): void => {
  const kor = settings.kor ?? ['sys.pluronymous.org']
  const lines = [
    `id: ${settings.id}`,
    `kor_namespaces: [${kor.join(', ')}]`,
    `identity: { keystore: keystore.json, key: ${settings.id}, passphrase_file: passphrase }`,
    'relays:',
    ...settings.relays.map((url) => `  - { url: "${url}" }`),
    ...(peers.length === 0 ? [] : ['trust:', '  peers:']),
    ...peers.map((p) =>
      p.id === undefined
        ? `    - ${p.npub}`
        : `    - { key: ${p.npub}, id: ${p.id}${p.kor === undefined ? '' : `, kor: [${p.kor.join(', ')}]`} }`,
    ),
    ...(settings.kapnetd === false ? [] : ['local:', `  kapnetd: { socket: "${herm.kapnetdSocket}" }`]),
    ...(settings.yaml === undefined ? [] : [settings.yaml]),
  ]
  writeFileSync(herm.config, lines.join('\n') + '\n', { mode: 0o600 })
}

export interface Mesh {
  readonly dir: string
  readonly relay: RelayPart
  readonly a: HermPart
  readonly b: HermPart
  /** Ends every process and removes the folder, unless it is to be kept. */
  close(keep?: boolean): Promise<void>
}

/** A relay and two Herms that trust each other, made and written but with nothing but the relay started. */
export const makeMesh = async (
  dir: string,
  options: { relay?: RelayPart; a?: Partial<HermSettings>; b?: Partial<HermSettings> } = {},
): Promise<Mesh> => {
  const relay = options.relay ?? (await startRelayPart(dir))
  const settings = [
    { id: 'herm-qubes-alpha', relays: [relay.url], ...options.a },
    { id: 'herm-qubes-beta', relays: [relay.url], ...options.b },
  ] as const
  const [a, b] = await Promise.all([makeHerm(dir, settings[0]), makeHerm(dir, settings[1])]).catch(
    async (error: unknown) => {
      if (options.relay === undefined) await relay.stop()
      throw error
    },
  )
  writeConfig(a, settings[0], [{ npub: b.npub, id: b.id, kor: settings[1].kor ?? ['sys.pluronymous.org'] }])
  writeConfig(b, settings[1], [{ npub: a.npub, id: a.id, kor: settings[0].kor ?? ['sys.pluronymous.org'] }])
  const parts = [a.bridge, b.bridge, a.kapnetd, b.kapnetd, relay]
  return {
    dir,
    relay,
    a,
    b,
    close: async (keep = false) => {
      // Bridges first, all at once; then what they speak to.
      await Promise.all(parts.slice(0, 2).map((p) => p.stop()))
      await Promise.all(parts.slice(2).map((p) => p.stop()))
      if (!keep) rmSync(dir, { recursive: true, force: true })
    },
  }
}

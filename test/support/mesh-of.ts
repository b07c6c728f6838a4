import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  makeHerm,
  startRelayPart,
  writeConfig,
  type HermPart,
  type HermSettings,
  type RelayPart,
} from '../../src/cli/two-system/mesh.js'

/** A folder that is gone when the test is over. Made before the processes in it, so it goes after them. */
export const tempDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'ksp-e2e-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A relay of ours on a port of its own, ended with the test. */
export const relayIn = async (dir: string, name = 'relay', extra: readonly string[] = []): Promise<RelayPart> => {
  const relay = await startRelayPart(dir, name, extra)
  onTestFinished(() => relay.stop())
  return relay
}

export interface Member extends Partial<HermSettings> {
  readonly id: string
  /** What the others grant it; default: the namespaces that it serves. Null: it is trusted without any grant. */
  readonly granted?: readonly string[] | null
}

const SERVED = ['sys.pluronymous.org']

/** Herms that trust each other, made and written, with nothing started; what is started ends with the test. */
export const hermsIn = async (
  dir: string,
  relays: readonly string[],
  members: readonly Member[],
): Promise<HermPart[]> => {
  const settings = members.map((m): HermSettings => ({ relays, ...m }))
  const herms = await Promise.all(settings.map((s) => makeHerm(dir, s)))
  for (const [i, herm] of herms.entries()) {
    const own = settings[i]!
    const peers = members.flatMap((m, k) => {
      if (k === i) return []
      const granted = m.granted === undefined ? (m.kor ?? SERVED) : m.granted
      return [{ npub: herms[k]!.npub, id: m.id, ...(granted === null ? {} : { kor: granted }) }]
    })
    writeConfig(herm, own, peers)
  }
  onTestFinished(async () => {
    await Promise.all(herms.map((h) => h.bridge.stop()))
    await Promise.all(herms.map((h) => h.kapnetd.stop()))
  })
  return herms
}

/** Daemon first, then bridge, of each. */
export const startAll = async (herms: readonly HermPart[]): Promise<void> => {
  await Promise.all(herms.map((h) => h.kapnetd.start()))
  await Promise.all(herms.map((h) => h.bridge.start()))
}

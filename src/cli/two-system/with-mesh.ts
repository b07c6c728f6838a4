import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeMesh, type Mesh } from './mesh.js'

export interface MeshFolder {
  /** How the temporary folder's name begins. */
  readonly prefix: string
  /** Leave the folder. */
  readonly keep?: boolean
  readonly onFolder?: (dir: string) => void
}

const removed = (dir: string): void => rmSync(dir, { recursive: true, force: true, maxRetries: 3 })

/**
 * Two Herms in a temporary folder of their own, for as long as `use` takes. Ctrl-C and SIGTERM end the processes and
 * remove the folder, which holds keys, also while the Herms are still being made; then this process ends with 130.
 */
export const withMesh = async <T>(folder: MeshFolder, use: (mesh: Mesh) => Promise<T>): Promise<T> => {
  let interrupted: Promise<never> | undefined
  const interrupt = (): void => {
    // Never lost: it ends the process, whatever comes of the clean-up.
    interrupted ??= cleanUp().finally(() => process.exit(130)) as Promise<never>
  }
  // Before there is a folder: no moment in which a signal would leave it.
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const dir = mkdtempSync(join(tmpdir(), folder.prefix))
  folder.onFolder?.(dir)
  const making = makeMesh(dir)
  const cleanUp = async (): Promise<void> => {
    const mesh = await making.catch(() => undefined)
    await mesh?.close(folder.keep)
    if (folder.keep !== true) removed(dir)
  }
  try {
    return await use(await making)
  } catch (error) {
    // Its processes were ended under it: that is no finding of `use`.
    if (interrupted !== undefined) return await interrupted
    throw error
  } finally {
    await (interrupted ?? cleanUp())
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

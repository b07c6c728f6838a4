import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig, socketPath, type Config } from '../config.js'
import { Fault } from '../core/fault.js'
import { nodeHashes } from '../crypto/hashes.js'
import { connectControl, type ControlClient } from '../ops/control-client.js'
import { ControlError } from '../ops/control-server.js'
import { systemClock } from '../ops/system.js'
import type { BraidReader, Store } from '../ports.js'
import { openStore } from '../store/open.js'
import { CliError } from './print.js'

/** How a verb comes to the running bridge, or to what it has stored. */

export interface WhereOptions {
  readonly config?: string
  readonly json?: boolean
}

export const configOf = (options: WhereOptions): Config => readConfig(options.config).config

/** The running bridge of this configuration; a clear error where none runs. */
export const needBridge = async (config: Config): Promise<ControlClient> => {
  const client = await connectControl(socketPath(config))
  if (client !== undefined) return client
  throw new CliError('not-running', `no bridge runs on ${config.dataDir}`, {
    hint: `start it with: ksp run --config ${config.file}`,
  })
}

/** Calls a method of the running bridge; its errors become ours. */
export const callBridge = async (client: ControlClient, method: string, params: unknown = {}): Promise<unknown> => {
  try {
    return await client.call(method, params)
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    throw new CliError(error.code, error.message, { hint: error.hint ?? '' })
  }
}

export type Braid = Store & BraidReader

/** The stored braid, read beside a running bridge or without one. */
export const openBraid = (config: Config): Braid => {
  const file = join(config.dataDir, 'braid.sqlite')
  if (!existsSync(file)) {
    throw new CliError('no-braid', `there is no braid yet at ${file}`, {
      hint: `it is made by the first: ksp run --config ${config.file}`,
    })
  }
  try {
    return openStore(file, { clock: systemClock(), hashes: nodeHashes, readOnly: true })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new CliError('store', error.message)
  }
}

import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Config } from '../../config.js'
import { reasonOf } from '../../core/fault.js'
import { schemaVersion } from '../../store/migrate.js'
import { MIGRATIONS } from '../../store/schema.js'
import { doubt, fine, trouble, type Finding } from './finding.js'

/** The files of one Herm: where they are, who may read them, and whether there is room. Nothing is changed. */

const OTHERS = 0o077
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8).padStart(3, '0')

/** Undefined: nobody else may read it, and it is ours. */
const exposure = (path: string, safe: string): { found: string; advice: string } | undefined => {
  const { mode, uid } = statSync(path)
  const own = process.getuid?.()
  if ((mode & OTHERS) !== 0) {
    return { found: `${path} has mode ${modeOf(path)}: other users reach it`, advice: `run: chmod ${safe} ${path}` }
  }
  if (own !== undefined && own !== 0 && uid !== own) {
    return { found: `${path} belongs to user ${uid}, not to us (${own})`, advice: `run as user ${uid}, or chown it` }
  }
  return undefined
}

export const checkKeystore = ({ identity }: Config): Finding => {
  const { keystore } = identity
  if (!existsSync(keystore)) {
    return trouble('keystore', `there is none at ${keystore}`, 'make one with: ksp identity new, or ksp init')
  }
  const open = exposure(keystore, '600')
  return open === undefined
    ? fine('keystore', `${keystore}, mode ${modeOf(keystore)}`)
    : trouble('keystore', open.found, open.advice)
}

export const checkDataFolder = ({ dataDir, file }: Config): Finding => {
  if (!existsSync(dataDir)) return fine('data', `${dataDir} is not there yet: ksp run makes it`)
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch {
    return trouble('data', `${dataDir} can not be written by this user`, `chown it, or set data_dir in ${file}`)
  }
  const open = exposure(dataDir, '700')
  return open === undefined
    ? fine('data', `${dataDir}, mode ${modeOf(dataDir)}`)
    : doubt('data', open.found, open.advice)
}

const MIB = 1024 ** 2
const LITTLE_BYTES = 1_024 * MIB
const TOO_LITTLE_BYTES = 100 * MIB

export const checkDisk = ({ dataDir }: Pick<Config, 'dataDir'>): Finding => {
  let folder = dataDir
  while (!existsSync(folder)) folder = join(folder, '..')
  const { bavail, bsize } = statfsSync(folder)
  return judgeDisk(bavail * bsize, folder)
}

export const judgeDisk = (freeBytes: number, folder: string): Finding => {
  const found = `${Math.floor(freeBytes / MIB)} MiB free at ${folder}`
  const advice = 'make room, or set data_dir to another disk'
  if (freeBytes < TOO_LITTLE_BYTES) return trouble('disk', found, advice)
  return freeBytes < LITTLE_BYTES ? doubt('disk', found, advice) : fine('disk', found)
}

/** Reads beside a running bridge, as ksp status does. */
export const checkStore = ({ dataDir, file: config }: Config): Finding => {
  const file = join(dataDir, 'braid.sqlite')
  if (!existsSync(file)) return fine('store', `there is none yet at ${file}: ksp run makes it`)
  let db: Database.Database | undefined
  try {
    db = new Database(file, { readonly: true, fileMustExist: true })
    const version = schemaVersion(db, file)
    if (version < MIGRATIONS.length) {
      const found = `${file} has schema ${version} of ${MIGRATIONS.length}`
      return doubt('store', found, `start the bridge once to bring it up to date: ksp run --config ${config}`)
    }
    const open = exposure(file, '600')
    return open === undefined
      ? fine('store', `${file}, schema ${version}, mode ${modeOf(file)}`)
      : doubt('store', open.found, open.advice)
  } catch (error) {
    return trouble('store', `${file} does not open: ${reasonOf(error)}`, 'restore a backup (docs/deployment.md)')
  } finally {
    db?.close()
  }
}

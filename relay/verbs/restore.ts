import { existsSync, renameSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import Database from 'better-sqlite3'
import { Fault, reasonOf } from '../../src/core/fault.js'
import { isServed } from '../operator/at-work.js'
import {
  checkWhole,
  copyPrivately,
  folderOnDisk,
  headerFlaw,
  refuseToOverwrite,
  removeDatabase,
  removeSideFiles,
} from '../operator/whole-file.js'
import { DB, DEFAULT_DB, forceFlag, JSON_FLAG, verb } from './verb.js'

export const restore = verb({
  name: 'restore',
  summary: 'put a backup in the place of the file',
  words: { needed: ['FILE'] },
  about: `Puts a backup in the place of the relay's file, once it was found sound page by page. What was there is kept beside it
as FILE.before-restore. The relay must not run.`,
  options: { db: DB, force: forceFlag("replace the relay's file where there is one"), json: JSON_FLAG },
  example: 'ksp relay restore /backup/relay-2026-07-01.sqlite --db /var/lib/ksp/relay.sqlite --force',
  run: async ({ values, words: [name = ''], voice }) => {
    const backup = resolve(name)
    const target = resolve(values.db ?? DEFAULT_DB)
    if (!existsSync(backup)) throw new Fault('relay', `${name} does not exist`)
    if (statSync(backup).isDirectory()) {
      throw new Fault('relay', `${name} is a folder: name a file that ksp relay backup made`)
    }
    if (backup === target) throw new Fault('relay', `${name} is the relay's own file: name the backup`)
    const flaw = headerFlaw(backup)
    if (flaw !== undefined) throw new Fault('relay', `${name} ${flaw}: name a file that ksp relay backup made`)
    if ((statSync(`${backup}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) {
      throw new Fault('relay', `${name} has a -wal file beside it, so it is in use: copy it with ksp relay backup`)
    }
    refuseToOverwrite(target, values.force)
    if ((await isServed(target)) || isLocked(target)) {
      throw new Fault('relay', `another process has ${target} open: stop it first`)
    }

    const part = `${target}.restoring`
    removeDatabase(part)
    try {
      copyPrivately(backup, part)
      const sound = checkWhole(part)
      const kept = putInPlace(part, target)
      if (values.json) voice.print(JSON.stringify({ file: target, ...sound, ...(kept === undefined ? {} : { kept }) }))
      else {
        voice.print(`${target}: ${sound.events} events, ${sound.bytes} bytes, checked`)
        if (kept !== undefined) voice.print(`what was there is kept as ${kept}`)
      }
      return 0
    } catch (error) {
      removeDatabase(part)
      throw new Fault('relay', `nothing was restored: ${reasonOf(error)}`, { cause: error })
    }
  },
})

/** The log of the old file goes first: beside the new one it would be taken for the new one's. */
const putInPlace = (part: string, target: string): string | undefined => {
  const kept = existsSync(target) ? freeName(`${target}.before-restore`) : undefined
  if (kept !== undefined) {
    if (existsSync(`${target}-wal`)) renameSync(`${target}-wal`, `${kept}-wal`)
    renameSync(target, kept)
  }
  removeSideFiles(target)
  renameSync(part, target)
  folderOnDisk(target)
  return kept
}

const MAX_KEPT = 1_000

const freeName = (wanted: string): string => {
  for (let i = 1; i < MAX_KEPT; i++) {
    const name = i === 1 ? wanted : `${wanted}-${i}`
    if (!existsSync(name)) return name
  }
  throw new Fault('relay', `there are too many ${wanted}: remove some`)
}

/** Whatever else is wrong with the old file does not matter: it is to be replaced. */
const isLocked = (file: string): boolean => {
  if (!existsSync(file)) return false
  let db: Database.Database | undefined
  try {
    db = new Database(file, { readonly: true, timeout: 0 })
    db.pragma('user_version')
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY'
  } finally {
    db?.close()
  }
}

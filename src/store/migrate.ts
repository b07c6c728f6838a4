import type { Database } from 'better-sqlite3'
import { Fault } from '../core/fault.js'
import { APPLICATION_ID, MIGRATIONS } from './schema.js'

/** How many migrations a file has been through. Throws a Fault for a file that is not ours or is newer than this program. */
export const schemaVersion = (db: Database, file: string): number => {
  const version = db.pragma('user_version', { simple: true }) as number
  const owner = db.pragma('application_id', { simple: true }) as number
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number
  if (owner !== APPLICATION_ID && (owner !== 0 || tables > 0))
    throw new Fault('store', `${file} is a SQLite database of another program`)
  if (version > MIGRATIONS.length)
    throw new Fault(
      'store',
      `${file} has schema ${version}, this program knows ${MIGRATIONS.length}: it was written by a newer version; upgrade ksp`,
    )
  return version
}

/** Brings a file to the newest schema. Each migration is one transaction together with its version number. */
export const migrate = (db: Database, file: string): void => {
  for (let version = schemaVersion(db, file); version < MIGRATIONS.length; version++) {
    const sql = MIGRATIONS[version] ?? ''
    db.transaction(() => {
      db.pragma(`application_id = ${APPLICATION_ID}`)
      db.exec(sql)
      db.pragma(`user_version = ${version + 1}`)
    }).immediate()
  }
}

import { reasonOf } from '../../core/fault.js'
import { openEngine, type EngineChoice } from '../../crypto/engine.js'
import { doubt, fine, trouble, type Finding } from './finding.js'

/** What the program stands on: Node, an engine for signatures, SQLite. */

/** package.json, "engines". */
const OLDEST_NODE = [20, 19] as const

export const checkNode = (version = process.versions.node): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldMajor, oldMinor] = OLDEST_NODE
  const isOld = major < oldMajor || (major === oldMajor && minor < oldMinor)
  return isOld
    ? trouble('node', `Node ${version}`, `install Node ${oldMajor}.${oldMinor} or later`)
    : fine('node', `Node ${version}`)
}

export const checkEngine = async (choice: EngineChoice): Promise<Finding> => {
  try {
    const { name, library, reason } = await openEngine(choice)
    const found = `signatures by ${name}${library === undefined ? '' : ` (${library})`}`
    if (name === 'native') return fine('crypto', found)
    const why = reason === undefined ? found : `${found}: ${reason}`
    return choice === 'auto'
      ? doubt('crypto', why, 'for speed install libsecp256k1 of the system (docs/deployment.md)')
      : fine('crypto', why)
  } catch (error) {
    return trouble('crypto', reasonOf(error), 'crypto.engine: auto takes what works here')
  }
}

export const checkSqlite = async (): Promise<Finding> => {
  try {
    const { default: Database } = await import('better-sqlite3')
    const db = new Database(':memory:')
    const version = String(db.prepare('SELECT sqlite_version()').pluck().get())
    db.close()
    return fine('sqlite', `SQLite ${version} by better-sqlite3`)
  } catch (error) {
    return trouble('sqlite', `better-sqlite3 does not load: ${reasonOf(error)}`, 'run: npm rebuild better-sqlite3')
  }
}

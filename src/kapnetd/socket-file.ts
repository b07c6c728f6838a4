import { chmodSync, lstatSync, mkdirSync, statSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { Fault } from '../core/fault.js'

/** Who may open the socket may speak for this Herm: so it is the owner's alone, and so is its folder. */

/** The kernel's own limit is 104 bytes on macOS and 108 on Linux, and a longer path is cut without a word. */
export const MAX_SOCKET_PATH_BYTES = 100

/** Listens on `path` with mode 0600, replacing a socket file that nobody answers at. Rejects with a Fault that says what to do. */
export const listenAt = async (server: Server, path: string): Promise<void> => {
  makeFolder(dirname(path))
  await removeStale(path)
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void =>
      reject(new Fault('kapnetd', `cannot listen on ${path}: ${error.message}; check --socket`, { cause: error }))
    server.once('error', failed)
    // Between bind and chmod the file would be open to others. `listen` binds before it returns.
    const before = process.umask(0o177)
    server.listen(path, () => {
      server.off('error', failed)
      resolve()
    })
    process.umask(before)
  })
  chmodSync(path, 0o600)
}

const STICKY = 0o1000
const WRITABLE_BY_OTHERS = 0o022

const makeFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (thrown) {
    throw new Fault('kapnetd', `cannot make ${folder}: ${(thrown as Error).message}; check --socket`, { cause: thrown })
  }
  // Whoever may write there could put a socket of his own in our place. In a sticky folder, such as /tmp, he can't.
  const { mode } = statSync(folder)
  if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0)
    throw new Fault(
      'kapnetd',
      `${folder} can be written by others: run "chmod 700 ${folder}", or choose another --socket`,
    )
}

const removeStale = async (path: string): Promise<void> => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new Fault('kapnetd', `${path} is there and is no socket: choose another --socket`)
  if (await someoneAnswers(path))
    throw new Fault('kapnetd', `another kapnetd answers on ${path}: stop it, or choose another --socket`)
  unlinkSync(path)
}

const someoneAnswers = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false)
      else reject(new Fault('kapnetd', `cannot tell whether ${path} is in use: ${error.message}`, { cause: error }))
    })
  })

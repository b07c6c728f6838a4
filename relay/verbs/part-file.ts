import { lstat, open, readFile, rename, rm } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { Fault, reasonOf } from '../../src/core/fault.js'
import { folderOnDisk } from '../operator/whole-file.js'

/**
 * A file of lines that is written under another name, and gets its own when it is whole. How far it is stands in a small file
 * beside it, so that whoever was killed goes on there: what was written after that is cut off.
 */
export interface PartFile {
  /** Where to go on. */
  readonly reached: Reached
  append(text: string, reached: Omit<Reached, 'bytes'>): Promise<void>
  /** From the beginning again. */
  restart(): Promise<void>
  finish(): Promise<void>
  close(): Promise<void>
}

export interface Reached {
  readonly events: number
  /** Number and id of the last event that is in the file; 0 for none. */
  readonly after: number
  readonly was?: string
  readonly bytes: number
}

const START: Reached = { events: 0, after: 0, bytes: 0 }
/** Brought to the disk so often. */
const CHECKPOINT_BYTES = 8 * 1024 * 1024

/** `what` says what is written: a part of something else is not gone on with. */
export const openPartFile = async (target: string, what: string): Promise<PartFile> => {
  const part = `${target}.part`
  const mark = `${target}.part.json`
  let reached = await readMark(mark, part, what)
  const handle = await (reached.bytes > 0 ? open(part, 'r+') : openNew(part)).catch((error: unknown) => {
    throw new Fault('relay', `cannot write ${part}: ${reasonOf(error)}`, { cause: error })
  })
  await handle.chmod(0o600)
  await handle.truncate(reached.bytes)
  let marked = reached.bytes

  const checkpoint = async (): Promise<void> => {
    await handle.datasync()
    const fresh = await openNew(`${mark}.new`)
    await fresh.writeFile(JSON.stringify({ what, ...reached }))
    await fresh.sync()
    await fresh.close()
    await rename(`${mark}.new`, mark)
    marked = reached.bytes
  }

  return {
    get reached() {
      return reached
    },
    append: async (text, next) => {
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length;) {
        at += (await handle.write(bytes, at, bytes.length - at, reached.bytes + at)).bytesWritten
      }
      reached = { ...next, bytes: reached.bytes + bytes.length }
      if (reached.bytes - marked >= CHECKPOINT_BYTES) await checkpoint()
    },
    restart: async () => {
      reached = START
      marked = 0
      await rm(mark, { force: true })
      await handle.truncate(0)
    },
    finish: async () => {
      await handle.sync()
      await rename(part, target)
      await rm(mark, { force: true })
      folderOnDisk(target)
    },
    close: () => handle.close(),
  }
}

/**
 * In the place of whatever has that name: in a folder that others may write to it could be a link to another file of ours, or a
 * file of theirs, who would read what is written into it.
 */
const openNew = async (path: string): Promise<FileHandle> => {
  await rm(path, { force: true })
  return open(path, 'wx', 0o600)
}

const readMark = async (mark: string, part: string, what: string): Promise<Reached> => {
  try {
    const read = JSON.parse(await readFile(mark, 'utf8')) as Partial<Reached> & { what?: unknown }
    const { events, after, was, bytes } = read
    const isWhole = [events, after, bytes].every((n) => Number.isSafeInteger(n)) && typeof was === 'string'
    if (!isWhole || read.what !== what) return START
    const there = await lstat(part)
    const isOurs = there.isFile() && (process.getuid === undefined || there.uid === process.getuid())
    if (!isOurs || there.size < Number(bytes)) return START
    return { events: Number(events), after: Number(after), was, bytes: Number(bytes) }
  } catch {
    // Nothing to go on with, or nothing that can be trusted.
    return START
  }
}

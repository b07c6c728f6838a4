import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { FillName } from './relay-contestants.js'
import type { FillTask } from './relay-fill.js'
import type { Workplace } from './relay-workplace.js'
import { resultOf } from './relay-workplace.js'

/** The database files on which figures are taken. */
export interface Place {
  /** Events that it holds at first. */
  readonly stored: number
  /** It grows from figure to figure: events that were sent once are no news any more. */
  readonly grows: boolean
  /** Hands a file of that form to `use`, and takes it back. */
  within<T>(form: FillName, use: (db: string) => Promise<T>): Promise<T>
}

const remove = (db: string): void => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(db + suffix, { force: true })
}

export const emptyPlace = (workplace: Workplace): Place => ({
  stored: 0,
  grows: false,
  within: async (_, use) => {
    const db = workplace.newFile('empty.sqlite')
    try {
      return await use(db)
    } finally {
      remove(db)
    }
  },
})

/** Each figure has a copy of its own of a file that was filled once. */
export const copiedPlace = (workplace: Workplace, { rows, fileOf }: Filled): Place => ({
  stored: rows,
  grows: false,
  within: async (form, use) => {
    const db = workplace.newFile('copy.sqlite')
    copyFileSync(await fileOf(form), db)
    try {
      return await use(db)
    } finally {
      remove(db)
    }
  },
})

/** One file for all figures, for where copies would be gigabytes: what each adds is little beside what is there. */
export const sharedPlace = (workplace: Workplace, { rows, kept, fileOf }: Filled): Place => {
  const files = new Map<FillName, string>()
  return {
    stored: rows,
    grows: true,
    within: async (form, use) => {
      let file = files.get(form) ?? (await fileOf(form))
      if (kept && !files.has(form)) {
        const copy = workplace.newFile('large.sqlite')
        copyFileSync(file, copy)
        file = copy
      }
      files.set(form, file)
      return use(file)
    },
  }
}

/** Files with so many rows, filled when the first figure needs them. */
export interface Filled {
  readonly rows: number
  /** They stay when we end, and may not be changed. */
  readonly kept: boolean
  fileOf(form: FillName): Promise<string>
}

export const fillOnce = (
  workplace: Workplace,
  rows: number,
  stores: string | undefined,
  progress: (words: string) => void,
): Filled => {
  const files = new Map<FillName, string>()
  const fill = async (form: FillName): Promise<string> => {
    const db = workplace.newFile(`${form}.sqlite`)
    progress(`${form}: ${rows} events into a file`)
    await resultOf(workplace, form, { db, rows } satisfies FillTask)
    return db
  }
  const fillKept = async (form: FillName, folder: string): Promise<string> => {
    const file = join(folder, `${form}-${rows}.sqlite`)
    if (existsSync(file)) return file
    const filled = await fill(form)
    mkdirSync(folder, { recursive: true })
    // Whole or not at all, also where the other folder is on another disk.
    copyFileSync(filled, `${file}.part`)
    renameSync(`${file}.part`, file)
    remove(filled)
    return file
  }
  return {
    rows,
    kept: stores !== undefined,
    fileOf: async (form) => {
      const file = files.get(form) ?? (stores === undefined ? await fill(form) : await fillKept(form, stores))
      files.set(form, file)
      return file
    },
  }
}

import { copyFileSync, rmSync } from 'node:fs'
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
export const copiedPlace = (workplace: Workplace, rows: number, progress: (words: string) => void): Place => {
  const filled = fillOnce(workplace, rows, progress)
  return {
    stored: rows,
    grows: false,
    within: async (form, use) => {
      const db = workplace.newFile('copy.sqlite')
      copyFileSync(await filled(form), db)
      try {
        return await use(db)
      } finally {
        remove(db)
      }
    },
  }
}

/** One file for all figures, for where a copy would be gigabytes: what each adds is little beside what is there. */
export const sharedPlace = (workplace: Workplace, rows: number, progress: (words: string) => void): Place => {
  const filled = fillOnce(workplace, rows, progress)
  return { stored: rows, grows: true, within: async (form, use) => use(await filled(form)) }
}

const fillOnce = (
  workplace: Workplace,
  rows: number,
  progress: (words: string) => void,
): ((form: FillName) => Promise<string>) => {
  const files = new Map<FillName, string>()
  return async (form) => {
    const known = files.get(form)
    if (known !== undefined) return known
    const db = workplace.newFile(`${form}-${rows}.sqlite`)
    progress(`${form}: ${rows} events into a file`)
    await resultOf(workplace, form, { db, rows } satisfies FillTask)
    files.set(form, db)
    return db
  }
}

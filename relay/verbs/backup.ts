import { renameSync } from 'node:fs'
import { resolve } from 'node:path'
import { Fault, reasonOf } from '../../src/core/fault.js'
import { perform, refuseServed } from '../operator/at-work.js'
import {
  checkWhole,
  folderOnDisk,
  makePrivate,
  refuseOwnFile,
  refuseToOverwrite,
  removeDatabase,
  removeSideFiles,
} from '../operator/whole-file.js'
import { DB, DEFAULT_DB, forceFlag, JSON_FLAG, verb } from './verb.js'

export const backup = verb({
  name: 'backup',
  summary: 'copy the whole file, also while the relay runs',
  words: { needed: ['FILE'] },
  about: `Copies everything that the relay keeps: events, deletions, requests to vanish, bans. A running relay makes the copy
itself and goes on serving. The copy is checked page by page, is on the disk, and readable by its owner only, before it
gets its name. What a client was told is stored before the backup began is in it.`,
  options: { db: DB, force: forceFlag('replace FILE where it exists'), json: JSON_FLAG },
  example: 'ksp relay backup /backup/relay-$(date +%F).sqlite --db /var/lib/ksp/relay.sqlite',
  run: async ({ values, words: [name = ''], voice, signal }) => {
    const target = resolve(name)
    const part = `${target}.part`
    const began = performance.now()
    const db = resolve(values.db ?? DEFAULT_DB)
    for (const path of [target, part]) refuseOwnFile(path, db)
    refuseToOverwrite(target, values.force)
    await refuseServed(target)
    try {
      // Of a backup that was killed.
      removeDatabase(part)
      makePrivate(part)
    } catch (error) {
      throw new Fault('relay', `cannot make ${part}: ${reasonOf(error)}`, { cause: error })
    }
    try {
      const { online } = await perform('copy', {
        ...{ file: db, params: { to: part }, signal },
        take: (item) => {
          const { done, of } = item as { done: number; of: number }
          voice.progress(`${done} of ${of} pages`)
        },
      })
      voice.progress('checking the copy')
      const sound = checkWhole(part)
      removeSideFiles(target)
      renameSync(part, target)
      folderOnDisk(target)
      const ms = Math.round(performance.now() - began)
      if (values.json) voice.print(JSON.stringify({ file: target, ...sound, online, ms }))
      else voice.print(`${target}: ${sound.events} events, ${sound.bytes} bytes, checked, in ${ms} ms`)
      return 0
    } catch (error) {
      removeDatabase(part)
      throw error
    }
  },
})

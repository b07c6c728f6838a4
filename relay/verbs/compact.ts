import { perform } from '../operator/at-work.js'
import type { Shrunk } from '../operator/shrink.js'
import { DB, DEFAULT_DB, JSON_FLAG, verb } from './verb.js'

export const compact = verb({
  name: 'compact',
  summary: 'give room back to the disk',
  words: { needed: [] },
  about: `Gives room that is free inside the file back to the disk. Where no relay runs the file is written anew, dense and in
order, which needs as much room again meanwhile; a file of an older version then can shrink while the relay runs too. A
running relay gives its free pages back, a few at a time, and goes on serving.`,
  options: { db: DB, json: JSON_FLAG },
  example: 'ksp relay compact --db /var/lib/ksp/relay.sqlite',
  run: async ({ values, voice, signal }) => {
    const { result, online } = await perform('shrink', {
      ...{ file: values.db ?? DEFAULT_DB, signal },
      take: (item) => {
        const { done, of } = item as { done: number; of: number }
        voice.progress(`${done} of ${of} bytes`)
      },
    })
    const shrunk = result as Shrunk
    if (values.json) voice.print(JSON.stringify({ ...shrunk, online }))
    else {
      voice.print(`${shrunk.bytesBefore} bytes before, ${shrunk.bytesAfter} bytes after`)
      if (shrunk.converted) voice.print('from now on it gives room back while the relay runs')
    }
    return 0
  },
})

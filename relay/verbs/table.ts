import { backup } from './backup.js'
import { compact } from './compact.js'
import { exportEvents } from './export.js'
import { importEvents } from './import.js'
import { restore } from './restore.js'
import { stats } from './stats.js'
import type { Verb } from './verb.js'

/** The verbs of `ksp relay`, besides running it. Adding one: a file that makes it, and a row here. */
export const VERBS: Readonly<Record<string, Verb>> = {
  import: importEvents,
  export: exportEvents,
  backup,
  restore,
  stats,
  compact,
}

export const verbsHelp = (): string => {
  const width = Math.max(...Object.keys(VERBS).map((name) => name.length))
  const rows = Object.entries(VERBS).map(([name, { summary }]) => `  ksp relay ${name.padEnd(width)}  ${summary}`)
  return ['', 'Verbs for its file (--help tells more of each):', ...rows].join('\n')
}

import { Fault, reasonOf } from '../../src/core/fault.js'
import { optionsHelp } from '../options/help.js'
import { parseOptions } from '../options/parse.js'
import type { Words } from '../options/parse.js'
import { flag, open } from '../options/row.js'
import { file } from '../options/readers.js'
import type { Options, ValuesOf } from '../options/row.js'
import type { Voice } from '../voice.js'

/** A verb of `ksp relay`, such as `backup`. */
export interface Verb {
  readonly summary: string
  readonly usage: string
  readonly options: Options
  /** Resolves with the exit code: 0 done, 1 it failed, 2 wrong usage. */
  run(argv: readonly string[], voice: Voice, signal: AbortSignal): Promise<number>
}

export interface VerbParts<O extends Options> {
  readonly name: string
  readonly summary: string
  readonly words: Words
  readonly options: O
  /** What the help says below the first line. */
  readonly about: string
  readonly example: string
  run(given: {
    readonly values: ValuesOf<O>
    readonly words: readonly string[]
    readonly voice: Voice
    readonly signal: AbortSignal
  }): Promise<number>
}

export const verb = <const O extends Options>(parts: VerbParts<O>): Verb => {
  const { name, summary, words, options } = parts
  const usage = `usage: ksp relay ${[name, ...words.needed].join(' ')} [options]

${parts.about}

${optionsHelp(options)}

example: ${parts.example}
`
  return {
    summary,
    usage,
    options,
    run: async (argv, voice, signal) => {
      const parsed = parseOptions(options, argv, words)
      if (parsed.ok === 'help') {
        voice.print(usage.trimEnd())
        return 0
      }
      if (!parsed.ok) {
        voice.say(`${parsed.mistakes.join('; ')}; see ksp relay ${name} --help`)
        return 2
      }
      try {
        return await parts.run({ values: parsed.values, words: parsed.words, voice, signal })
      } catch (thrown) {
        voice.say(thrown instanceof Fault ? thrown.message : `failed: ${reasonOf(thrown)}`)
        return thrown instanceof Fault && thrown.area === 'options' ? 2 : 1
      }
    },
  }
}

const GROUP = 'Options'

/** Rows that more than one verb has. */
export const DB = open('FILE', file, { about: "the relay's file (default relay.sqlite)", group: GROUP })
export const DEFAULT_DB = 'relay.sqlite'
export const JSON_FLAG = flag({ about: 'print one JSON object at the end, and nothing else, on stdout', group: GROUP })
export const forceFlag = (about: string): ReturnType<typeof flag> => flag({ about, group: GROUP })
export const VERB_GROUP = GROUP

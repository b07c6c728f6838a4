import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OPTIONS, USAGE } from './options.js'
import { parseOptions } from './options/parse.js'
import { serve } from './verbs/serve.js'
import { VERBS, verbsHelp } from './verbs/table.js'
import { processVoice } from './voice.js'
import type { Voice } from './voice.js'

/** `ksp relay`: the bundled relay, a process of its own, and the verbs of whoever looks after its file. */

/** Resolves with the exit code: 0 done, 1 it failed, 2 wrong usage. */
export const runRelay = async (argv: readonly string[]): Promise<number> => {
  const voice = processVoice()
  const [word = '', ...rest] = argv
  const verb = Object.hasOwn(VERBS, word) ? VERBS[word] : undefined
  if (verb !== undefined) return untilInterrupted((signal) => verb.run(rest, voice, signal))
  return serveAs(word === 'serve' ? rest : argv, voice)
}

/** What runs when no verb is named. */
const serveAs = (argv: readonly string[], voice: Voice): number | Promise<number> => {
  const parsed = parseOptions(OPTIONS, argv)
  if (parsed.ok === 'help') {
    voice.print(USAGE.trimEnd())
    voice.print(verbsHelp())
    return 0
  }
  if (!parsed.ok) {
    const [word = ''] = argv
    const verbs = word === '' || word.startsWith('-') ? '' : `; the verbs are ${Object.keys(VERBS).join(', ')}`
    voice.say(`${parsed.mistakes.join('; ')}${verbs}; see ksp relay --help`)
    return 2
  }
  return serve(parsed.values, voice)
}

/** The first signal asks for an end in order; the second one is the system's. */
const untilInterrupted = async (run: (signal: AbortSignal) => Promise<number>): Promise<number> => {
  const interrupted = new AbortController()
  const stop = (): void => interrupted.abort()
  const signals = ['SIGTERM', 'SIGINT'] as const
  for (const signal of signals) process.once(signal, stop)
  try {
    return await run(interrupted.signal)
  } finally {
    for (const signal of signals) process.off(signal, stop)
  }
}

const isEntry = (): boolean => {
  const started = process.argv[1]
  if (started === undefined) return false
  try {
    return realpathSync(started) === fileURLToPath(import.meta.url)
  } catch {
    return false
  }
}

if (isEntry()) process.exitCode = await runRelay(process.argv.slice(2))

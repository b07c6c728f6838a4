import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Fault, reasonOf } from '../src/core/fault.js'
import { startRelay } from './index.js'
import { jsonLog } from './log.js'
import { OPTIONS, relayOptionsOf, USAGE } from './options.js'
import type { ServeValues } from './options.js'
import { parseOptions } from './options/parse.js'

/** `ksp relay`: the bundled relay, a process of its own. */

const say = (line: string): void => void process.stderr.write(`ksp relay: ${line}\n`)

/** Runs until it is told to stop. Resolves with the exit code: 0 done, 1 it failed, 2 wrong usage. */
export const runRelay = async (argv: readonly string[]): Promise<number> => {
  const parsed = parseOptions(OPTIONS, argv)
  if (parsed.ok === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  if (!parsed.ok) {
    say(`${parsed.mistakes.join('; ')}; see ksp relay --help`)
    return 2
  }
  return serve(parsed.values)
}

const serve = async (values: ServeValues): Promise<number> => {
  const told = untilTold(values['exit-with-parent'])
  try {
    const relay = await startRelay({ ...relayOptionsOf(values), log: jsonLog() })
    process.stdout.write(`ready ${relay.url}\n`)
    const reload = (): void => relay.reload()
    process.on('SIGHUP', reload)
    await told.promise
    process.off('SIGHUP', reload)
    await relay.close()
    return 0
  } catch (thrown) {
    say(thrown instanceof Fault ? thrown.message : `failed: ${reasonOf(thrown)}`)
    return 1
  } finally {
    told.forget()
  }
}

/** Resolves at SIGTERM or SIGINT, and with `withParent` when the parent's end of our IPC channel, or else of stdin, closes. */
const untilTold = (withParent: boolean): { promise: Promise<void>; forget: () => void } => {
  const signals = ['SIGTERM', 'SIGINT'] as const
  let stop: () => void = () => undefined
  const promise = new Promise<void>((resolve) => {
    stop = resolve
  })
  const onSignal = (): void => stop()
  for (const signal of signals) process.on(signal, onSignal)
  const byChannel = withParent && process.connected
  const byStdin = withParent && !byChannel
  if (byChannel) process.once('disconnect', onSignal)
  if (byStdin) {
    process.stdin.once('end', onSignal).once('close', onSignal).once('error', onSignal)
    process.stdin.resume()
  }
  return {
    promise,
    forget: () => {
      for (const signal of signals) process.off(signal, onSignal)
      if (byChannel) process.off('disconnect', onSignal)
      if (byStdin) process.stdin.destroy()
    },
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

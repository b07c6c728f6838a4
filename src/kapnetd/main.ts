import { existsSync, realpathSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Fault, reasonOf } from '../core/fault.js'
import { readArguments, USAGE, type Command } from './arguments.js'
import { callDaemon } from './call.js'
import { nodeHashes } from './hashes.js'
import { startServer } from './server.js'
import { openStore, type Store } from './store.js'

/** `ksp kapnetd`: the reference daemon, a process of its own. The bridge knows it only through its socket. */

/** Of this daemon, as `hello` tells it; the same as the package's. */
export const KAPNETD_VERSION = '0.1.0'

const say = (line: string): void => void process.stderr.write(`kapnetd: ${line}\n`)

/** Runs until SIGTERM or SIGINT. Resolves with the exit code: 0 done, 1 it failed, 2 wrong usage. */
export const runKapnetd = async (argv: readonly string[]): Promise<number> => {
  const command = readArguments(argv, process.env)
  switch (command.verb) {
    case 'help':
      process.stdout.write(USAGE)
      return 0
    case 'wrong':
      say(`${command.reason}; see ksp kapnetd --help`)
      return 2
    case 'call':
      return call(command)
    case 'serve':
      return serve(command)
  }
}

const call = async ({ socket, method, params }: Extract<Command, { verb: 'call' }>): Promise<number> => {
  const called = await callDaemon(socket, method, params === '-' ? await text(process.stdin) : params)
  if ('error' in called) {
    say(called.error)
    return 1
  }
  process.stdout.write(JSON.stringify(called.result) + '\n')
  return 0
}

const serve = async (command: Extract<Command, { verb: 'serve' }>): Promise<number> => {
  const stopped = untilSignal()
  let store: Store | undefined
  try {
    // First, for its lock: of two daemons on one file the second never touches the first one's socket.
    store = openStore(command.db, nodeHashes)
    const { session: sessionId, networkId, mode } = command
    const facts = { sessionId, version: KAPNETD_VERSION, networkId, mode }
    const server = await startServer({ socket: command.socket, store, hashes: nodeHashes, facts, say })
    process.stdout.write(`ready ${command.socket}\n`)
    await stopped.promise
    await server.stop()
    return 0
  } catch (thrown) {
    say(thrown instanceof Fault ? thrown.message : `failed: ${reasonOf(thrown)}`)
    return 1
  } finally {
    store?.close()
    stopped.forget()
  }
}

const untilSignal = (): { promise: Promise<void>; forget: () => void } => {
  const signals = ['SIGTERM', 'SIGINT'] as const
  let stop: () => void = () => undefined
  const promise = new Promise<void>((resolve) => {
    stop = resolve
  })
  for (const signal of signals) process.on(signal, stop)
  return {
    promise,
    forget: () => {
      for (const signal of signals) process.off(signal, stop)
    },
  }
}

const isEntry = (): boolean => {
  const entry = process.argv[1]
  return entry !== undefined && existsSync(entry) && realpathSync(entry) === fileURLToPath(import.meta.url)
}

if (isEntry()) process.exitCode = await runKapnetd(process.argv.slice(2))

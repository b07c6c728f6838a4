import { Fault, reasonOf } from '../../src/core/fault.js'
import { startRelay } from '../index.js'
import { jsonLog } from '../log.js'
import { relayOptionsOf } from '../options.js'
import type { ServeValues } from '../options.js'
import type { Voice } from '../voice.js'

/** Runs the relay until it is told to stop. */
export const serve = async (values: ServeValues, voice: Voice): Promise<number> => {
  const told = untilTold(values['exit-with-parent'])
  try {
    const relay = await startRelay({ ...relayOptionsOf(values), log: jsonLog() })
    voice.print(`ready ${relay.url}`)
    const reload = (): void => relay.reload()
    process.on('SIGHUP', reload)
    await told.promise
    process.off('SIGHUP', reload)
    await relay.close()
    return 0
  } catch (thrown) {
    voice.say(thrown instanceof Fault ? thrown.message : `failed: ${reasonOf(thrown)}`)
    // What only the operator can mend, so that a service manager need not try again.
    return thrown instanceof Fault && thrown.area === 'options' ? 2 : 1
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

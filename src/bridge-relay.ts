import type { Config, RelayConfig } from './config.js'
import { backoffMs } from './core/backoff.js'
import { reasonOf } from './core/fault.js'
import type { RelayUrl } from './core/types.js'
import { startKsp } from './ops/child.js'
import type { Clock, Log, Random } from './ports.js'

/**
 * The bundled relay beside the bridge: a process of its own (its own core, its own crash), started again when it ends, and
 * ended with us: its stdin is ours, so that it does not outlive even a kill -9.
 */
export const runPrivateRelay = async (
  relay: NonNullable<Config['privateRelay']>,
  o: {
    engine: Config['crypto']['engine']
    /** File of the keys that may write and read, where only the trusted may. */
    trusted: string | undefined
    clock: Clock
    random: Random
    log: Log
  },
  signal: AbortSignal,
): Promise<void> => {
  const stopped = (): boolean => signal.aborted
  for (let attempt = 0; !stopped(); attempt++) {
    const child = startKsp(['relay', ...relayArguments(relay, o)], { tied: true })
    const stop = (): void => void child.stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      const ready = await child.line(/^ready /)
      o.log.info('private-relay.started', { url: ready.split(' ')[1], pid: child.pid })
      attempt = 0
    } catch (error) {
      if (!stopped()) o.log.error('private-relay.failed', { reason: reasonOf(error) })
    }
    await child.ended
    signal.removeEventListener('abort', stop)
    if (stopped()) return
    o.log.warn('private-relay.ended', { last: child.err.at(-1) })
    await o.clock.sleep(backoffMs(attempt, { minMs: 500, maxMs: 30_000 }, o.random.fraction()), signal)
  }
}

/** What the relay is started with: an option of ksp.yaml is its flag of the same name (a guard compares them). */
export const relayArguments = (
  relay: NonNullable<Config['privateRelay']>,
  o: { engine: Config['crypto']['engine']; trusted: string | undefined },
): string[] => {
  const listen = `${relay.host.includes(':') ? `[${relay.host}]` : relay.host}:${relay.port}`
  const trusted = o.trusted === undefined ? {} : { allow_write: [o.trusted], allow_read: [o.trusted] }
  return [
    ...['--listen', listen, '--db', relay.db, '--engine', o.engine, '--exit-with-parent'],
    // Others authenticate by the address they know it by (NIP-42).
    ...(relay.publicUrl === undefined ? [] : ['--public-url', relay.publicUrl]),
    ...Object.entries({ ...trusted, ...relay.options }).flatMap(([name, texts]) =>
      texts.map((text) => `--${name.replaceAll('_', '-')}${text === '' ? '' : `=${text}`}`),
    ),
  ]
}

/** How the bridge itself reaches its own relay. */
export const ownRelay = (relay: NonNullable<Config['privateRelay']>): RelayConfig => {
  const host = relay.host === '0.0.0.0' ? '127.0.0.1' : relay.host === '::' ? '[::1]' : relay.host
  const shown = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return { url: `ws://${shown}:${relay.port}` as RelayUrl, roads: ['public', 'nip44'], read: true, write: true }
}

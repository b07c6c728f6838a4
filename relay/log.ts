import type { Log } from '../src/ports.js'

/** JSON lines on stderr: a fixed event name plus fields; ids and reasons, never content. */
export const jsonLog = (): Log => {
  const at =
    (level: string) =>
    (event: string, fields: Record<string, unknown> = {}): void => {
      const line = JSON.stringify({ time: new Date().toISOString(), level, name: 'relay', msg: event, ...fields })
      process.stderr.write(`${line}\n`)
    }
  return { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error') }
}

const nothing = (): void => undefined
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }

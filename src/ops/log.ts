import { pino, stdTimeFunctions, destination } from 'pino'
import type { Log } from '../ports.js'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines on stderr; on a terminal one short line each. Fields are ids and reasons: never content, never secrets. */
export const openLog = (level: LogLevel, name: string): Log => {
  if (process.stderr.isTTY && level !== 'silent') return terminalLog(level)
  // Synchronous: what was logged before a crash is there after it.
  const logger = pino(
    { name, level, base: { name }, timestamp: stdTimeFunctions.isoTime },
    destination({ fd: 2, sync: true }),
  )
  return {
    debug: (event, fields) => logger.debug(fields ?? {}, event),
    info: (event, fields) => logger.info(fields ?? {}, event),
    warn: (event, fields) => logger.warn(fields ?? {}, event),
    error: (event, fields) => logger.error(fields ?? {}, event),
  }
}

const LEVELS = ['debug', 'info', 'warn', 'error'] as const

const terminalLog = (level: Exclude<LogLevel, 'silent'>): Log => {
  const line =
    (at: (typeof LEVELS)[number]) =>
    (event: string, fields: Record<string, unknown> = {}): void => {
      if (LEVELS.indexOf(at) < LEVELS.indexOf(level)) return
      const rest = Object.entries(fields)
        .map(([k, v]) => `${k}=${typeof v === 'string' ? v : JSON.stringify(v)}`)
        .join(' ')
      process.stderr.write(`${new Date().toISOString().slice(11, 23)} ${at.padEnd(5)} ${event} ${rest}\n`)
    }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

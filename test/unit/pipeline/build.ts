import { setImmediate as turn } from 'node:timers/promises'
import type { Decision } from '../../../src/core/decision.js'
import type { Destination, MessageId, UnixMs } from '../../../src/core/types.js'
import type { Log, Random, Store } from '../../../src/ports.js'
import { owe, START, strand } from '../store/build.js'

/** Builds data for the pipeline's tests. Nothing here asserts. */

export interface KeptLog extends Log {
  readonly lines: { readonly level: string; readonly event: string; readonly fields: Record<string, unknown> }[]
  events(): string[]
}

export const keptLog = (): KeptLog => {
  const lines: KeptLog['lines'] = []
  const at =
    (level: string) =>
    (event: string, fields: Record<string, unknown> = {}): void => {
      lines.push({ level, event, fields })
    }
  return {
    lines,
    events: () => lines.map((l) => l.event),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
}

/** The same every time: bytes count up, and the fraction is the one given. */
export const fixedRandom = (fraction = 0.5): Random => {
  let n = 0
  return {
    bytes: (length) => Uint8Array.from({ length }, () => n++ & 0xff),
    fraction: () => fraction,
  }
}

/** Lets all that can go on without time or the network go on. */
export const settle = async (turns = 20): Promise<void> => {
  for (let i = 0; i < turns; i++) await turn()
}

/** Puts `count` strands into the store and owes each to `to`, the first due first; their ids in this order. */
export const owing = async (
  store: Store,
  to: Destination,
  count: number,
  parts: {
    readonly confidential?: boolean
    readonly dueAt?: number
    readonly expiresAt?: number
    readonly name?: string
  } = {},
): Promise<MessageId[]> => {
  const strands = Array.from({ length: count }, (_, i) => strand(`${parts.name ?? to} ${parts.dueAt ?? 0} ${i}`, parts))
  await Promise.all(
    strands.map((s, i) =>
      store.commit((): Decision => ({
        strand: s,
        owes: [
          owe(s.id, to, {
            dueAt: ((parts.dueAt ?? START) + i) as UnixMs,
            ...(parts.confidential === undefined ? {} : { confidential: parts.confidential }),
            ...(parts.expiresAt === undefined ? {} : { expiresAt: parts.expiresAt as UnixMs }),
          }),
        ],
      })),
    ),
  )
  return strands.map((s) => s.id)
}

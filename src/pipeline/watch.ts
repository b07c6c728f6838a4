import type { DeliveryState, Destination, MessageId } from '../core/types.js'

/** Tells a local caller when the deliveries of its messages have come to a stage (`ksp send --wait`). */
export interface Watch {
  /** Some delivery of this message has moved. */
  moved(message: string): void
  /** Resolves when `settled(states)` holds for every message, after `timeoutMs`, or when `signal` aborts. */
  until(
    messages: readonly MessageId[],
    settled: (states: States) => boolean,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Map<MessageId, States>>
}

export type States = readonly { readonly to: Destination; readonly state: DeliveryState; readonly code?: string }[]

export const createWatch = (states: (message: MessageId) => States): Watch => {
  const watchers = new Map<string, Set<(message: MessageId) => void>>()
  return {
    moved: (message) => {
      for (const look of watchers.get(message) ?? []) look(message as MessageId)
    },
    until: (messages, settled, timeoutMs, signal) =>
      new Promise((resolve) => {
        const seen = new Map<MessageId, States>()
        const open = new Set<MessageId>(messages)
        const end = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', end)
          for (const m of messages) {
            watchers.get(m)?.delete(look)
            if (watchers.get(m)?.size === 0) watchers.delete(m)
          }
          for (const m of open) seen.set(m, states(m))
          resolve(seen)
        }
        const look = (message: MessageId): void => {
          const now = states(message)
          if (!settled(now)) return
          seen.set(message, now)
          open.delete(message)
          if (open.size === 0) end()
        }
        const timer = setTimeout(end, timeoutMs)
        signal.addEventListener('abort', end, { once: true })
        for (const m of messages) {
          const set = watchers.get(m) ?? new Set()
          watchers.set(m, set)
          set.add(look)
        }
        for (const m of [...open]) look(m)
        if (messages.length === 0 || signal.aborted) end()
      }),
  }
}

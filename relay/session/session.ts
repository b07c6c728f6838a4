import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, Pubkey } from '../../src/core/types.js'
import { closedFrame } from './answers.js'
import { parseFrame } from './frames.js'
import type { RelayLimits } from '../limits.js'

/** Who asks. What a connection has proved of itself; the policy judges by nothing else. */
export interface Viewer {
  /** Keys that authenticated on this connection (NIP-42): several may. */
  readonly keys: ReadonlySet<Pubkey>
}

/** What is to be done about one message. */
export type Action =
  | { readonly do: 'send'; readonly frame: string }
  | { readonly do: 'publish'; readonly event: NostrEvent }
  | { readonly do: 'subscribe'; readonly id: string; readonly filters: readonly Filter[] }
  | { readonly do: 'unsubscribe'; readonly id: string }
  | { readonly do: 'authenticate'; readonly event: NostrEvent }
  | { readonly do: 'count'; readonly id: string; readonly filters: readonly Filter[] }
  | { readonly do: 'sync'; readonly id: string; readonly filter: Filter; readonly message: Uint8Array }
  | { readonly do: 'sync-on'; readonly id: string; readonly message: Uint8Array }
  | { readonly do: 'sync-end'; readonly id: string }

/** What gets an OK. */
export type Judged = Extract<Action, { readonly do: 'publish' | 'authenticate' }>

/** The state of one connection. Pure: messages in, actions out, no clock, no IO. */
export interface Session {
  readonly viewer: Viewer
  receive(text: string, bytes: number): Action[]
  /** This key has proved itself. False: there is no room for one more. */
  authenticated(key: Pubkey): boolean
  /** The relay itself ended a subscription (it said CLOSED). */
  ended(id: string): void
}

export const openSession = (
  limits: Pick<
    RelayLimits,
    'maxMessageBytes' | 'maxFilters' | 'maxFilterValues' | 'maxSubscriptions' | 'maxAuthedKeys'
  >,
): Session => {
  const keys = new Set<Pubkey>()
  const viewer: Viewer = { keys }
  const subscriptions = new Set<string>()

  const subscribe = (id: string, filters: readonly Filter[]): Action[] => {
    if (!subscriptions.has(id) && subscriptions.size >= limits.maxSubscriptions) {
      const frame = closedFrame(id, `rate-limited: at most ${limits.maxSubscriptions} subscriptions on one connection`)
      return [{ do: 'send', frame }]
    }
    subscriptions.add(id)
    return [{ do: 'subscribe', id, filters }]
  }

  const unsubscribe = (id: string): Action[] => (subscriptions.delete(id) ? [{ do: 'unsubscribe', id }] : [])

  return {
    viewer,
    receive: (text, bytes) => {
      const parsed = parseFrame(text, bytes, limits)
      if (!parsed.ok) {
        const ended = parsed.ends === undefined ? [] : unsubscribe(parsed.ends)
        return [...ended, { do: 'send', frame: parsed.answer }]
      }
      const { frame } = parsed
      switch (frame.verb) {
        case 'EVENT':
          return [{ do: 'publish', event: frame.event }]
        case 'REQ':
          return subscribe(frame.id, frame.filters)
        case 'CLOSE':
          return unsubscribe(frame.id)
        case 'AUTH':
          return [{ do: 'authenticate', event: frame.event }]
        case 'COUNT':
          return [{ do: 'count', id: frame.id, filters: frame.filters }]
        case 'NEG-OPEN':
          return [{ do: 'sync', id: frame.id, filter: frame.filter, message: frame.message }]
        case 'NEG-MSG':
          return [{ do: 'sync-on', id: frame.id, message: frame.message }]
        case 'NEG-CLOSE':
          return [{ do: 'sync-end', id: frame.id }]
      }
    },
    authenticated: (key) => {
      if (!keys.has(key) && keys.size >= limits.maxAuthedKeys) return false
      keys.add(key)
      return true
    },
    ended: (id) => void subscriptions.delete(id),
  }
}

import type { Author } from './author.js'
import { newAuthor, nowSec } from './author.js'
import type { Client } from './client.js'
import { openClient } from './client.js'
import type { RelayDocument } from './document.js'
import type { OwnRelay } from './stands.js'
import { Broken } from './rule.js'

/** What a rule stands on: a relay, and everything fresh, so that no rule meets another or what the relay held before. */
export interface Ground {
  readonly url: string
  readonly document: RelayDocument | undefined
  connect(url?: string): Promise<Client>
  author(): Author
  now(): number
  /** Resolves when the clock shows this second, and a little more for the relay's. */
  clockReaches(sec: number): Promise<void>
  /** A little while, before one looks again. */
  rest(): Promise<void>
  /** Whether `own` gives anything: then more may be asked of the relay than is polite. */
  readonly isOwn: boolean
  /** The relay as its operator has it; rejects the rule where it is somebody else's. */
  own(): OwnRelay
}

export interface OpenGround extends Ground {
  /** Ends all connections. */
  leave(): void
}

/** How far the relay's clock may be behind ours. */
const CLOCK_SLACK_MS = 300
const REST_MS = 100

export const openGround = (
  relay: { readonly url: string; readonly document: RelayDocument | undefined; readonly own?: OwnRelay },
  answerMs: number,
): OpenGround => {
  const clients: Client[] = []
  return {
    url: relay.url,
    document: relay.document,
    isOwn: relay.own !== undefined,
    connect: async (url = relay.url) => {
      const client = await openClient(url, answerMs)
      clients.push(client)
      return client
    },
    author: newAuthor,
    now: nowSec,
    clockReaches: (sec) =>
      new Promise((resolve) => setTimeout(resolve, Math.max(0, sec * 1_000 + CLOCK_SLACK_MS - Date.now()))),
    rest: () => new Promise((resolve) => setTimeout(resolve, REST_MS)),
    own: () => {
      if (relay.own === undefined) throw new Broken('needs a relay of our own')
      return relay.own
    },
    leave: () => {
      for (const client of clients) client.close()
    },
  }
}

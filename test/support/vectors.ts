import { readFileSync, readdirSync } from 'node:fs'
import type { NostrEvent, UnsignedEvent } from '../../src/core/types.js'

/** A vector of suite "event" (kinds/README.md). */
export interface EventVector {
  readonly suite: 'event'
  readonly name: string
  readonly why: string
  /** What decides: the event alone; the event once a gift wrap is open; or the event and the stated context. */
  readonly stage: 'content' | 'wrap' | 'receiver'
  readonly road: 'public' | 'private' | 'nip44' | 'dm'
  readonly context?: VectorContext
  readonly event: NostrEvent
  /** What the content, or the wrap's rumor, holds once it is decrypted; absent where it is in the clear. */
  readonly text?: string
  readonly rumor?: UnsignedEvent
  /** Of a valid one. */
  readonly expect?: {
    readonly type: string
    readonly sha256?: string
    readonly author?: string
    readonly name?: string
    readonly due?: number
  }
  /** Of an invalid one. */
  readonly code?: string
}

export interface VectorContext {
  readonly now: number
  readonly me: string
  readonly myHermId: string
  readonly myKors: readonly string[]
  readonly trusted: readonly {
    readonly key: string
    readonly id?: string
    readonly kor?: readonly string[]
    readonly actions?: readonly string[]
  }[]
  readonly pins?: readonly { readonly id: string; readonly key: string }[]
  readonly agents?: readonly string[]
  readonly known?: readonly string[]
  readonly tasks?: readonly { readonly sender: string; readonly task_id: string; readonly sha256: string }[]
  readonly maxEnvelopeBytes?: number
}

const folder = new URL('../../kinds/vectors/', import.meta.url)

/** The vectors of suite "event", in the order of their names. */
export const eventVectors = (verdict: 'valid' | 'invalid'): EventVector[] =>
  readdirSync(new URL(`${verdict}/`, folder))
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => JSON.parse(readFileSync(new URL(`${verdict}/${name}`, folder), 'utf8')) as EventVector)
    .filter(({ suite }) => (suite as string) === 'event')

export const testSecret = (reference: { keys: Record<string, { sk: string }> }, name: string): Buffer =>
  Buffer.from(reference.keys[name]?.sk ?? '', 'hex')

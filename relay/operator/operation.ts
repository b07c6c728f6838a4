import type Database from 'better-sqlite3'
import type { EventStore } from '../store/store.js'
import { copy } from './copy.js'
import { rows } from './rows.js'
import { shrink } from './shrink.js'
import { survey } from './survey.js'

/**
 * What an operator's verbs want done with the file. Only one process can have it open: where a relay runs, that one does it
 * when asked over its control socket; else the verb's own process does the very same.
 */
export interface Work {
  readonly db: Database.Database
  readonly store: Pick<EventStore, 'isServed'>
  /** Of the file; `:memory:` has none. */
  readonly file: string
  /** As it came over the socket: to be checked. */
  readonly params: Readonly<Record<string, unknown>>
  /** Clients wait for their turn meanwhile: no step may take long. */
  readonly online: boolean
  /** Passes something on to the verb. Resolves when there is room for more. */
  say(item: unknown): Promise<void>
  /** Given when the verb is gone, or the relay stops. */
  readonly signal: AbortSignal
}

/** Resolves with what the verb is told at the end. Throws what can't be done, in words for a person. */
export type Operation = (work: Work) => Promise<unknown>

export const OPERATIONS = { copy, rows, shrink, survey } as const satisfies Readonly<Record<string, Operation>>

export type OperationName = keyof typeof OPERATIONS

export const isOperation = (name: unknown): name is OperationName =>
  typeof name === 'string' && Object.hasOwn(OPERATIONS, name)

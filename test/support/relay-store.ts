import { afterEach } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EventStore } from '../../relay/store/store.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'

/** What a relay's store answers to a REQ, as events; the same defaults as the relay's own, unless said otherwise. */
export const ask = (
  store: EventStore,
  filters: readonly Filter[],
  over: { now?: number; upToSeq?: number; maxLimit?: number; mayRead?: (event: NostrEvent) => boolean } = {},
): NostrEvent[] => {
  const { now = 1_800_000_000, upToSeq = store.lastSeq(), maxLimit = 5_000, mayRead } = over
  const options = { upToSeq, maxLimit, now: () => now as UnixSec, ...(mayRead === undefined ? {} : { mayRead }) }
  const found: NostrEvent[] = []
  const source = store.scan(filters, options)
  for (let step = source.next(); step.done !== true; step = source.next()) {
    if (step.value !== undefined) found.push(JSON.parse(step.value.json) as NostrEvent)
  }
  return found
}

export const ids = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id)

export const asIncoming = (event: NostrEvent): { event: NostrEvent; json: string } => ({
  event,
  json: JSON.stringify(event),
})

/** A folder for one test, gone after it. */
export const testFolder = (): (() => string) => {
  const made: string[] = []
  afterEach(() => {
    for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'ksp-relay-'))
    made.push(folder)
    return folder
  }
}

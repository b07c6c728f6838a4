import { deletionTargets, ownersOf } from '../../relay/events/deletion.js'
import { DELETION, VANISH } from '../../relay/events/kind-class.js'
import { slotOf } from '../../relay/store/index-keys.js'
import { hexOf } from '../../src/core/hex.js'
import type { NostrEvent } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { Sent } from './writer.js'

/**
 * What must be stored, and what must not be, from nothing but what was sent and what was answered. An event without an answer
 * may have had its effect or not; one with OK true has.
 */
export const judge = (sent: readonly Sent[], stored: ReadonlySet<string>): string[] => {
  const problems: string[] = []
  const perhaps = effectsOf(sent)
  const certain = effectsOf(sent.filter(({ accepted, reason }) => accepted === true && reason === ''))
  for (const { event, accepted, reason } of sent) {
    const isThere = stored.has(event.id)
    if (accepted === true && reason === '' && !isThere && perhaps.explains(event) === undefined) {
      problems.push(`lost: kind ${event.kind} ${event.id} had OK true`)
    }
    const why = isThere ? certain.explains(event) : undefined
    if (why !== undefined) problems.push(`served: kind ${event.kind} ${event.id} is ${why}, and that had OK true`)
    if (isThere && accepted === false) problems.push(`kept: kind ${event.kind} ${event.id} had OK false: ${reason}`)
  }
  for (const id of stored)
    if (!sent.some(({ event }) => event.id === id)) problems.push(`unknown: ${id} was never sent`)
  return problems
}

interface Effects {
  /** Why the event is rightly not there; undefined: it should be. */
  explains(event: NostrEvent): string | undefined
}

/** The latest of those that take something away up to their own time. */
type Latest = Map<string, NostrEvent>

const effectsOf = (sent: readonly Sent[]): Effects => {
  const best: Latest = new Map()
  const deletedSlots: Latest = new Map()
  const vanished: Latest = new Map()
  const deletedIds = new Map<string, NostrEvent>()
  const raise = (latest: Latest, key: string, by: NostrEvent): void => {
    const known = latest.get(key)
    if (known === undefined || by.created_at > known.created_at) latest.set(key, by)
  }
  for (const { event } of sent) {
    const slot = slotTextOf(event)
    const known = slot === undefined ? undefined : best.get(slot)
    if (slot !== undefined && (known === undefined || isBetter(event, known))) best.set(slot, event)
    if (event.kind === VANISH) raise(vanished, event.pubkey, event)
    if (event.kind !== DELETION) continue
    const { ids, addresses } = deletionTargets(event)
    for (const id of ids) deletedIds.set(`${event.pubkey}:${id}`, event)
    for (const { kind, d } of addresses) raise(deletedSlots, `${kind}:${event.pubkey}:${d}`, event)
  }

  const latestOf = (latest: Latest, key: string, event: NostrEvent): NostrEvent | undefined => {
    const by = latest.get(key)
    return by !== undefined && by.created_at >= event.created_at ? by : undefined
  }

  return {
    explains: (event) => {
      const owners = ownersOf(event)
      if (event.kind === VANISH) return undefined
      for (const owner of owners) {
        const by = latestOf(vanished, owner, event)
        if (by !== undefined) return `vanished with ${by.id}`
      }
      if (event.kind === DELETION) return undefined
      for (const owner of owners) {
        const by = deletedIds.get(`${owner}:${event.id}`)
        if (by !== undefined) return `deleted by ${by.id}`
      }
      const slot = slotTextOf(event)
      if (slot === undefined) return undefined
      const d = event.tags.find(([name]) => name === 'd')?.[1] ?? ''
      const by = latestOf(deletedSlots, `${event.kind}:${event.pubkey}:${d}`, event)
      if (by !== undefined) return `deleted by address by ${by.id}`
      const other = best.get(slot)
      return other !== undefined && isBetter(other, event) ? `replaced by ${other.id}` : undefined
    },
  }
}

const slotTextOf = (event: NostrEvent): string | undefined => {
  const slot = slotOf(event, nodeHashes)
  return slot === undefined ? undefined : hexOf(slot)
}

const isBetter = (a: NostrEvent, b: NostrEvent): boolean =>
  a.created_at > b.created_at || (a.created_at === b.created_at && a.id < b.id)

import { reasonOf } from '../../src/core/fault.js'
import type { Hashes } from '../../src/core/hashes.js'
import { hexOf } from '../../src/core/hex.js'
import type { Filter } from '../../src/core/match.js'
import { answerNegentropy } from '../../src/core/negentropy.js'
import { syncSetBuilder } from '../../src/core/negentropy-set.js'
import type { SyncSet } from '../../src/core/negentropy-set.js'
import type { Log } from '../../src/ports.js'
import { negErrFrame, negMsgFrame } from './answers.js'
import type { Reason } from './answers.js'
import { gather } from './gather.js'
import { NO_ROOM } from './count.js'
import { bytesOfFilters } from './room.js'
import type { Room } from './room.js'
import type { Turns } from './turns.js'
import type { RelayLimits } from '../limits.js'
import { countRefusal } from '../ops/count.js'
import type { AskMeters } from '../ops/meters.js'
import type { Ordered, Source } from '../store/merge.js'

/** NIP-77 on one connection: sets of what is stored, compared with what the client has. Their ids are a space of their own. */
export interface Syncs {
  open(id: string, filter: Filter, message: Uint8Array, bytes: number): void
  message(id: string, message: Uint8Array, bytes: number): void
  /** False: it was not open. */
  close(id: string): boolean
  /** Of one more message, in units of what a small one costs. */
  cost(id: string): number
  closeAll(): void
}

/** Items that all syncs of the relay hold in memory. */
export interface SyncRoom {
  used: number
}

export interface SyncParts {
  readonly limits: Pick<RelayLimits, 'maxSyncs' | 'maxSyncItems' | 'maxSyncItemsInAll' | 'maxSyncFrameBytes'>
  readonly room: SyncRoom
  readonly askRoom: Room
  readonly turns: Turns
  readonly hashes: Hashes
  readonly log: Log
  readonly send: (frame: string) => void
  readonly meters: Pick<AskMeters, 'refused'>
  /** Whether the question is answered, to whoever asks now. */
  readonly refuse: (filter: Filter) => Reason | undefined
  /** So much waits already that nothing new may begin. */
  readonly isBusy: () => boolean
  /** What is stored and may be read, without its text. */
  readonly entries: (filter: Filter) => Source<Ordered>
  /** Changes with every request to vanish: what was gathered before may hold what is gone. */
  readonly vanishCount: () => number
  /**
   * One after the other, with the stored answers of this connection. What is returned takes it out, where it has not begun;
   * `done` is called in any case.
   */
  readonly enqueue: (work: () => Promise<void>, done?: () => void) => () => void
}

interface Sync {
  readonly filter: Filter
  /** Undefined until it is gathered. */
  set: SyncSet | undefined
  held: number
  /** Bytes of its question. */
  readonly asked: number
  /** As of the beginning. */
  vanishCount: number
  /** A message must not wait for its turn when nobody waits for the answer: it may have half a megabyte. */
  forget: () => void
  /** The answer to a message is still to come. */
  isAnswering: boolean
}

/** A message is compared with the whole set. */
const ITEMS_A_UNIT = 50_000

const FULL: Reason = 'blocked: too many events are being compared; try again'
const ONE_AT_A_TIME: Reason = 'invalid: wait for the answer to one message before you send the next'
const VANISHED = 'closed: some of it has vanished meanwhile; open it again'

export const openSyncs = (parts: SyncParts): Syncs => {
  const { limits, room, askRoom, hashes, send } = parts
  const open = new Map<string, Sync>()
  /** Items of all comparisons of this connection: nobody gets more of the relay's room than one full comparison. */
  let own = 0

  const close = (id: string): boolean => {
    const sync = open.get(id)
    if (sync === undefined) return false
    open.delete(id)
    room.used -= sync.held
    own -= sync.held
    sync.held = 0
    sync.forget()
    askRoom.give(sync.asked)
    return true
  }

  const fail = (id: string, reason: Parameters<typeof negErrFrame>[1]): void => {
    close(id)
    countRefusal(parts.meters.refused, reason)
    send(negErrFrame(id, reason))
  }

  const answer = (id: string, set: SyncSet, message: Uint8Array): void => {
    const answered = answerNegentropy(set, message, { hashes, maxFrameBytes: limits.maxSyncFrameBytes })
    if (answered.ok) send(negMsgFrame(id, hexOf(answered.value)))
    else fail(id, `invalid: ${answered.refusal.message}`)
  }

  const begin = async (id: string, sync: Sync, message: Uint8Array): Promise<void> => {
    const isCurrent = (): boolean => open.get(id) === sync
    if (!isCurrent()) return
    const items = syncSetBuilder()
    let why: Parameters<typeof negErrFrame>[1] | undefined
    const take = ({ age, id: bytes }: Ordered): boolean => {
      if (!isCurrent()) return false
      if (items.size >= limits.maxSyncItems) why = `blocked: more than ${limits.maxSyncItems} events; ask for less`
      else if (own >= limits.maxSyncItems || room.used >= limits.maxSyncItemsInAll) why = FULL
      if (why !== undefined) return false
      items.add(-age, bytes)
      room.used++
      own++
      sync.held++
      return true
    }
    sync.vanishCount = parts.vanishCount()
    try {
      await gather(parts.entries(sync.filter), parts.turns, take)
      if (!isCurrent()) return
      if (sync.vanishCount !== parts.vanishCount()) why ??= VANISHED
      if (why !== undefined) {
        fail(id, why)
        return
      }
      sync.set = items.build()
      answer(id, sync.set, message)
    } catch (error) {
      parts.log.error('sync-failed', { reason: reasonOf(error) })
      if (isCurrent()) fail(id, 'error: the stored events could not be read')
    }
  }

  /** In its turn: to compare with half a million events takes as long as many slices. */
  const goOn = async (id: string, sync: Sync, message: Uint8Array): Promise<void> => {
    await parts.turns.first()
    if (open.get(id) !== sync || sync.set === undefined) return
    sync.isAnswering = false
    try {
      const reason = sync.vanishCount === parts.vanishCount() ? parts.refuse(sync.filter) : VANISHED
      if (reason === undefined) answer(id, sync.set, message)
      else fail(id, reason)
    } catch (error) {
      parts.log.error('sync-failed', { reason: reasonOf(error) })
      fail(id, 'error: the message could not be answered')
    }
  }

  return {
    open: (id, filter, message, bytes) => {
      close(id)
      const asked = bytesOfFilters([filter], bytes)
      const isFull = open.size >= limits.maxSyncs || parts.isBusy()
      const reason = isFull
        ? (`blocked: at most ${limits.maxSyncs} at a time` as const)
        : (parts.refuse(filter) ?? (askRoom.take(asked) ? undefined : NO_ROOM))
      if (reason !== undefined) {
        countRefusal(parts.meters.refused, reason)
        send(negErrFrame(id, reason))
        return
      }
      const idle = { isAnswering: false, forget: () => undefined }
      const sync: Sync = { filter, set: undefined, held: 0, asked, vanishCount: 0, ...idle }
      open.set(id, sync)
      sync.forget = parts.enqueue(() => begin(id, sync, message))
    },
    message: (id, message, bytes) => {
      const sync = open.get(id)
      if (sync?.set === undefined) fail(id, 'closed: it is not open')
      else if (sync.isAnswering) fail(id, ONE_AT_A_TIME)
      else if (!askRoom.take(bytes)) fail(id, NO_ROOM)
      else {
        sync.isAnswering = true
        sync.forget = parts.enqueue(
          () => goOn(id, sync, message),
          () => askRoom.give(bytes),
        )
      }
    },
    close,
    cost: (id) => 1 + Math.floor((open.get(id)?.held ?? 0) / ITEMS_A_UNIT),
    closeAll: () => {
      for (const id of [...open.keys()]) close(id)
    },
  }
}

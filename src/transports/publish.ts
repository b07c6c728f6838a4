import type { EventId, NostrEvent } from '../core/types.js'
import type { Clock } from '../ports.js'
import type { Auth } from './auth.js'
import { eventFrame, prefixOf } from './frames.js'
import { deferred, within, type Deferred } from './waiting.js'

/** What a relay said to one EVENT, in its own words; or what failed on the way. */
export interface Said {
  readonly ok: boolean
  readonly message: string
}

/** EVENT -> OK on one connection. */
export interface Publisher {
  /** Never rejects. */
  readonly publish: (event: NostrEvent) => Promise<Said>
  /** An OK of the relay, also one that comes too late for anybody to wait for. True when it is about an event of ours. */
  onOk(id: string, ok: boolean, message: string): boolean
  /** The connection is gone: nobody waits any longer. */
  drop(reason: string): void
}

export interface PublisherOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly auth: Pick<Auth, 'settled'>
  readonly send: (text: string) => Promise<boolean>
}

const MAX_IN_FLIGHT = 10_000
/** Events whose OK has not come in time: it may still come, and is then told to `onOk`'s caller. */
const MAX_LATE = 1_000

export const publisher = (o: PublisherOptions, signal: AbortSignal): Publisher => {
  const inFlight = new Map<EventId, { readonly answer: Promise<Said>; said: Deferred<Said> }>()
  const late = new Set<string>()
  let gone: string | undefined

  const once = async (event: NostrEvent, text: string): Promise<Said> => {
    const entry = inFlight.get(event.id)
    if (entry === undefined) return { ok: false, message: 'not in flight' }
    const { said } = entry
    const asked = o.send(text).then((sent) => (sent ? said.promise : { ok: false, message: gone ?? 'connection lost' }))
    const answer = await within(o.clock, o.timeoutMs, signal, asked)
    if (answer !== undefined) return answer
    if (late.size >= MAX_LATE) late.clear()
    late.add(event.id)
    return { ok: false, message: signal.aborted ? (gone ?? 'stopped') : `no answer within ${o.timeoutMs} ms` }
  }

  const send = async (event: NostrEvent): Promise<Said> => {
    const text = eventFrame(event)
    const answer = await once(event, text)
    if (answer.ok || prefixOf(answer.message) !== 'auth-required') return answer
    if (!(await o.auth.settled())) return answer
    const entry = inFlight.get(event.id)
    if (entry !== undefined) entry.said = deferred()
    return once(event, text)
  }

  return {
    publish: (event) => {
      if (gone !== undefined) return Promise.resolve({ ok: false, message: gone })
      const present = inFlight.get(event.id)
      if (present !== undefined) return present.answer
      if (inFlight.size >= MAX_IN_FLIGHT) return Promise.resolve({ ok: false, message: 'too many events in flight' })
      const turn = deferred<undefined>()
      const answer = turn.promise.then(() => send(event)).finally(() => inFlight.delete(event.id))
      inFlight.set(event.id, { answer, said: deferred() })
      turn.resolve(undefined)
      return answer
    },
    onOk: (id, ok, message) => {
      const waiting = inFlight.get(id as EventId)
      // A relay that has it already has it, whichever boolean it says so with.
      waiting?.said.resolve({ ok: ok || prefixOf(message) === 'duplicate', message })
      return waiting !== undefined || late.delete(id)
    },
    drop: (reason) => {
      gone ??= reason
      for (const { said } of inFlight.values()) said.resolve({ ok: false, message: reason })
    },
  }
}

import { checkEventShape, eventId } from '../core/event.js'
import { Fault } from '../core/fault.js'
import type { Hashes } from '../core/hashes.js'
import { matches, type Filter } from '../core/match.js'
import type { NostrEvent, RelayUrl } from '../core/types.js'
import type { Clock, Log, RelayAnswer, Signer } from '../ports.js'
import { clientAuth, type Auth } from './auth.js'
import { closeFrame, prefixOf, readFrame, reqFrame, type RelayFrame } from './frames.js'
import { DEFAULT_LIMITS } from './limits.js'
import { openLink, type Link, type WebSocketClass } from './link.js'
import { publisher, type Said } from './publish.js'
import { childOf, deferred, within } from './waiting.js'

/** A short conversation with one relay, for a command that asks once and ends. */
export interface OnceOptions {
  readonly clock: Clock
  /** For all of it. */
  readonly timeoutMs: number
  /** Answers a relay's AUTH. */
  readonly signer?: Pick<Signer, 'signEvent'>
  readonly signal?: AbortSignal
  readonly webSocket?: WebSocketClass
}

const MAX_EVENTS = 10_000
const SILENT: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

interface Talk {
  readonly send: (text: string) => Promise<boolean>
  readonly auth: Auth
  readonly publish: (event: NostrEvent) => Promise<Said>
  readonly signal: AbortSignal
  /** Why it is over, when it is. */
  readonly why: () => string | undefined
}

/**
 * Events that a relay has for these filters, one REQ each; an event at most once. Ids are recomputed and filters applied
 * again; signatures are not checked. Rejects with a Fault('relay') when the relay can't be reached, refuses, or has not said
 * EOSE in time.
 */
export const fetchEvents = (
  url: RelayUrl,
  filters: readonly Filter[],
  o: OnceOptions & { readonly hashes: Hashes },
): Promise<NostrEvent[]> => {
  const found = new Map<string, NostrEvent>()
  let end = deferred<'eose' | { closed: string }>()
  let open: { sub: string; filter: Filter } | undefined
  const onFrame = (frame: RelayFrame): void => {
    if (open === undefined) return
    if (frame.type === 'eose' && frame.sub === open.sub) end.resolve('eose')
    if (frame.type === 'closed' && frame.sub === open.sub) end.resolve({ closed: frame.message })
    if (frame.type !== 'event' || found.size >= MAX_EVENTS) return
    const shape = checkEventShape(frame.event)
    if (!shape.ok || !matches(open.filter, shape.value)) return
    if (eventId(shape.value, o.hashes) === shape.value.id) found.set(shape.value.id, shape.value)
  }
  return talk(url, o, onFrame, async ({ send, auth, signal, why }) => {
    let number = 0
    const ask = async (filter: Filter): Promise<'eose' | { closed: string } | undefined> => {
      end = deferred()
      open = { sub: `ask-${++number}`, filter }
      if (!(await send(reqFrame(open.sub, [filter])))) throw new Fault('relay', why() ?? 'connection lost')
      const answer = await within(o.clock, o.timeoutMs, signal, end.promise)
      void send(closeFrame(open.sub))
      return answer
    }
    for (const filter of filters) {
      let answer = await ask(filter)
      const refusedUs = typeof answer === 'object' && prefixOf(answer.closed) === 'auth-required'
      if (refusedUs && (await auth.settled())) answer = await ask(filter)
      if (answer === undefined) throw new Fault('relay', why() ?? `no EOSE within ${o.timeoutMs} ms`)
      if (answer !== 'eose') throw new Fault('relay', `refused: ${answer.closed}`)
    }
    return [...found.values()]
  })
}

/** Publishes on a connection of its own, and answers in the order of the events. Never rejects for a relay's failure. */
export const publishOnce = async (
  url: RelayUrl,
  events: readonly NostrEvent[],
  o: OnceOptions,
): Promise<RelayAnswer[]> => {
  try {
    return await talk(
      url,
      o,
      () => undefined,
      ({ publish }) => Promise.all(events.map(async (event) => ({ relay: url, ...(await publish(event)) }))),
    )
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return events.map(() => ({ relay: url, ok: false, message: error.message }))
  }
}

const talk = async <T>(
  url: RelayUrl,
  o: OnceOptions,
  onFrame: (frame: RelayFrame) => void,
  work: (talk: Talk) => Promise<T>,
): Promise<T> => {
  const life = childOf(o.signal ?? new AbortController().signal)
  const timeout = childOf(life.signal)
  let why: string | undefined
  const { signal } = life
  const ready = deferred<Link | undefined>()
  const send = async (text: string): Promise<boolean> => (await ready.promise)?.send(text) ?? false
  const parts = { url, clock: o.clock, timeoutMs: o.timeoutMs, send }
  const auth = clientAuth(
    {
      ...parts,
      log: SILENT,
      onAuthed: () => undefined,
      onRefused: () => undefined,
      ...(o.signer === undefined ? {} : { signer: o.signer }),
    },
    signal,
  )
  const out = publisher({ ...parts, auth }, signal)
  /** Then whoever waits for the relay stops waiting, and `work` ends with what it has. */
  const end = (reason: string): void => {
    why ??= reason
    out.drop(why)
    life.abort()
  }
  void o.clock.sleep(o.timeoutMs, timeout.signal).then(() => {
    if (!timeout.signal.aborted) end(`no answer within ${o.timeoutMs} ms`)
  })
  const onText = (data: Buffer): void => {
    const frame = readFrame(data)
    if (frame === undefined) return
    if (frame.type === 'auth') auth.challenge(frame.challenge)
    else if (frame.type !== 'ok') onFrame(frame)
    else if (!auth.onOk(frame.id, frame.ok, frame.message)) out.onOk(frame.id, frame.ok, frame.message)
  }
  try {
    const { link: linkLimits, maxFrameBytes } = DEFAULT_LIMITS
    const link = await openLink(
      { url, clock: o.clock, webSocket: o.webSocket, ...linkLimits, maxPayloadBytes: maxFrameBytes, onText },
      signal,
    )
    ready.resolve(link)
    void link.ended.then(end)
    return await work({ send, auth, publish: out.publish, signal, why: () => why })
  } catch (error) {
    if (error instanceof Fault && why !== undefined) throw new Fault('relay', why, { cause: error })
    throw error
  } finally {
    ready.resolve(undefined)
    timeout.abort()
    life.abort()
  }
}

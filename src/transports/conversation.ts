import { Fault, reasonOf } from '../core/fault.js'
import type { RelayUrl } from '../core/types.js'
import type { Clock, Log, Random, Signer } from '../ports.js'
import type { OnRefused } from './admit.js'
import { clientAuth } from './auth.js'
import { prefixOf, readFrame, type RelayFrame } from './frames.js'
import type { Inbox } from './inbox.js'
import type { Limits } from './limits.js'
import { openLink, type Link, type WebSocketClass } from './link.js'
import { publisher, type Publisher } from './publish.js'
import { createSubscriptions, type Subscriptions, type SubscriptionsOptions } from './subscriptions.js'
import { childOf, deferred } from './waiting.js'

/** One connection to one relay, from dialling to its end. All of its state goes with it. */
export interface Conversation {
  readonly link: Pick<Link, 'pause' | 'resume'>
  readonly publisher: Publisher
  /** Undefined where we don't read. */
  readonly reading: Subscriptions | undefined
  readonly isAuthed: () => boolean
}

export interface ConversationOptions {
  readonly url: RelayUrl
  readonly read: boolean
  readonly signer: Pick<Signer, 'signEvent'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly webSocket?: WebSocketClass | undefined
  readonly limits: Limits
  readonly maxPayloadBytes: number
  readonly inbox: Inbox
  readonly sources: SubscriptionsOptions['sources']
  readonly memory: SubscriptionsOptions['memory']
  readonly remember: SubscriptionsOptions['remember']
  readonly onOpen: (conversation: Conversation) => void
  /** After `onOpen`: the connection is gone. */
  readonly onEnd: (why: string) => void
  readonly onEvent: (event: unknown, live: boolean) => void
  /** What the relay said to an event of ours. */
  readonly onAnswer: (ok: boolean, message: string) => void
  /** What the relay said to our AUTH: undefined when it took it. */
  readonly onAuth: (refusal: string | undefined) => void
  /** The relay has ended a subscription, in these words. */
  readonly onClosed: (words: string) => void
  readonly onTooLong: () => void
  readonly onRefused: OnRefused
}

/** Resolves with why it ended, when it has; rejects for a bug only. */
export const converse = async (o: ConversationOptions, signal: AbortSignal): Promise<string> => {
  const { url, clock, log, limits } = o
  const life = childOf(signal)
  // A relay may speak, and want an answer, before our own code has seen that the connection is open.
  const ready = deferred<Link | undefined>()
  const parts = {
    url,
    clock,
    log,
    random: o.random,
    timeoutMs: limits.okTimeoutMs,
    send: async (text: string): Promise<boolean> => (await ready.promise)?.send(text) ?? false,
  }
  const onAuthed = (): void => {
    o.onAuth(undefined)
    reading?.again()
  }
  const auth = clientAuth({ ...parts, signer: o.signer, onAuthed, onRefused: o.onAuth }, life.signal)
  const publishing = publisher({ ...parts, auth }, life.signal)
  const reading = o.read
    ? createSubscriptions({
        ...parts,
        limits,
        inbox: o.inbox,
        sources: o.sources,
        memory: o.memory,
        remember: o.remember,
      })
    : undefined

  const onFrame = (frame: RelayFrame): void => {
    switch (frame.type) {
      case 'event':
        if (reading === undefined) return
        o.onEvent(frame.event, reading.isLive(frame.sub))
        reading.onEvent(frame.sub, frame.event)
        o.inbox.push({ raw: frame.event, bytes: frame.bytes })
        return
      case 'ok':
        if (auth.onOk(frame.id, frame.ok, frame.message)) return
        if (publishing.onOk(frame.id, frame.ok, frame.message)) o.onAnswer(frame.ok, frame.message)
        return
      case 'eose':
        reading?.onEose(frame.sub)
        return
      case 'closed':
        reading?.onClosed(frame.sub, frame.message)
        o.onClosed(frame.message)
        // A signer that was away may be back; when the relay has accepted us all is asked again.
        if (prefixOf(frame.message) === 'auth-required') void auth.settled()
        return
      case 'auth':
        auth.challenge(frame.challenge)
        return
      case 'notice':
        log.debug('relay.notice', { relay: url, message: frame.message })
    }
  }
  const onText = (data: Buffer): void => {
    if (data.length > limits.maxFrameBytes) {
      o.onRefused('too-large', { relay: url })
      return
    }
    const frame = readFrame(data)
    if (frame === undefined) log.debug('relay.bad-frame', { relay: url, bytes: data.length })
    else onFrame(frame)
  }

  let opened: Link
  try {
    opened = await openLink(
      {
        url,
        clock,
        webSocket: o.webSocket,
        ...limits.link,
        maxPayloadBytes: o.maxPayloadBytes,
        onText,
        onTooLong: o.onTooLong,
      },
      life.signal,
    )
  } catch (error) {
    ready.resolve(undefined)
    life.abort()
    if (error instanceof Fault) return error.message
    throw error
  }
  ready.resolve(opened)
  if (o.inbox.isFull()) opened.pause()
  o.onOpen({ link: opened, publisher: publishing, reading, isAuthed: auth.isAuthed })

  const bugs: unknown[] = []
  const work = reading?.run(life.signal).catch((error: unknown) => {
    // The store can't remember now; the next connection reads the same again.
    if (!(error instanceof Fault)) bugs.push(error)
    opened.end(reasonOf(error))
  })
  const why = await opened.ended
  o.onEnd(why)
  publishing.drop('connection lost')
  life.abort()
  await work
  if (bugs.length > 0) throw bugs[0]
  return why
}

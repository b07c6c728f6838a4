import { spend, type Bucket } from '../core/bucket.js'
import { reasonOf } from '../core/fault.js'
import type { EventId, RelayUrl } from '../core/types.js'
import { toSec } from '../core/types.js'
import type { Clock, Log, Signer } from '../ports.js'
import { authFrame } from './frames.js'
import { deferred, within, type Deferred } from './waiting.js'

/**
 * NIP-42 on one connection, as the client. A challenge is answered at once; whoever was told `auth-required:` waits for
 * `settled`. Nothing waits longer than a timeout: neither for a signer that hangs, nor for a relay that never says OK.
 */
export interface Auth {
  challenge(challenge: string): void
  /** An OK of the relay. True when it was for our AUTH. */
  onOk(id: string, ok: boolean, message: string): boolean
  readonly isAuthed: () => boolean
  /**
   * True as soon as the relay has accepted us; false when it has not, or when it gave no challenge in time. What failed
   * before is tried again.
   */
  settled(): Promise<boolean>
}

export interface AuthOptions {
  readonly url: RelayUrl
  /** Without one, no challenge is answered. */
  readonly signer?: Pick<Signer, 'signEvent'>
  readonly clock: Clock
  readonly log: Log
  readonly timeoutMs: number
  readonly send: (text: string) => Promise<boolean>
  /** Called each time the relay has accepted us: what it refused before is to be asked again. */
  readonly onAuthed: () => void
  /** The relay has refused us, in these words. */
  readonly onRefused: (words: string) => void
}

const KIND = 22242
/** A relay must not make us sign without end (with a remote signer, that would be a person's patience). */
const CHALLENGES = { perSecond: 1 / 30, burst: 5 }

export const clientAuth = (o: AuthOptions, signal: AbortSignal): Auth => {
  let authed = false
  let bucket: Bucket | undefined
  let last: string | undefined
  let attempt: Promise<boolean> | undefined
  let awaited: { id: EventId; said: Deferred<boolean> } | undefined
  const first = deferred<undefined>()

  const answer = async (challenge: string, signer: Pick<Signer, 'signEvent'>): Promise<boolean> => {
    const template = {
      kind: KIND,
      created_at: toSec(o.clock.now()),
      tags: [
        ['relay', o.url],
        ['challenge', challenge],
      ],
      content: '',
    }
    try {
      const event = await within(o.clock, o.timeoutMs, signal, signer.signEvent(template))
      if (event === undefined) throw new Error('the signer did not answer in time')
      const said = deferred<boolean>()
      awaited = { id: event.id, said }
      if (!(await o.send(authFrame(event)))) return false
      const accepted = await within(o.clock, o.timeoutMs, signal, said.promise)
      if (accepted === undefined) o.log.warn('relay.auth-unanswered', { relay: o.url })
      return accepted ?? false
    } catch (error) {
      // Whatever a signer throws is no reason to stop: the relay may serve us without.
      o.log.warn('relay.auth-failed', { relay: o.url, reason: reasonOf(error) })
      return false
    }
  }

  /** Answers the last challenge, unless that is being done or was done. */
  const tryNow = (): void => {
    if (o.signer === undefined || last === undefined || attempt !== undefined) return
    const spent = spend(bucket, o.clock.now(), CHALLENGES)
    bucket = spent.bucket
    if (!spent.ok) return
    const mine = answer(last, o.signer).then((accepted) => {
      if (accepted) {
        authed = true
        o.onAuthed()
      } else if (attempt === mine) {
        attempt = undefined
      }
      return authed
    })
    attempt = mine
    first.resolve(undefined)
  }

  return {
    challenge: (challenge) => {
      if (challenge === last) return
      last = challenge
      attempt = undefined
      tryNow()
    },
    onOk: (id, ok, message) => {
      if (awaited?.id !== id) return false
      if (!ok) {
        o.log.warn('relay.auth-refused', { relay: o.url, reason: message })
        o.onRefused(message)
      }
      awaited.said.resolve(ok)
      return true
    },
    isAuthed: () => authed,
    settled: async () => {
      if (o.signer === undefined) return false
      tryNow()
      if (attempt === undefined) await within(o.clock, o.timeoutMs, signal, first.promise)
      return (await attempt) ?? authed
    },
  }
}

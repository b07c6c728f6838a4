import type { IncomingMessage } from 'node:http'
import { reasonOf } from '../../src/core/fault.js'
import type { Hashes } from '../../src/core/hashes.js'
import type { NostrEvent, Pubkey, UnixSec } from '../../src/core/types.js'
import type { Log } from '../../src/ports.js'
import type { Meters } from '../ops/meters.js'
import { coversBody, eventOfHeader, MAX_USED, openUsedOnce, refuseHttpAuth } from './http-auth.js'
import type { HttpRefusal } from './http-auth.js'
import { isShallow } from './json-depth.js'
import { callMethod } from './methods.js'
import type { Managed } from './methods.js'

/**
 * NIP-86: admins manage the relay by POST on its own URL. In this order, cheap before dear: the header's event for its form,
 * its time, its URL, whether its key is an admin's; its signature; the body, which it covers; that it is used once; and only
 * then what is asked. Whoever is no admin learns one constant sentence, and costs neither a signature nor a body.
 */
export interface Management {
  /** Never rejects. */
  answer(request: IncomingMessage, urls: readonly string[]): Promise<HttpAnswer>
}

export interface HttpAnswer {
  readonly status: number
  /** JSON */
  readonly body: string
}

export interface ManagementParts extends Managed {
  readonly isOurs: (url: string) => boolean
  readonly verify: (event: NostrEvent) => Promise<boolean>
  readonly hashes: Hashes
  readonly now: () => UnixSec
  readonly log: Log
  readonly meters: Meters['management']
}

export const RPC_TYPE = 'application/nostr+json+rpc'

export const isManagement = ({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): boolean =>
  method === 'POST' && headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() === RPC_TYPE

const MAX_BODY_BYTES = 64 * 1024
const BODY_TIMEOUT_MS = 10_000
const MAX_CALLS_AT_ONCE = 16
const MAX_PARAMS = 16
const MAX_METHOD_CHARS = 64

interface Call {
  readonly method: string
  readonly params: readonly unknown[]
}

const failure = (status: number, error: string): HttpAnswer => ({ status, body: JSON.stringify({ error }) })

export const openManagement = (parts: ManagementParts): Management => {
  const { now, log, meters, hashes } = parts
  const { moderation } = parts.store
  const used = openUsedOnce(MAX_USED, {
    entries: () => moderation.entries('used-call'),
    put: (id, until) => anyhow(() => moderation.put('used-call', id, until)),
    drop: (ids) => anyhow(() => moderation.dropAll('used-call', ids)),
  })
  const startedAt = now()
  let calls = 0

  const admit = async (request: IncomingMessage, urls: readonly string[]): Promise<NostrEvent | HttpRefusal> => {
    const event = eventOfHeader(request.headers.authorization)
    if (event === undefined)
      return { status: 401, words: 'needs Authorization: Nostr, and an event as base64 (NIP-98)' }
    const refusal = refuseHttpAuth(event, {
      method: 'POST',
      isOurs: (url) => urls.includes(url) || parts.isOurs(url),
      ...{ isAdmin: parts.isAdmin, now: now(), startedAt, hashes },
    })
    if (refusal !== undefined) return refusal
    return (await parts.verify(event)) ? event : { status: 401, words: 'the signature does not hold' }
  }

  const judge = async (request: IncomingMessage, urls: readonly string[]): Promise<HttpAnswer> => {
    const event = await admit(request, urls)
    if ('status' in event) {
      meters.refused++
      return failure(event.status, event.words)
    }
    const body = await bodyOf(request)
    if (typeof body === 'string') return failure(body === TOO_LONG ? 413 : 400, body)
    if (!coversBody(event, body, hashes)) return refuse(event.pubkey, 'the payload tag is not the hash of the body')
    if (!used.use(event.id, now())) return refuse(event.pubkey, 'this event was used already')
    const call = callOf(body)
    if (call === undefined) return failure(400, 'the body is not {"method": "...", "params": [...]}')
    return perform(call, event.pubkey)
  }

  /** Of an admin who proved to be one: worth a line. */
  const refuse = (key: Pubkey, words: string): HttpAnswer => {
    meters.refused++
    log.warn('management-refused', { admin: prefixOf(key), reason: words })
    return failure(401, words)
  }

  const perform = (call: Call, key: Pubkey): HttpAnswer => {
    const answer = callMethod(parts, call.method, call.params)
    meters.answered++
    const error = answer === undefined ? 'there is no such method; ask for supportedmethods' : undefined
    const said = answer ?? { error }
    // Which method and who, and whether it worked; never what it was about.
    const method = answer === undefined ? 'unknown' : call.method
    log.info('management-call', { method, admin: prefixOf(key), ok: 'result' in said })
    return { status: 200, body: JSON.stringify(said) }
  }

  return {
    answer: async (request, urls) => {
      if (calls >= MAX_CALLS_AT_ONCE) return failure(503, 'too many calls at once; try again')
      calls++
      try {
        return await judge(request, urls)
      } catch (error) {
        log.error('management-failed', { reason: reasonOf(error) })
        return failure(500, 'it could not be done now; try again')
      } finally {
        calls--
      }
    },
  }
}

/** Where the disk takes nothing, lists can still be read, and nothing can be changed: not by the same event either. */
const anyhow = (write: () => unknown): void => {
  try {
    write()
  } catch {
    // The call itself tells the admin, where it needs the disk.
  }
}

const prefixOf = (key: Pubkey): string => key.slice(0, 8)

const TOO_LONG = `the body has more than ${MAX_BODY_BYTES} bytes`

/** Why not, where it does not come whole. */
const bodyOf = async (request: IncomingMessage): Promise<Buffer | string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  const timer = setTimeout(() => request.destroy(new Error('the body took too long')), BODY_TIMEOUT_MS)
  try {
    // What is too long is left unread, not torn down: its sender is still to hear so.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) return TOO_LONG
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  } catch {
    return 'the body did not come whole'
  } finally {
    clearTimeout(timer)
  }
}

const callOf = (body: Buffer): Call | undefined => {
  const text = body.toString('utf8')
  if (!isShallow(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('method' in value)) return undefined
    const { method } = value
    const params: unknown = 'params' in value ? value.params : []
    if (typeof method !== 'string' || method.length > MAX_METHOD_CHARS) return undefined
    return Array.isArray(params) && params.length <= MAX_PARAMS ? { method, params } : undefined
  } catch {
    return undefined
  }
}

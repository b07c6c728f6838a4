import { WebSocket } from 'ws'
import { reasonOf } from '../../core/fault.js'
import { doubt, fine, trouble, type Finding } from './finding.js'

/** Whether relays answer: the handshake that everything needs, and the document, which tells more where there is one. */

export interface Reached {
  readonly finding: Finding
  /** Its clock minus ours, as far as its answer tells. */
  readonly skewMs?: number
}

const MAX_DOCUMENT_BYTES = 256 * 1024
const MAX_NAME_CHARS = 60

export const checkRelay = async (url: string, timeoutMs: number, check = 'relay'): Promise<Reached> => {
  const [opened, document] = await Promise.all([handshake(url, timeoutMs), readDocument(url, timeoutMs)])
  const skew = document.skewMs === undefined ? {} : { skewMs: document.skewMs }
  if (typeof opened === 'string') {
    const advice = 'see that the URL is right, that it runs, and that a firewall or proxy lets WebSockets through'
    return { finding: trouble(check, `${url} can not be reached: ${opened}`, advice), ...skew }
  }
  const found = `${url} answers in ${Math.round(opened)} ms`
  if (document.about === undefined) {
    return {
      finding: doubt(check, `${found}, but tells nothing of itself`, 'it may be no Nostr relay (NIP-11)'),
      ...skew,
    }
  }
  return { finding: fine(check, `${found}: ${document.about}`), ...skew }
}

/** How long it took, in milliseconds; or why not. */
const handshake = (url: string, timeoutMs: number): Promise<number | string> =>
  new Promise((resolve) => {
    const began = performance.now()
    let socket: WebSocket
    try {
      socket = new WebSocket(url, { handshakeTimeout: timeoutMs, perMessageDeflate: false, followRedirects: false })
    } catch (error) {
      resolve(reasonOf(error))
      return
    }
    // Also what ends the handshake once more after the answer: nobody waits for it.
    socket.on('error', (error) => resolve(reasonOf(error)))
    socket.once('open', () => {
      resolve(performance.now() - began)
      socket.terminate()
    })
  })

interface RelayDocument {
  readonly about?: string
  readonly skewMs?: number
}

/** NIP-11. Empty where it can't be read. */
const readDocument = async (url: string, timeoutMs: number): Promise<RelayDocument> => {
  try {
    const response = await fetch(url.replace(/^ws/, 'http'), {
      headers: { accept: 'application/nostr+json' },
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'manual',
    })
    const at = Date.parse(response.headers.get('date') ?? '')
    const skew = Number.isNaN(at) ? {} : { skewMs: skewOf(at, Date.now()) }
    const about = aboutOf(await textOf(response))
    return { ...skew, ...(about === undefined ? {} : { about }) }
  } catch {
    return {}
  }
}

/** The header has whole seconds: what lies within its second is no skew. */
const skewOf = (theirsMs: number, oursMs: number): number => {
  if (oursMs < theirsMs) return theirsMs - oursMs
  return -Math.max(0, oursMs - (theirsMs + 1_000))
}

const textOf = async ({ body }: Response): Promise<string> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > MAX_DOCUMENT_BYTES) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

const aboutOf = (text: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const name = 'name' in value && typeof value.name === 'string' ? value.name.slice(0, MAX_NAME_CHARS) : 'no name'
    const nips = 'supported_nips' in value && Array.isArray(value.supported_nips) ? value.supported_nips : []
    const limits = 'limitation' in value && typeof value.limitation === 'object' ? { ...value.limitation } : {}
    const terms = [
      ...(limits['auth_required' as never] === true ? ['AUTH'] : []),
      ...(limits['payment_required' as never] === true ? ['payment'] : []),
      ...(limits['restricted_writes' as never] === true ? ['to be on its list to write'] : []),
    ]
    const numbers = nips.filter((nip) => Number.isInteger(nip)).slice(0, 50)
    return `${name.replaceAll(/\s+/g, ' ')}, NIPs ${numbers.join(' ')}${terms.length === 0 ? '' : `; wants ${terms.join(', ')}`}`
  } catch {
    return undefined
  }
}

const DOUBT_MS = 30_000
/** Peers' node-infos are refused beyond. */
const TROUBLE_MS = 300_000
const EARLIEST_MS = Date.UTC(2025, 0)

/** Against the clocks of the relays: the nearest one, since one wrong relay says nothing of us. */
export const checkClock = (skewsMs: readonly number[], nowMs = Date.now()): Finding => {
  const time = new Date(nowMs).toISOString()
  const advice = 'set the clock, and keep it right with NTP'
  if (nowMs < EARLIEST_MS) return trouble('clock', `it is not ${time}`, advice)
  if (skewsMs.length === 0) return fine('clock', `${time}; no relay told its own`)
  const nearest = skewsMs.reduce((least, skew) => (Math.abs(skew) < Math.abs(least) ? skew : least))
  const seconds = Math.round(Math.abs(nearest) / 1_000)
  const found =
    seconds === 0 ? `${time}, as relays have it` : `${time}, ${seconds} s ${nearest > 0 ? 'behind' : 'ahead of'} relays`
  if (Math.abs(nearest) > TROUBLE_MS) return trouble('clock', found, advice)
  return Math.abs(nearest) > DOUBT_MS ? doubt('clock', found, advice) : fine('clock', found)
}

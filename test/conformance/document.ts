/** NIP-11, as far as a relay says it. */
export interface RelayDocument {
  readonly name?: unknown
  readonly supported_nips?: unknown
  readonly limitation?: Readonly<Record<string, unknown>>
}

export const NIP11_TYPE = 'application/nostr+json'

export const httpUrl = (url: string): string => url.replace(/^ws/, 'http')

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Rejects when there is no answer in time. */
export const httpAsk = async (url: string, init: RequestInit, timeoutMs: number): Promise<HttpAnswer> => {
  const response = await fetch(httpUrl(url), { ...init, signal: AbortSignal.timeout(timeoutMs) })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Undefined where the relay gives none. */
export const fetchDocument = async (url: string, timeoutMs: number): Promise<RelayDocument | undefined> => {
  try {
    const { status, text } = await httpAsk(url, { headers: { accept: NIP11_TYPE } }, timeoutMs)
    const document = JSON.parse(text) as unknown
    return status === 200 && typeof document === 'object' && document !== null ? document : undefined
  } catch {
    // A relay without a document is one that says nothing of itself.
    return undefined
  }
}

export const advertisedNips = (document: RelayDocument | undefined): readonly number[] => {
  const nips = document?.supported_nips
  return Array.isArray(nips) ? nips.filter((nip): nip is number => typeof nip === 'number') : []
}

/** A number of `limitation`; undefined where it is not said. */
export const limitOf = (document: RelayDocument | undefined, name: string): number | undefined => {
  const value = document?.limitation?.[name]
  return typeof value === 'number' ? value : undefined
}

/**
 * Relay URLs as one compares them: scheme and host in lowercase, the default port left out, no query, no trailing slash.
 * Undefined for what is no ws:// or wss:// URL.
 */
export const normalRelayUrl = (text: string): string | undefined => {
  if (text.length > MAX_URL_CHARS || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') return undefined
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
}

/**
 * The paths at which the relay is: `/`, and those of the URLs by which it is known. NIP-01 wants no other to be taken, or one
 * relay would look like many.
 */
export const pathsOf = (publicUrls: readonly string[]): ReadonlySet<string> =>
  new Set(['', ...publicUrls.map((url) => pathOf(new URL(url).pathname))])

/** Of what a request asks for: without its query, and without a slash at its end. */
export const pathOf = (target: string): string => (target.split('?')[0] ?? '').replace(/\/+$/, '')

export const MAX_URL_CHARS = 512

/**
 * The URLs under which a client can have reached this end of its TCP connection without anything in between. What the
 * client says of the host (its Host header) is not asked: another relay could pass our challenge on and say what it likes.
 */
export const urlsOfPlace = (address: string | undefined, port: number | undefined): string[] => {
  if (address === undefined || port === undefined) return []
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
  const hosts = [plain.includes(':') ? `[${plain}]` : plain]
  if (plain === '::1' || plain.startsWith('127.')) hosts.push('localhost')
  return hosts.flatMap((host) => normalRelayUrl(`ws://${host}:${port}`) ?? [])
}

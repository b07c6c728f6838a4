import { isIP } from 'node:net'

/** Whether only programs of this machine reach a server that listens there. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/**
 * Whether a request's Host header is one by which this server is meant to be asked. A web page can have its own name point
 * to an address in here and read what answers (DNS rebinding); it can't have its browser say another name. So addresses and
 * `localhost` are fine, and of names only those that the operator gave.
 */
export const isKnownHost = (header: string | undefined, names: readonly string[]): boolean => {
  const parts = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([a-zA-Z0-9._-]{1,253}))(?::\d{1,5})?$/.exec(header ?? '')
  const [, six, other] = parts ?? []
  if (six !== undefined) return isIP(six) === 6
  if (other === undefined) return false
  const name = other.toLowerCase()
  return name === 'localhost' || isIP(name) === 4 || names.some((known) => known.toLowerCase() === name)
}

import { isIP } from 'node:net'

/** Who is connected from where, so that one address can't take all the places. */
export interface Addresses {
  /** Undefined: there are too many from there. Else what to call, once, when this one has ended. */
  enter(address: string | undefined): (() => void) | undefined
}

/**
 * Loopback is not counted: who is there is a process of this machine, or a proxy that stands for many. A proxy elsewhere is
 * named by the operator; its connections are counted by what it says of its clients (`clientOf`).
 */
export const openAddresses = (maxEach: number, proxies: readonly string[] = []): Addresses => {
  const counts = new Map<string, number>()
  const exempt = new Set(proxies.map(plainAddress))
  return {
    enter: (address) => {
      if (address === undefined || isLoopback(address) || exempt.has(plainAddress(address))) return () => undefined
      const network = networkOf(address)
      const count = counts.get(network) ?? 0
      if (count >= maxEach) return undefined
      counts.set(network, count + 1)
      let ended = false
      return () => {
        if (ended) return
        ended = true
        const left = (counts.get(network) ?? 1) - 1
        if (left === 0) counts.delete(network)
        else counts.set(network, left)
      }
    },
  }
}

/**
 * The client for which a proxy stands: the last of X-Forwarded-For, which is the one that the proxy itself has seen; what
 * stands before it anybody can have written. Undefined where nobody stands between, or the proxy does not say.
 */
export const clientOf = (
  peer: string | undefined,
  forwardedFor: string | string[] | undefined,
  proxies: readonly string[],
): string | undefined => {
  if (peer === undefined || !proxies.map(plainAddress).includes(plainAddress(peer))) return undefined
  const last = [forwardedFor ?? []].flat().join(',').split(',').at(-1)?.trim() ?? ''
  return isIP(last) === 0 ? undefined : last
}

const plainAddress = (address: string): string => (address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address)
const MAPPED = '::ffff:'

const isLoopback = (address: string): boolean => {
  const plain = plainAddress(address)
  return plain === '::1' || plain.startsWith('127.')
}

/** An IPv4 address, or the first 64 bits of an IPv6 one: whoever has one of those has all of them. */
export const networkOf = (address: string): string => {
  const plain = plainAddress(address)
  if (isIP(plain) !== 6) return plain
  const [before = '', after] = plain.replace(/%.*/, '').split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length)
  const groups = [...head, ...new Array<string>(zeros).fill('0'), ...tail]
  return groups
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')
}

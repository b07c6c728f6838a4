import { afterEach, describe, expect, it } from 'vitest'
import { newKey, startForeign } from '../support/foreign-client.js'
import { startRelayProcess } from '../support/relay-process.js'

describe('the relay’s document (NIP-11)', () => {
  const toStop: (() => Promise<unknown>)[] = []
  afterEach(() => Promise.all(toStop.splice(0).map((stop) => stop())))

  it.each(['nostr-tools', 'ndk'] as const)('is read by %s', async (make) => {
    const { url, child } = await startRelayProcess('--name', 'the name', '--min-pow', '3')
    toStop.push(() => child.stop('SIGKILL'))
    const client = await startForeign(make, url, newKey())
    toStop.push(() => client.stop())

    const told = await client.info()

    const answer = await fetch(url.replace('ws:', 'http:'), { headers: { accept: 'application/nostr+json' } })
    expect(told).toEqual(await answer.json())
    expect(told).toMatchObject({ name: 'the name', limitation: { min_pow_difficulty: 3, auth_required: false } })
    expect(told['supported_nips']).toEqual(expect.arrayContaining([1, 9, 11, 42, 45, 59, 77]))
  })
})

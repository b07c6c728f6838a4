import { describe, expect, it } from 'vitest'
import { type Relay } from '../../../relay/index.js'
import { openNegentropy } from '../../../src/core/negentropy.js'
import { syncSet } from '../../../src/core/negentropy-set.js'
import { hexOf } from '../../../src/core/hex.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import type { Verifier } from '../../../src/ports.js'
import { type RelayClient } from '../../support/relay-client.js'
import { testRelays } from '../../support/test-relays.js'

const trusting: Verifier = { engine: 'none', verify: (proofs) => Promise.resolve(proofs.map(() => true)) }
const relays = testRelays()
const { connect } = relays
const start = (): Promise<Relay> =>
  relays.start({ verifier: trusting, limits: { maxTroublePerSec: 1, pingIntervalMs: 3_600_000 } })
const TIMES = 40
const repeat = (times: number, act: () => void): void => {
  for (let i = 0; i < times; i++) act()
}
const opening = hexOf(openNegentropy(syncSet([]), { hashes: nodeHashes }))

describe('a client whose messages are in vain is not read for a while', () => {
  it.each<[string, (client: RelayClient) => void]>([
    ['CLOSE of what is not open', (client) => client.send('CLOSE', 'never')],
    ['NEG-CLOSE of what is not open', (client) => client.send('NEG-CLOSE', 'never')],
    ['a ping', (client) => client.socket.ping()],
    ['a pong that nobody asked for', (client) => client.socket.pong()],
  ])('with %s', async (_, act) => {
    const relay = await start()
    const [bad, good] = [await connect(relay), await connect(relay)]

    repeat(TIMES, () => act(bad))
    for (let i = 0; i < 5; i++) await good.stored({ ids: [] })
    bad.send('REQ', 'later', { ids: [] })
    for (let i = 0; i < 20; i++) await good.stored({ ids: [] })

    expect(bad.heard).toEqual([])
  })

  it('and not where each of them ended something', async () => {
    const relay = await start()
    const client = await connect(relay)

    repeat(TIMES, () => {
      client.send('REQ', 'a', { ids: [] })
      client.send('CLOSE', 'a')
      client.send('NEG-OPEN', 'n', {}, opening)
      client.send('NEG-CLOSE', 'n')
    })

    expect(await client.stored({ ids: [] })).toEqual([])
  })
})

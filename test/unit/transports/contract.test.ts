import { verifyEvent } from 'nostr-tools/pure'
import { transportContract } from '../../contracts/transport.js'
import { startOddRelay } from '../../support/odd-relay.js'

/** The double passes the contract too, or what is tested with it would say nothing. */
transportContract('a relay in this process', async () => {
  const relay = await startOddRelay({
    answer: (event) => (verifyEvent({ ...event } as never) ? [true, ''] : [false, 'invalid: bad signature']),
  })
  return { url: relay.url, start: relay.start, kill: relay.stop, close: relay.stop }
})

import { describe, expect, it } from 'vitest'
import { refuseAuth } from '../../../relay/session/auth.js'
import { normalRelayUrl, urlsOfPlace } from '../../../relay/server/place.js'
import type { EventTemplate, NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { authTemplate } from '../../support/relay-client.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const OURS = 'wss://relay.example/nostr'
const alice = paperAuthor('alice')
const context = {
  challenge: 'riddle',
  isOurs: (url: string) => url === OURS,
  now: NOW as UnixSec,
  hashes: nodeHashes,
}
const sign = (over: Partial<EventTemplate> = {}): NostrEvent =>
  alice.sign({ ...authTemplate('riddle', OURS, NOW), ...over })
const forUrl = (relay: string): NostrEvent => sign(authTemplate('riddle', relay, NOW))

describe('an AUTH event', () => {
  it('is right with our URL, our challenge and a time within ten minutes', () => {
    expect(refuseAuth(sign(), context)).toBeUndefined()
    expect(refuseAuth(sign({ created_at: (NOW - 600) as UnixSec }), context)).toBeUndefined()
    expect(refuseAuth(sign({ created_at: (NOW + 600) as UnixSec }), context)).toBeUndefined()
  })

  const NOT_OURS = 'the relay tag is not a URL of this relay; its operator names those with --public-url'
  it.each([
    ['another kind', sign({ kind: 1 }), 'an AUTH event has kind 22242'],
    ['too old', sign({ created_at: (NOW - 601) as UnixSec }), "created_at is more than 600 s from this relay's clock"],
    ['too new', sign({ created_at: (NOW + 601) as UnixSec }), "created_at is more than 600 s from this relay's clock"],
    ['no challenge', sign({ tags: [['relay', OURS]] }), 'the challenge is not the one of this connection'],
    ['another challenge', sign(authTemplate('other', OURS, NOW)), 'the challenge is not the one of this connection'],
    ['no relay', sign({ tags: [['challenge', 'riddle']] }), NOT_OURS],
    ['another relay', forUrl('wss://evil.example/nostr'), NOT_OURS],
    ['a relay that begins like ours', forUrl('wss://relay.example.evil/nostr'), NOT_OURS],
    ['ours without encryption', forUrl('ws://relay.example/nostr'), NOT_OURS],
    ['a wrong id', { ...sign(), id: alice.sign().id }, 'id is not the hash of the event'],
  ])('is refused with %s', (_, event, words) => {
    expect(refuseAuth(event, context)).toBe(`invalid: ${words}`)
  })

  it.each(['WSS://Relay.Example/nostr', 'wss://relay.example:443/nostr/', 'wss://relay.example/nostr//'])(
    'may write our URL as %s',
    (url) => {
      expect(refuseAuth(forUrl(url), context)).toBeUndefined()
    },
  )
})

describe('a relay URL', () => {
  it('is ws or wss and not endless', () => {
    expect(normalRelayUrl('https://relay.example')).toBeUndefined()
    expect(normalRelayUrl('relay.example')).toBeUndefined()
    expect(normalRelayUrl(`wss://relay.example/${'x'.repeat(600)}`)).toBeUndefined()
    expect(normalRelayUrl('ws://Relay.Example:80')).toBe('ws://relay.example')
  })

  it('of a place is its address, and localhost where it is that', () => {
    expect(urlsOfPlace('127.0.0.1', 7447)).toEqual(['ws://127.0.0.1:7447', 'ws://localhost:7447'])
    expect(urlsOfPlace('::ffff:10.0.0.2', 80)).toEqual(['ws://10.0.0.2'])
    expect(urlsOfPlace('::1', 7447)).toEqual(['ws://[::1]:7447', 'ws://localhost:7447'])
    expect(urlsOfPlace(undefined, 7447)).toEqual([])
  })
})

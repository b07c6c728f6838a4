import { beforeAll, describe, expect, it } from 'vitest'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { authTemplate } from '../../support/relay-client.js'
import { ids } from '../../support/relay-store.js'
import { authorOf, type Author } from '../../support/signed.js'
import { testRelays } from '../../support/test-relays.js'

const NOW = 1_800_000_000
const NOT_THIS_CHALLENGE = 'invalid: the challenge is not the one of this connection'
let alice: Author
let bob: Author
let carol: Author
const { start, connect } = testRelays(NOW)

beforeAll(async () => {
  const engine = await openEngine()
  ;[alice, bob, carol] = [authorOf(engine, 'alice'), authorOf(engine, 'bob'), authorOf(engine, 'carol')]
})
const wrapFor = (to: Author, kind = 1059, by = carol): NostrEvent =>
  by.sign({ kind, tags: [['p', to.pubkey]], created_at: (NOW - 100_000) as UnixSec, content: 'sealed' })

describe('AUTH', () => {
  it('is asked for at connect, with another challenge each time', async () => {
    const relay = await start()
    const [one, other] = [await connect(relay), await connect(relay)]

    expect(await one.challenge).toMatch(/^[0-9a-f]{32}$/)
    expect(await one.challenge).not.toBe(await other.challenge)
  })

  it('lets several keys prove themselves on one connection, and each again', async () => {
    const relay = await start()
    const client = await connect(relay)

    const answers = [await client.authenticate(alice), await client.authenticate(bob), await client.authenticate(alice)]
    const [toAlice, toBob] = [wrapFor(alice), wrapFor(bob)]
    await client.publish(toAlice)
    await client.publish(toBob)

    expect(answers).toEqual(Array(3).fill({ accepted: true, reason: '' }))
    expect(ids(await client.stored({ kinds: [1059] })).sort()).toEqual([toAlice.id, toBob.id].sort())
  })

  it('is answered OK also where it is wrong, and then proves nothing', async () => {
    const relay = await start()
    const client = await connect(relay)
    const good = alice.sign(authTemplate(await client.challenge, relay.url, NOW))
    const forged = { ...good, sig: alice.sign().sig }
    const tellAuth = async (event: unknown): Promise<string> => {
      client.send('AUTH', event)
      const [, id, accepted, reason] = await client.take('OK')
      return `${id === (event as { id: string }).id} ${String(accepted)} ${String(reason)}`
    }

    expect(await tellAuth(forged)).toBe('true false invalid: the signature does not hold')
    expect(await tellAuth({ ...good, kind: 'x' })).toMatch(/^true false invalid: kind/)
    expect(await tellAuth(alice.sign(authTemplate('riddle', relay.url, NOW)))).toMatch(
      /^true false invalid: the challenge/,
    )
    await expect(client.stored({ kinds: [1059] })).rejects.toThrow('auth-required: ')
  })

  it('of another connection proves nothing here', async () => {
    const relay = await start()
    const [one, other] = [await connect(relay), await connect(relay)]
    const stolen = alice.sign(authTemplate(await one.challenge, relay.url, NOW))

    other.send('AUTH', stolen)

    expect(await other.take('OK', stolen.id)).toEqual(['OK', stolen.id, false, NOT_THIS_CHALLENGE])
  })

  it('events are neither taken as EVENT nor served', async () => {
    const relay = await start()
    const client = await connect(relay)
    const watcher = await connect(relay)
    watcher.send('REQ', 'all', {})
    await watcher.take('EOSE', 'all')
    const event = alice.sign(authTemplate(await client.challenge, relay.url, NOW))

    const answer = await client.publish(event)
    await client.authenticate(alice)
    const last = alice.sign()
    await client.publish(last)

    expect(answer).toEqual({ accepted: false, reason: 'invalid: kind 22242 is for AUTH only' })
    expect((await watcher.take('EVENT', 'all'))[2]).toEqual(last)
    expect(await client.stored({ kinds: [22_242] })).toEqual([])
  })

  it('takes the URLs under which the operator says the relay is known, and localhost', async () => {
    const relay = await start({ publicUrls: ['wss://Relay.Example/'] })
    const client = await connect(relay)

    expect(await client.authenticate(alice, 'wss://relay.example')).toMatchObject({ accepted: true })
    expect(await client.authenticate(bob, `ws://localhost:${relay.port}/`)).toMatchObject({ accepted: true })
    expect(await client.authenticate(carol, 'wss://other.example')).toMatchObject({ accepted: false })
  })

  it('has room for so many keys', async () => {
    const relay = await start({ limits: { maxAuthedKeys: 1 } })
    const client = await connect(relay, alice)

    expect(await client.authenticate(bob)).toEqual({
      accepted: false,
      reason: 'restricted: at most 1 keys on one connection',
    })
    expect(await client.authenticate(alice)).toMatchObject({ accepted: true })
  })

  it('lets an author publish what is protected', async () => {
    const relay = await start()
    const client = await connect(relay)
    const event = alice.sign({ tags: [['-']] })

    const before = await client.publish(event)
    await client.authenticate(bob)
    const asBob = await client.publish(event)
    await client.authenticate(alice)

    expect(before.reason).toMatch(/^auth-required: /)
    expect(asBob.reason).toMatch(/^restricted: /)
    expect(await client.publish(event)).toEqual({ accepted: true, reason: '' })
  })
})

describe('a gift wrap', () => {
  it('is served to the one it is for, and to nobody else: not by id, not by kind, not by {}', async () => {
    const relay = await start()
    const [nobody, author, recipient] = [await connect(relay), await connect(relay, carol), await connect(relay, alice)]
    const wrap = wrapFor(alice)
    await nobody.publish(wrap)

    for (const filter of [
      {},
      { ids: [wrap.id] },
      { '#p': [alice.pubkey] },
      { authors: [carol.pubkey] },
      { kinds: [1, 1059] },
    ]) {
      expect(await nobody.stored(filter)).toEqual([])
      expect(await author.stored(filter)).toEqual([])
      expect(await recipient.stored(filter)).toEqual([wrap])
    }
  })

  it.each([1059, 21_059])('of kind %i goes live to the one it is for alone, also behind limit:0', async (kind) => {
    const relay = await start()
    const [nobody, bobs, alices] = [await connect(relay), await connect(relay, bob), await connect(relay, alice)]
    for (const client of [nobody, bobs, alices]) {
      client.send('REQ', 'all', {})
      client.send('REQ', 'zero', { limit: 0 })
      await client.take('EOSE', 'all')
      await client.take('EOSE', 'zero')
    }
    const [wrap, last] = [wrapFor(alice, kind), bob.sign()]

    await nobody.publish(wrap)
    await nobody.publish(last)

    for (const name of ['all', 'zero']) {
      expect((await alices.take('EVENT', name))[2]).toEqual(wrap)
      expect((await bobs.take('EVENT', name))[2]).toEqual(last)
      expect((await nobody.take('EVENT', name))[2]).toEqual(last)
    }
  })

  it('that only the recipient could hear is told mute: when nobody may hear it', async () => {
    const relay = await start()
    const client = await connect(relay, bob)
    client.send('REQ', 'all', {})
    await client.take('EOSE')

    expect((await client.publish(wrapFor(alice, 21_059))).reason).toMatch(/^mute: /)
  })

  it('goes live to a subscription that is older than its AUTH', async () => {
    const relay = await start()
    const [reader, writer] = [await connect(relay), await connect(relay)]
    reader.send('REQ', 'all', {})
    await reader.take('EOSE')
    await reader.authenticate(alice)
    const wrap = wrapFor(alice)

    await writer.publish(wrap)

    expect((await reader.take('EVENT'))[2]).toEqual(wrap)
  })

  it('asked for alone is CLOSED: auth-required before AUTH, restricted for others', async () => {
    const relay = await start()
    const client = await connect(relay)

    await expect(client.stored({ kinds: [1059], '#p': [alice.pubkey] })).rejects.toThrow(/^auth-required: /)
    await expect(client.stored({ kinds: [1059, 21_059], limit: 0 })).rejects.toThrow(/^auth-required: /)
    await client.authenticate(bob)
    await expect(client.stored({ kinds: [1059], '#p': [alice.pubkey] })).rejects.toThrow(/^restricted: /)
    expect(await client.stored({ kinds: [1059] })).toEqual([])
  })

  it('is not counted against the limit of those who may not read it', async () => {
    const relay = await start()
    const client = await connect(relay)
    const plain = carol.sign({ created_at: (NOW - 200_000) as UnixSec })
    await client.publish(plain)
    await client.publish(wrapFor(alice))

    expect(await client.stored({ authors: [carol.pubkey], limit: 1 })).toEqual([plain])
  })
})

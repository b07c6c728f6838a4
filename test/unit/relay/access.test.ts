import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { enoughWork, leadingZeroBits } from '../../../relay/policy/access.js'
import { openAllowlist } from '../../../relay/policy/allowlist.js'
import { type Relay } from '../../../relay/index.js'
import { silentLog } from '../../../relay/log.js'
import { npubOf } from '../../../src/core/nodeinfo.js'
import type { Pubkey, UnixSec } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { testFolder } from '../../support/relay-store.js'
import { authorOf, paperAuthor, type Author } from '../../support/signed.js'
import { testRelays } from '../../support/test-relays.js'

const NOW = 1_800_000_000
const folder = testFolder()
let alice: Author
let bob: Author
const { start, connect } = testRelays(NOW)

beforeAll(async () => {
  const engine = await openEngine()
  ;[alice, bob] = [authorOf(engine, 'alice'), authorOf(engine, 'bob')]
})
const listOf = (...lines: string[]): string => {
  const file = join(folder(), 'keys.txt')
  writeFileSync(file, lines.join('\n'))
  return file
}
const limitationOf = async (relay: Relay): Promise<unknown> => {
  const url = relay.url.replace('ws:', 'http:')
  const response = await fetch(url, { headers: { accept: 'application/nostr+json' } })
  return ((await response.json()) as { limitation: unknown }).limitation
}

describe('a list of keys', () => {
  it('has npubs and hex, a line each, with remarks', () => {
    const list = openAllowlist(listOf('# us', `${npubOf(alice.pubkey)} # alice`, '', `  ${bob.pubkey}\r`), silentLog)

    expect([alice.pubkey, bob.pubkey, paperAuthor('x').pubkey].map((key) => list.has(key))).toEqual([true, true, false])
    list.close()
  })

  it('without a key shuts everybody out, and is warned about', () => {
    const warnings: unknown[] = []
    const file = listOf('# nobody yet')

    const list = openAllowlist(file, { ...silentLog, warn: (...said) => void warnings.push(said) })

    expect(list.has(alice.pubkey)).toBe(false)
    expect(warnings).toEqual([['allowlist-empty', { file }]])
    list.close()
  })

  it('that is wrong when the relay starts stops it with the line', async () => {
    await expect(start({ allowRead: listOf(alice.pubkey, 'nobody') })).rejects.toThrow(
      /keys\.txt line 2: no npub and no 64 lowercase hex$/,
    )
    const secret = `nsec1${'q'.repeat(58)}`
    await expect(start({ allowRead: listOf(secret) })).rejects.toThrow(
      /keys\.txt line 1: a secret key: take it out, and put the npub that belongs to it there$/,
    )
    await expect(start({ allowRead: '/nowhere/keys.txt' })).rejects.toThrow('cannot read /nowhere/keys.txt')
  })

  it('that becomes wrong, or goes away, changes nothing', () => {
    const file = listOf(alice.pubkey)
    const list = openAllowlist(file, silentLog)

    appendFileSync(file, '\nnobody')
    list.reload()
    const broken = list.has(alice.pubkey)
    rmSync(file)
    list.reload()

    expect([broken, list.has(alice.pubkey)]).toEqual([true, true])
    list.close()
  })

  it('is not read while it is being written: an empty file, or half of one, would shut others out', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      const file = listOf(alice.pubkey, bob.pubkey)
      const list = openAllowlist(file, silentLog)
      const atEachLook: boolean[] = []
      const look = (): void => {
        vi.advanceTimersByTime(1_000)
        atEachLook.push(list.has(bob.pubkey))
      }

      for (const written of ['', `${alice.pubkey}\n`, `${alice.pubkey}\n${bob.pubkey}\n`]) {
        writeFileSync(file, written)
        look()
      }
      look()
      writeFileSync(file, `${alice.pubkey}\n`)
      look()
      look()

      expect(atEachLook).toEqual([true, true, true, true, true, false])
      list.close()
    } finally {
      vi.useRealTimers()
    }
  })

  it('is read again when it changes, without being told', async () => {
    const file = listOf(alice.pubkey)
    const seen = new Promise<void>((resolve) => {
      const list = openAllowlist(file, {
        ...silentLog,
        info: () => {
          if (!list.has(bob.pubkey)) return
          list.close()
          resolve()
        },
      })
    })

    appendFileSync(file, `\n${bob.pubkey}\n`)

    await seen
  })
})

describe('a relay with a list of writers', () => {
  it('takes their events from anybody, anything from them, and nothing else', async () => {
    const relay = await start({ allowWrite: listOf(alice.pubkey) })
    const client = await connect(relay)

    const carried = await client.publish(alice.sign())
    const stranger = await client.publish(bob.sign())
    await client.authenticate(bob)
    const authed = await client.publish(bob.sign())
    await client.authenticate(alice)
    const brought = await client.publish(bob.sign())

    expect(carried).toEqual({ accepted: true, reason: '' })
    expect(stranger.reason).toMatch(/^auth-required: /)
    expect(authed.reason).toMatch(/^restricted: /)
    expect(brought.accepted).toBe(true)
  })

  it('is not deceived by an event that only names an allowed author', async () => {
    const client = await connect(await start({ allowWrite: listOf(alice.pubkey) }))

    expect(await client.publish({ ...alice.sign(), sig: bob.sign().sig })).toMatchObject({ accepted: false })
  })

  it('lets everybody read, and says in its document that writing is restricted', async () => {
    const relay = await start({ allowWrite: listOf(alice.pubkey) })
    const client = await connect(relay)
    const event = alice.sign()
    await client.publish(event)

    expect(await client.stored({})).toEqual([event])
    expect(await limitationOf(relay)).toMatchObject({ restricted_writes: true, auth_required: false })
  })
})

describe('a relay with a list of readers', () => {
  it('answers them and nobody else, and takes events of everybody', async () => {
    const relay = await start({ allowRead: listOf(alice.pubkey) })
    const client = await connect(relay)
    const event = bob.sign()

    const written = await client.publish(event)

    expect(written.accepted).toBe(true)
    await expect(client.stored({})).rejects.toThrow(/^auth-required: /)
    await expect(client.stored({ limit: 0 })).rejects.toThrow(/^auth-required: /)
    await client.authenticate(bob)
    await expect(client.stored({})).rejects.toThrow(/^restricted: /)
    await client.authenticate(alice)
    expect(await client.stored({})).toEqual([event])
    expect(await limitationOf(relay)).toMatchObject({ restricted_writes: false, auth_required: true })
  })

  it('stops to serve who is taken off the list, also what is open', async () => {
    const allowRead = listOf(alice.pubkey, bob.pubkey)
    const relay = await start({ allowRead })
    const [alices, bobs] = [await connect(relay), await connect(relay)]
    await alices.authenticate(alice)
    await bobs.authenticate(bob)
    for (const client of [alices, bobs]) {
      client.send('REQ', 'live', {})
      await client.take('EOSE')
    }

    writeFileSync(allowRead, bob.pubkey)
    relay.reload()
    await bobs.publish(bob.sign())
    await bobs.take('EVENT', 'live')

    await expect(alices.stored({})).rejects.toThrow(/^restricted: /)
    expect(alices.heard).toEqual([])
  })
})

describe('a relay with a list for the kinds of Kapnet', () => {
  it('takes 30000 to 30599 of those keys only, and other kinds of everybody', async () => {
    const client = await connect(await start({ allowKapnet: listOf(alice.pubkey) }))
    const take = async (author: Author, kind: number): Promise<unknown> =>
      (await client.publish(author.sign({ kind, created_at: (NOW - kind) as UnixSec }))).accepted

    expect([await take(alice, 30_000), await take(alice, 30_599)]).toEqual([true, true])
    expect([await take(bob, 30_000), await take(bob, 30_599)]).toEqual([false, false])
    expect([await take(bob, 29_999 - 10_000), await take(bob, 30_600), await take(bob, 30_023 + 600)]).toEqual([
      true,
      true,
      true,
    ])
  })
})

describe('proof of work', () => {
  it.each([
    ['f'.repeat(64), 0],
    ['7'.padEnd(64, 'f'), 1],
    ['002f'.padEnd(64, '0'), 10],
    ['0001'.padEnd(64, '0'), 15],
    ['0'.repeat(64), 256],
  ])('of %s is %i bits', (id, bits) => {
    expect(leadingZeroBits(id)).toBe(bits)
  })

  it('counts no luck where less was aimed at', () => {
    const context = { viewer: { keys: new Set<Pubkey>() }, now: NOW as UnixSec }
    const lucky = (aim?: string): ReturnType<Author['sign']> => ({
      ...bob.sign({ tags: aim === undefined ? [] : [['nonce', '7', aim]] }),
      id: '00'.padEnd(64, 'f') as ReturnType<Author['sign']>['id'],
    })
    const rule = enoughWork(8)

    expect(rule(lucky(), context)).toBeUndefined()
    expect(rule(lucky('8'), context)).toBeUndefined()
    expect(rule(lucky('7'), context)).toMatch(/^pow: the nonce tag/)
    expect(rule(lucky('much'), context)).toMatch(/^pow: the nonce tag/)
    expect(enoughWork(9)(lucky(), context)).toBe('pow: the id has 8 leading zero bits; at least 9')
  })

  it('is asked for by the relay that says so', async () => {
    const relay = await start({ minPow: 4 })
    const client = await connect(relay)
    const events = Array.from({ length: 64 }, (_, i) => bob.sign({ content: String(i) }))
    const mined = events.find(({ id }) => id.startsWith('0'))!
    const idle = events.find(({ id }) => !id.startsWith('0'))!

    expect((await client.publish(idle)).reason).toMatch(/^pow: /)
    expect(await client.publish(mined)).toEqual({ accepted: true, reason: '' })
    expect(await limitationOf(relay)).toMatchObject({ min_pow_difficulty: 4, restricted_writes: true })
  })
})

import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeHerm, startRelayPart, writeConfig, type HermPart, type RelayPart } from '../../src/cli/two-system/mesh.js'
import { REFUSAL_CODES, rememberRefusal, type RefusalCode } from '../../src/core/refusal.js'
import type { JsonObject, NostrEvent } from '../../src/core/types.js'
import type { Child } from '../../src/ops/child.js'
import { rm } from 'node:fs/promises'
import { eventually } from '../support/eventually.js'
import {
  envelopeText,
  handHerm,
  listen,
  nowSec,
  sha256Of,
  type Ear,
  type HandHerm,
  type HandTxxm,
  type HeardReceipt,
} from '../support/hand-herm.js'
import { startLaxRelay } from '../support/lax-part.js'
import { connectClient, type RelayClient } from '../support/relay-client.js'
import { daemonHolds, holds, isQuiet, markOf, meets, send, statusOf, takenBy } from '../support/running-herm.js'

// For every refusal code that can be reached over a relay: a real event, sent through a relay to a running bridge, ends as
// that refusal and as nothing else. It is counted; nothing is stored but a mark, where the contract wants one; nothing reaches
// the local daemon; a trusted sender who addressed it to us is told the code, nobody else is told anything; and the bridge
// takes the next good message as if nothing had been.
//
// Two codes can't be reached by anything that a peer sends:
// - `missing-fragment`: this bridge does not put fragments together. It takes note of one and nothing comes of it, so there is
//   never a whole whose parts are missing.
// - `local-unavailable`: said to local callers only, when the disk fails. wire.md 2.4: it is never sent; a daemon that is away
//   is waited for.
// `duplicate` is reached, but as the status of a receipt and not as a refusal: a known message is no mistake.

const NOT_REACHABLE: readonly RefusalCode[] = ['missing-fragment', 'local-unavailable']

interface Case {
  readonly code: RefusalCode
  readonly what: string
  /** Makes what is sent. Whatever has to be there before is sent and taken in here. */
  readonly make: () => Bad | Promise<Bad>
}

interface Bad {
  readonly events: readonly unknown[]
  /** `lax` lets through what an honest relay would not. */
  readonly via?: 'relay' | 'lax'
  /** What must not be taken. */
  readonly message?: string
  /** Who is told, about which event; absent: nobody. */
  readonly answer?: { readonly to: Ear; readonly event: NostrEvent; readonly ref?: string; readonly sealed?: boolean }
  /** The event that is marked; absent: none is. */
  readonly marked?: NostrEvent
  /** A message that was there is asked about once more: its sender's row says so. */
  readonly writesAnswer?: boolean
}

const friend = handHerm('herm-friend')
const second = handHerm('herm-second')
const stranger = handHerm('herm-stranger')
/** Trusted like the others, by their keys alone. */
const plain = handHerm('herm-plain')
const bare = handHerm('herm-bare')
/** Known to the bridge with narrow limits alone, so that nothing else counts against its rate. */
const neighbour = handHerm('herm-neighbour')

let dir: string
let relay: RelayPart
let lax: { url: string; child: Child }
let b: HermPart
let tight: HermPart
let toRelay: RelayClient
let toLax: RelayClient
const ears = {} as Record<'friend' | 'second' | 'stranger' | 'plain' | 'bare' | 'tight', Ear>

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ksp-refusals-'))
  ;[relay, lax] = await Promise.all([startRelayPart(dir), startLaxRelay('--filter')])
  const settings = {
    id: 'herm-qubes-beta',
    relays: [relay.url, lax.url],
    yaml: [
      'trust:',
      '  peers:',
      `    - { key: ${friend.npub}, id: ${friend.id}, kor: [sys.pluronymous.org], actions: ["room.*"] }`,
      `    - { key: ${second.npub}, id: ${second.id}, kor: [sys.pluronymous.org] }`,
      `    - ${plain.npub}`,
      `    - ${bare.npub}`,
      // Above what kapnetd takes, so that something can come as far as its refusal.
      'limits: { max_envelope: 2MiB }',
    ].join('\n'),
  }
  const tightSettings = {
    id: 'herm-tight',
    relays: [relay.url],
    kapnetd: false,
    yaml: `trust: { peers: [${neighbour.npub}] }\nlimits: { max_envelope: 4KiB, peer_rate: 1 }`,
  }
  ;[b, tight] = await Promise.all([makeHerm(dir, settings), makeHerm(dir, tightSettings)])
  writeConfig(b, settings, [])
  writeConfig(tight, tightSettings, [])
  await b.kapnetd.start()
  await Promise.all([b.bridge.start(), tight.bridge.start()])
  ;[toRelay, toLax] = await Promise.all([connectClient(relay.url), connectClient(lax.url)])
  ears.friend = await listen(relay.url, friend, b.key)
  ears.second = await listen(relay.url, second, b.key)
  ears.stranger = await listen(relay.url, stranger, b.key)
  ears.plain = await listen(relay.url, plain, b.key)
  ears.bare = await listen(relay.url, bare, b.key)
  ears.tight = await listen(relay.url, neighbour, tight.key)
  await Promise.all([meets(b, [tight.key]), meets(tight, [b.key])])
})

afterAll(async () => {
  await Promise.all([toRelay.close(), toLax.close(), ...Object.values(ears).map((ear) => ear.close())])
  await Promise.all([b.bridge.stop(), tight.bridge.stop()])
  await Promise.all([b.kapnetd.stop(), relay.stop(), lax.child.stop()])
  await rm(dir, { recursive: true, force: true })
})

const publish = async ({ events, via = 'relay' }: Pick<Bad, 'events' | 'via'>): Promise<void> => {
  for (const event of events) {
    const { accepted, reason } = await (via === 'lax' ? toLax : toRelay).publish(event)
    if (accepted !== true) throw new Error(`the relay refused what the bridge was to refuse: ${String(reason)}`)
  }
}

/** Resolves with the receipts when one of stage `done` is among them. */
const publishAndTake = async (event: NostrEvent, ear: Ear): Promise<HeardReceipt[]> => {
  await publish({ events: [event] })
  return eventually(
    'it is taken',
    () => ear.about(event.id),
    (heard) => heard.some((r) => r.stage === 'done'),
  )
}

/** A good message of the friend is delivered to the local daemon, and its receipt comes back. */
const serves = async (): Promise<void> => {
  const good = friend.txxm(b.key)
  const receipts = await publishAndTake(friend.sealed(good.envelope(), b.key), ears.friend)
  expect(receipts.every((r) => r.status === 'accepted' && r.ref === good.id && r.sealed)).toBe(true)
  expect(await daemonHolds(b, good.id)).toBe(true)
}

const refusalsOf = async (herm: HermPart, code: RefusalCode): Promise<number> =>
  (await statusOf(herm)).refusals[code] ?? 0

const other = (text: string): string => sha256Of({ other: text })
/** Signed for another content. */
const withSigOf = (event: NostrEvent, donor: NostrEvent): NostrEvent => ({ ...event, sig: donor.sig })

/** In the clear and addressed to b. */
const clearly = (from: HandHerm, text: string): NostrEvent => from.clear(text, b.key)

const CASES: readonly Case[] = [
  {
    code: 'bad-event',
    what: 'an event whose content was changed after it was signed',
    make: () => {
      const message = friend.txxm(b.key)
      const event = { ...clearly(friend, message.envelope()), created_at: nowSec() + 1 }
      return { events: [event], via: 'lax', message: message.id }
    },
  },
  {
    code: 'bad-event',
    what: 'an event without a proper shape',
    make: () => {
      const event = clearly(friend, friend.txxm(b.key).envelope())
      return {
        events: [
          { ...event, created_at: String(event.created_at) },
          { ...event, sig: undefined },
        ],
        via: 'lax',
      }
    },
  },
  {
    code: 'bad-signature',
    what: 'an event with the signature of another one',
    make: () => {
      const message = friend.txxm(b.key)
      const donor = clearly(friend, friend.txxm(b.key).envelope())
      return {
        events: [withSigOf(clearly(friend, message.envelope()), donor)],
        via: 'lax',
        message: message.id,
      }
    },
  },
  {
    code: 'bad-signature',
    what: 'an attestation of another message',
    make: () => {
      const message = friend.txxm(b.key)
      const attestation = friend.attest('txxm-envelope', friend.txxm(b.key).id)
      const event = clearly(friend, message.envelope({ attestation }))
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id },
      }
    },
  },
  {
    code: 'bad-signature',
    what: 'an attestation made for another type of message',
    make: () => {
      const message = friend.txxm(b.key)
      const event = friend.sealed(message.envelope({ attestation: friend.attest('task-envelope', message.id) }), b.key)
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id, sealed: true },
      }
    },
  },
  {
    code: 'bad-signature',
    what: 'a message without an attestation whose sender is not its carrier',
    make: () => {
      const message = second.txxm(b.key)
      const event = clearly(friend, message.envelope({ attestation: undefined }))
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id },
      }
    },
  },
  {
    code: 'bad-json',
    what: 'a content that is no JSON',
    make: () => {
      const event = clearly(friend, '{"kapnet":"0.2.0",')
      return { events: [event], marked: event, answer: { to: ears.friend, event } }
    },
  },
  {
    code: 'bad-json',
    what: 'a key that is there twice, the second hiding the first',
    make: () => {
      const message = friend.txxm(b.key)
      const event = clearly(friend, message.envelope().replace('{', '{"type":"hologram",'))
      return { events: [event], message: message.id, marked: event, answer: { to: ears.friend, event } }
    },
  },
  {
    code: 'bad-json',
    what: 'a ciphertext that was made for another key',
    make: () => {
      const message = friend.txxm(b.key)
      const event = { ...friend.sealed('x', b.key), content: friend.ciphertext(message.envelope(), second.key) }
      const signed = friend.sign({ tags: event.tags.map((t) => [...t]), content: event.content })
      return {
        events: [signed],
        message: message.id,
        marked: signed,
        answer: { to: ears.friend, event: signed, sealed: true },
      }
    },
  },
  {
    code: 'bad-schema',
    what: 'a TXXM without an action',
    make: () => {
      const message = friend.txxm(b.key, { action: undefined })
      const event = friend.sealed(message.envelope(), b.key)
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, sealed: true },
      }
    },
  },
  {
    code: 'bad-schema',
    what: 'a tag that tells another story than the content',
    make: () => {
      const message = friend.txxm(b.key)
      const event = friend.clear(message.envelope(), b.key, { tags: [['ns', other('name')]] })
      return { events: [event], message: message.id, marked: event, answer: { to: ears.friend, event } }
    },
  },
  {
    code: 'bad-hash',
    what: 'a sha256 of something else',
    make: () => {
      const message = friend.txxm(b.key)
      const sha256 = other('body')
      const event = clearly(friend, message.envelope({ sha256, attestation: friend.attest('txxm-envelope', sha256) }))
      return { events: [event], message: message.id, marked: event, answer: { to: ears.friend, event } }
    },
  },
  {
    code: 'unsupported-version',
    what: 'a later version',
    make: () => {
      const message = friend.txxm(b.key)
      const event = friend.sealed(message.envelope({ version: 2 }), b.key)
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, sealed: true },
      }
    },
  },
  {
    code: 'not-addressed',
    what: 'a message whose audience is another Herm',
    make: () => {
      const message = friend.txxm(second.key)
      const event = friend.sealed(message.envelope(), b.key)
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id, sealed: true },
      }
    },
  },
  {
    code: 'not-addressed',
    what: 'a message for a name that is not served here',
    make: () => {
      const message = friend.txxm(undefined, { target_kor: 'archive.room.kor' })
      const event = clearly(friend, message.envelope())
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id },
      }
    },
  },
  {
    code: 'untrusted-sender',
    what: 'a message of a stranger',
    make: () => {
      const message = stranger.txxm(b.key)
      return { events: [clearly(stranger, message.envelope())], message: message.id }
    },
  },
  {
    code: 'untrusted-sender',
    what: 'a message of a stranger, brought by a trusted Herm',
    make: () => {
      const message = stranger.txxm(b.key)
      const event = friend.sealed(message.envelope(), b.key)
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id, sealed: true },
      }
    },
  },
  {
    code: 'id-conflict',
    what: 'a stranger who claims the Herm id of another',
    make: () => {
      const event = stranger.nodeInfo({ id: friend.id })
      // A mark is kept for ever, so a stranger may not cause one: the bridge remembers this in memory alone.
      return { events: [event] }
    },
  },
  {
    code: 'id-conflict',
    what: 'a trusted Herm that claims a second id',
    make: () => {
      const event = second.nodeInfo({ id: 'herm-other' })
      return { events: [event], marked: event }
    },
  },
  {
    code: 'forbidden-kor',
    what: 'a message in the name of another Herm',
    make: () => {
      const message = friend.txxm(b.key, { source_kor: `${second.id}.sys.pluronymous.org` })
      const event = clearly(friend, message.envelope())
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id },
      }
    },
  },
  {
    code: 'forbidden-kor',
    what: 'a message from a namespace that was not granted',
    make: () => {
      const message = friend.txxm(b.key, { source_kor: `${friend.id}.room.kor` })
      const event = clearly(friend, message.envelope())
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id },
      }
    },
  },
  {
    code: 'forbidden-kor',
    what: 'a Herm of which nothing is known but its key, that takes the name of another',
    make: () => {
      const message = plain.txxm(b.key, { source_kor: `${second.id}.sys.pluronymous.org` })
      const event = plain.sealed(message.envelope(), b.key)
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.plain, event, ref: message.id, sealed: true },
      }
    },
  },
  {
    code: 'forbidden-action',
    what: 'an action that was not granted',
    make: () => {
      const message = friend.txxm(b.key, { action: 'admin.delete' })
      const event = clearly(friend, message.envelope())
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id },
      }
    },
  },
  {
    code: 'conflict',
    what: 'the body of an older Herm, which names no sender, brought by a second one',
    make: async () => {
      const message = plain.txxm(undefined, { sender: undefined, source_kor: 'agent.sys.pluronymous.org' })
      const text = message.envelope({ attestation: undefined })
      await publishAndTake(plain.clear(text, b.key), ears.plain)
      const event = bare.clear(text, b.key)
      return { events: [event], marked: event, answer: { to: ears.bare, event, ref: message.id }, writesAnswer: true }
    },
  },
  {
    code: 'expired',
    what: 'a message that was valid until an hour ago',
    make: () => {
      const message = friend.txxm(b.key, { valid_until: nowSec() - 3_600 })
      const event = clearly(friend, message.envelope())
      return {
        events: [event],
        message: message.id,
        marked: event,
        answer: { to: ears.friend, event, ref: message.id },
      }
    },
  },
  {
    code: 'not-yet-valid',
    what: 'a message that becomes valid in two hours',
    make: () => {
      const message = friend.txxm(b.key, { valid_from: nowSec() + 7_200 })
      const event = friend.sealed(message.envelope(), b.key)
      return {
        events: [event],
        message: message.id,
        answer: { to: ears.friend, event, ref: message.id, sealed: true },
      }
    },
  },
  {
    code: 'not-yet-valid',
    what: 'a node-info from the future',
    make: () => ({ events: [friend.nodeInfo({ status: 'offline' }, nowSec() + 900)], via: 'lax' }),
  },
  {
    code: 'no-such-agent',
    what: 'a task for an agent that is not here',
    make: () => {
      const task: JsonObject = {
        task_id: 'task-1',
        from: 'ezra',
        to: 'allegro',
        payload: { do: 'it' },
        sender: friend.key,
        nonce: '7',
        audience: [b.key],
      }
      const id = sha256Of(task)
      const text = envelopeText('task-envelope', 'task', task, { attestation: friend.attest('task-envelope', id) })
      const event = clearly(friend, text)
      return { events: [event], message: id, marked: event, answer: { to: ears.friend, event, ref: id } }
    },
  },
]

describe('what a bridge refuses', () => {
  for (const { code, what, make } of CASES) {
    it(`${code}: ${what}`, async () => {
      const bad = await make()
      await isQuiet(b)
      const taken = takenBy(b)
      const before = await refusalsOf(b, code)

      await publish(bad)

      await eventually(
        `${code} is counted`,
        () => refusalsOf(b, code),
        (count) => count > before,
      )
      const { answer } = bad
      if (answer !== undefined) {
        await eventually(
          'its sender is told',
          () => answer.to.about(answer.event.id),
          (heard) => heard.length > 0,
        )
      }
      expect({ ...takenBy(b), ...(bad.writesAnswer === true ? { answers: taken.answers } : {}) }).toEqual(taken)
      if (bad.message !== undefined) {
        expect(holds(b, bad.message)).toBe(false)
        expect(await daemonHolds(b, bad.message)).toBe(false)
      }
      for (const event of bad.events as readonly NostrEvent[]) {
        expect(markOf(b, event.id)?.code).toBe(event.id === bad.marked?.id ? code : undefined)
      }
      if (bad.marked !== undefined) {
        const lasts = rememberRefusal(code)
        expect(lasts).not.toBe('not')
        expect(markOf(b, bad.marked.id)?.generation === null).toBe(lasts === 'forever')
      }

      // It lives, and nobody else is told anything.
      await serves()
      await isQuiet(b)
      for (const ear of [ears.friend, ears.second, ears.stranger, ears.plain, ears.bare]) {
        for (const event of bad.events as readonly NostrEvent[]) {
          const told = ear.about(event.id)
          if (answer?.to !== ear || answer.event.id !== event.id) expect(told).toEqual([])
          else {
            const status = code === 'expired' ? 'expired' : 'rejected'
            expect(told).toMatchObject([{ status, code, sealed: answer.sealed === true }])
            expect(told[0]).not.toHaveProperty('stage')
            expect(told[0]?.ref).toBe(answer.ref)
          }
        }
      }
    })
  }

  it('bad-signature: a forged copy that came first does not keep out the true event', async () => {
    const message = friend.txxm(b.key)
    const event = friend.sealed(message.envelope(), b.key)
    const before = await refusalsOf(b, 'bad-signature')
    await publish({ events: [withSigOf(event, friend.sealed('x', b.key))], via: 'lax' })
    await eventually(
      'the forged copy is refused',
      () => refusalsOf(b, 'bad-signature'),
      (count) => count > before,
    )
    expect(holds(b, message.id)).toBe(false)

    const receipts = await publishAndTake(event, ears.friend)

    expect(receipts).toMatchObject([{ status: 'accepted', ref: message.id }])
    expect(await daemonHolds(b, message.id)).toBe(true)
  })

  it('duplicate: a new event with a known message is answered with where the message stands', async () => {
    const message = friend.txxm(b.key)
    await publishAndTake(friend.sealed(message.envelope(), b.key), ears.friend)
    await isQuiet(b)
    const taken = takenBy(b)
    const known = (await statusOf(b)).counts.known ?? 0
    const again = friend.sealed(message.envelope(), b.key)

    const receipts = await publishAndTake(again, ears.friend)

    expect(receipts).toMatchObject([{ status: 'duplicate', stage: 'done', ref: message.id, sealed: true }])
    expect(takenBy(b)).toEqual(taken)
    const { counts, refusals } = await statusOf(b)
    expect(counts.known).toBe(known + 1)
    expect(refusals.duplicate).toBe(0)
    await serves()
  })

  it('local-rejected: what the local daemon refuses is told as such, also when it is sent again', async () => {
    // More than kapnetd takes. It is well-formed and from a friend, so the braid holds it: only the daemon does not want it.
    const message = friend.txxm(b.key, { payload: { text: 'x'.repeat(1_100_000) } })
    const before = await refusalsOf(b, 'local-rejected')
    const first = friend.clear(message.envelope(), b.key)
    await publish({ events: [first], via: 'lax' })

    const told = await eventually(
      'its sender is told',
      () => ears.friend.about(first.id),
      (heard) => heard.some((r) => r.status === 'rejected'),
    )

    expect(told.at(-1)).toMatchObject({ code: 'local-rejected', ref: message.id, sealed: false })
    expect(told.some((r) => r.stage === 'done')).toBe(false)
    expect(await refusalsOf(b, 'local-rejected')).toBe(before + 1)
    expect(await daemonHolds(b, message.id)).toBe(false)
    expect(holds(b, message.id)).toBe(true)

    const again = friend.clear(message.envelope(), b.key, { created_at: nowSec() + 1 })
    await publish({ events: [again], via: 'lax' })
    const toldAgain = await eventually(
      'its sender is told again',
      () => ears.friend.about(again.id),
      (heard) => heard.length > 0,
    )
    expect(toldAgain).toMatchObject([{ status: 'rejected', code: 'local-rejected', ref: message.id }])
    expect(await daemonHolds(b, message.id)).toBe(false)
    await serves()
  })
})

describe('a bridge with wide limits', () => {
  // Quotes are written twice as long in the JSON of an event, once more than in the JSON of an envelope.
  const text = '"'.repeat(800_000)

  it('takes what its max_envelope allows, however long its event is', async () => {
    const message = friend.txxm(b.key, { payload: { text } })
    const event = friend.clear(message.envelope(), b.key)
    expect(JSON.stringify(event).length).toBeGreaterThan(3 * 1024 * 1024)

    await publish({ events: [event], via: 'lax' })

    // Too much for kapnetd, but that is for kapnetd to say.
    const told = await eventually(
      'its sender is told',
      () => ears.friend.about(event.id),
      (heard) => heard.some((r) => r.code === 'local-rejected'),
    )
    expect(told.at(-1)?.ref).toBe(message.id)
    expect(holds(b, message.id)).toBe(true)
    await serves()
  })

  it('sends what its max_envelope allows', async () => {
    const ear = await listen(lax.url, friend, b.key)

    const id = await send(b, { to: [friend.key], key: 'wide', public: true, payload: { text } })

    await eventually(
      'the message is there',
      () => ear.messages().some((m) => m.text.includes(id)),
      (there) => there,
    )
    await ear.close()
  })
})

describe('a bridge with narrow limits', () => {
  it('hears of a stranger, although a tenth of its rate is less than one message a second', async () => {
    await publish({ events: [stranger.nodeInfo()] })

    await meets(tight, [stranger.key])
  })

  it('too-large: a message beyond max_envelope is refused and its trusted sender told', async () => {
    const message = neighbour.txxm(tight.key, { payload: { text: 'x'.repeat(5_000) } })
    const event = neighbour.clear(message.envelope(), tight.key)
    await isQuiet(tight)
    const taken = takenBy(tight)
    await publish({ events: [event] })

    const told = await eventually(
      'its sender is told',
      () => ears.tight.about(event.id),
      (heard) => heard.length > 0,
    )

    expect(told).toMatchObject([{ status: 'rejected', code: 'too-large' }])
    expect(await refusalsOf(tight, 'too-large')).toBe(1)
    expect(markOf(tight, event.id)).toEqual({ code: 'too-large', generation: null })
    expect(takenBy(tight)).toEqual(taken)
    await tightServes()
  })

  it('too-large: an event beyond any envelope is not even looked at', async () => {
    const message = neighbour.txxm(tight.key, { payload: { text: 'x'.repeat(150_000) } })
    const event = neighbour.clear(message.envelope(), tight.key)
    await isQuiet(tight)
    const taken = takenBy(tight)
    const before = await refusalsOf(tight, 'too-large')
    await publish({ events: [event] })

    await eventually(
      'it is counted',
      () => refusalsOf(tight, 'too-large'),
      (count) => count > before,
    )

    expect(markOf(tight, event.id)).toBeUndefined()
    expect(takenBy(tight)).toEqual(taken)
    await tightServes()
    expect(ears.tight.about(event.id)).toEqual([])
  })

  it('hears receipts that come in an envelope larger than its messages may be', async () => {
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, n) => send(tight, { to: [neighbour.key], key: `many-${n}` })),
    )
    const got = await eventually(
      'all of them have come',
      () => ears.tight.messages().filter(({ text }) => ids.some((id) => text.includes(id))),
      (messages) => messages.length >= ids.length,
    )

    const text = neighbour.receipt(
      ...got.map(({ event }): JsonObject => ({ event: event.id, status: 'accepted', audience: [tight.key] })),
    )
    expect(text.length).toBeGreaterThan(2 * 4_096)
    await publish({ events: [neighbour.sealed(text, tight.key)] })

    await eventually(
      'every delivery is done',
      async () => (await statusOf(tight)).deliveries.done,
      (done) => done === ids.length,
    )
  })

  it('rate-limited: what comes faster than peer_rate is dropped without a word, and may come again', async () => {
    // No receipt, although the code is one that a sender may try again: an answer to each event of a flood would be a flood.
    const flood = Array.from({ length: 30 }, () => neighbour.txxm(tight.key))
    const events = flood.map((message) => neighbour.sealed(message.envelope(), tight.key))
    const before = await refusalsOf(tight, 'rate-limited')
    await publish({ events })

    await eventually(
      'every one of them was taken or refused',
      async () => (await refusalsOf(tight, 'rate-limited')) - before + takenOf(flood).length,
      (count) => count >= flood.length,
    )

    const dropped = flood.filter((message) => !holds(tight, message.id))
    expect(dropped.length).toBeGreaterThan(0)
    await tightServes()
    for (const [i, message] of flood.entries()) {
      if (!dropped.includes(message)) continue
      expect(ears.tight.about(events[i]!.id)).toEqual([])
      expect(markOf(tight, events[i]!.id)).toBeUndefined()
    }
    // What was dropped is no worse than any other message: its sender's next try is taken.
    await tightTakes(dropped[0]!)
  })
})

const takenOf = (messages: readonly HandTxxm[]): HandTxxm[] => messages.filter((m) => holds(tight, m.id))

/** Sends as a sender does: a new event for every try, until the receipt has come. */
const tightTakes = async (message: HandTxxm): Promise<void> => {
  const told = (): HeardReceipt[] => ears.tight.receipts().filter((r) => r.ref === message.id)
  while (told().length === 0) {
    const before = await refusalsOf(tight, 'rate-limited')
    await publish({ events: [neighbour.sealed(message.envelope(), tight.key)] })
    await eventually(
      'it is taken or refused',
      async () => told().length + (await refusalsOf(tight, 'rate-limited')),
      (count) => count > before,
    )
  }
  expect(told()[0]).toMatchObject({ stage: 'done' })
  expect(holds(tight, message.id)).toBe(true)
}
const tightServes = (): Promise<void> => tightTakes(neighbour.txxm(tight.key))

describe('the list of codes', () => {
  it('is covered above, but for those that cannot be reached', () => {
    const others: RefusalCode[] = ['duplicate', 'local-rejected', 'too-large', 'rate-limited']

    const covered = new Set([...CASES.map((c) => c.code), ...others, ...NOT_REACHABLE])

    expect([...REFUSAL_CODES].filter((code) => !covered.has(code))).toEqual([])
  })
})

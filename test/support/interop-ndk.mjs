// NDK as a client, with @nostr-dev-kit/sync for negentropy.
import { WebSocket } from 'ws'
import { chunks, say, secretHex, serve, url } from './interop-serve.mjs'

// Before NDK is loaded: Node 20 has none of its own.
globalThis.WebSocket = WebSocket
const {
  default: NDK,
  giftUnwrap,
  giftWrap,
  NDKEvent,
  NDKPrivateKeySigner,
  NDKRelayAuthPolicies,
  NDKRelaySet,
  NDKUser,
} = await import('@nostr-dev-kit/ndk')
const { Negentropy, NegentropyStorage } = await import('@nostr-dev-kit/sync')

const signer = secretHex === undefined ? undefined : new NDKPrivateKeySigner(secretHex)
const ndk = new NDK({
  explicitRelayUrls: [url],
  ...(signer === undefined ? {} : { signer }),
  enableOutboxModel: false,
  aiGuardrails: false,
})
if (signer !== undefined) ndk.relayAuthDefaultPolicy = NDKRelayAuthPolicies.signIn({ ndk })
await ndk.connect(10_000)
const relays = NDKRelaySet.fromRelayUrls([url], ndk)
const [relay] = relays.relays

/** Resolves at EOSE; rejects when the relay closes the subscription, but not where NDK will sign in and ask again. */
const subscribe = (filter, closeOnEose, onEvent) =>
  new Promise((resolve, reject) => {
    const sub = ndk.subscribe(
      filter,
      { closeOnEose, groupable: false, relaySet: relays, skipVerification: false },
      false,
    )
    sub.on('event', onEvent)
    sub.on('eose', () => resolve(sub))
    sub.on('closed', (_, reason) => {
      if (signer === undefined || !reason.startsWith('auth-required:')) reject(new Error(reason))
    })
    sub.start()
  })

const fetchAll = async (filter) => {
  const events = []
  const sub = await subscribe(filter, false, (event) => events.push(event.rawEvent()))
  sub.stop()
  return events
}

const send = async (event) => {
  try {
    await event.publish(relays)
  } catch (error) {
    // What a relay said is kept beside the message.
    const said = [...(error.errors?.values() ?? [])].map((e) => e.message).join()
    throw new Error(said || error.message, { cause: error })
  }
}

const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data) => Buffer.from(data).toString('hex')

/** NDK's own driver works on a cache adapter alone; what it does on the wire is done here. */
const reconcile = async (filter, events) => {
  const storage = new NegentropyStorage()
  for (const { created_at, id } of events) storage.insert(created_at, id)
  storage.seal()
  const protocol = new Negentropy(storage)
  const [have, need] = [[], []]
  const first = hex(await protocol.initiate())
  const { connectivity } = relay
  const answers = []
  let wake = () => undefined
  relay.registerProtocolHandler('NEG-MSG', (_, message) => (answers.push(message), wake()))
  relay.registerProtocolHandler('NEG-ERR', (_, message) => (answers.push(message), wake()))
  await connectivity.send(JSON.stringify(['NEG-OPEN', 'sync', filter, first]))
  for (;;) {
    while (answers.length === 0) await new Promise((resolve) => (wake = resolve))
    const [verb, , said] = answers.shift()
    if (verb === 'NEG-ERR') throw new Error(said)
    const round = await protocol.reconcile(bytes(said))
    have.push(...round.have.map(hex))
    need.push(...round.need.map(hex))
    if (round.nextMessage === undefined) break
    await connectivity.send(JSON.stringify(['NEG-MSG', 'sync', hex(round.nextMessage)]))
  }
  await connectivity.send(JSON.stringify(['NEG-CLOSE', 'sync']))
  return { have: [...new Set(have)], need: [...new Set(need)] }
}

serve({
  publish: async (template) => {
    const event = new NDKEvent(ndk, template)
    await event.sign()
    await send(event)
    return event.rawEvent()
  },
  fetch: fetchAll,
  watch: async (name, filter) => {
    await subscribe(filter, false, (event) => say({ live: name, id: event.id, event: event.rawEvent() }))
  },
  count: async (filter) => (await ndk.count(filter, {}, relays)).count,
  dm: async (to, text) => {
    const created_at = Math.floor(Date.now() / 1000)
    const { pubkey } = await signer.user()
    const rumor = new NDKEvent(ndk, { kind: 14, content: text, tags: [['p', to]], created_at, pubkey })
    const wrap = await giftWrap(rumor, new NDKUser({ pubkey: to }), signer)
    await send(wrap)
    return wrap.id
  },
  unwrap: async (wrap) => {
    const rumor = await giftUnwrap(new NDKEvent(ndk, wrap), undefined, signer)
    return { sender: rumor.pubkey, text: rumor.content }
  },
  compare: reconcile,
  info: () => relay.fetchInfo(true),
  sync: async (filter, events) => {
    const { have, need } = await reconcile(filter, events)
    const ours = new Set(have)
    for (const event of events) if (ours.has(event.id)) await send(new NDKEvent(ndk, event))
    const come = []
    for (const ids of chunks(need)) come.push(...(await fetchAll({ ids })))
    return { sent: have.length, received: come.length, held: [...events, ...come].map(({ id }) => id) }
  },
})

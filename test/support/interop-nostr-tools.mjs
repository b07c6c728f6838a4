// nostr-tools as a client: SimplePool for events, Relay for COUNT and negentropy (NIP-77).
import { nip77 } from 'nostr-tools'
import { fetchRelayInformation } from 'nostr-tools/nip11'
import { unwrapEvent, wrapEvent } from 'nostr-tools/nip17'
import { SimplePool, useWebSocketImplementation as useInPool } from 'nostr-tools/pool'
import { finalizeEvent } from 'nostr-tools/pure'
import { Relay, useWebSocketImplementation as useInRelay } from 'nostr-tools/relay'
import { WebSocket } from 'ws'
import { chunks, say, secret, serve, url } from './interop-serve.mjs'

useInPool(WebSocket)
useInRelay(WebSocket)

const onauth = secret === undefined ? undefined : async (template) => finalizeEvent(template, secret)
const auth = onauth === undefined ? {} : { onauth }
const pool = new SimplePool()
let relay

/** Resolves at EOSE; rejects when the relay closes the subscription before. */
const subscribe = (filter, onevent) =>
  new Promise((resolve, reject) => {
    const sub = pool.subscribeMany([url], filter, {
      ...auth,
      onevent,
      oneose: () => resolve(sub),
      onclose: (reasons) => reject(new Error(reasons.map((r) => r.reason ?? r).join())),
    })
  })

const fetchAll = async (filter) => {
  const events = []
  const sub = await subscribe(filter, (event) => events.push(event))
  sub.close()
  return events
}

const sendAll = async (events) => {
  for (const event of events) await Promise.all(pool.publish([url], event, auth))
}

const relayOf = async () => {
  if (relay !== undefined) return relay
  relay = await Relay.connect(url)
  if (onauth !== undefined) {
    // Its challenge comes with the first message.
    relay.onauth = undefined
    await new Promise((resolve) => relay.subscribe([{ kinds: [1], limit: 0 }], { oneose: resolve, onclose: resolve }))
    await relay.auth(onauth)
  }
  return relay
}

const reconcile = async (filter, events) => {
  const storage = new nip77.NegentropyStorageVector()
  for (const { created_at, id } of events) storage.insert(created_at, id)
  storage.seal()
  const [have, need] = [new Set(), new Set()]
  const on = await relayOf()
  await new Promise((resolve, reject) => {
    const sync = new nip77.NegentropySync(on, storage, filter, {
      onhave: (id) => have.add(id),
      onneed: (id) => need.add(id),
      onclose: (reason) => (reason === undefined ? resolve() : reject(new Error(reason))),
    })
    sync.start()
  })
  return { have: [...have], need: [...need] }
}

serve({
  publish: async (template) => {
    const event = finalizeEvent(template, secret)
    await sendAll([event])
    return event
  },
  fetch: fetchAll,
  watch: async (name, filter) => {
    await subscribe(filter, (event) => say({ live: name, id: event.id, event }))
  },
  count: async (filter) => (await relayOf()).count([filter], {}),
  dm: async (to, text) => {
    const wrap = wrapEvent(secret, { publicKey: to }, text)
    await sendAll([wrap])
    return wrap.id
  },
  unwrap: (wrap) => {
    const rumor = unwrapEvent(wrap, secret)
    return { sender: rumor.pubkey, text: rumor.content }
  },
  compare: reconcile,
  info: () => fetchRelayInformation(url),
  sync: async (filter, events) => {
    const { have, need } = await reconcile(filter, events)
    const ours = new Set(have)
    await sendAll(events.filter(({ id }) => ours.has(id)))
    const come = []
    for (const ids of chunks(need)) come.push(...(await fetchAll({ ids })))
    return { sent: have.length, received: come.length, held: [...events, ...come].map(({ id }) => id) }
  },
})

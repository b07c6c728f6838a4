// rust-nostr's SDK as a client: its WASM build, with what it takes from a browser that Node 20 has not.
import 'fake-indexeddb/auto'
import { createRequire } from 'node:module'
import { WebSocket } from 'ws'
import { say, secretHex, serve, url } from './interop-serve.mjs'

/** A browser hands a message over in a turn of its own; ws does at once, where nobody may listen yet. */
class PatientWebSocket extends WebSocket {
  constructor(...args) {
    super(...args)
    this.on('open', () => this.pause())
    this.on('newListener', (name) => {
      if (name === 'message') void Promise.resolve().then(() => this.resume())
    })
  }
}
globalThis.WebSocket = PatientWebSocket
// It looks for IndexedDB in what is a Window.
globalThis.Window = class {
  static [Symbol.hasInstance](thing) {
    return thing === globalThis
  }
}
const sdk = createRequire(import.meta.url)('@rust-nostr/nostr-sdk')
await sdk.loadWasmAsync()

/** Ends a wait for what will never come. */
const limit = () => sdk.Duration.fromSecs(30)
const keys = secretHex === undefined ? undefined : sdk.Keys.parse(secretHex)
const builder = new sdk.ClientBuilder()
  .database(await sdk.NostrDatabase.indexeddb('events'))
  .opts(new sdk.ClientOptions().automaticAuthentication(keys !== undefined))
const client = (keys === undefined ? builder : builder.signer(sdk.NostrSigner.keys(keys))).build()
await client.addRelay(url)
await client.connect()
await client.waitForConnection(limit())
const relay = await client.relay(url)

const raw = (event) => JSON.parse(event.asJson())
const filterOf = (filter) => sdk.Filter.fromJson(JSON.stringify(filter))

const sent = (output) => {
  if (output.success.length === 0) throw new Error(output.failed.map((item) => item.error).join())
}

/** By subscription: what is to be done when its stored part has ended. */
const waiting = new Map()
/** It waits for its time to run out where it is refused, and doesn't name what it asks by: the next refusal is for it. */
const refusals = new Set()
const unlessRefused = async (asked) => {
  let told
  const refused = new Promise((_, reject) => refusals.add((told = (reason) => reject(new Error(reason)))))
  return Promise.race([asked, refused]).finally(() => refusals.delete(told))
}
client.handleNotifications({
  handleEvent: async () => false,
  handleMsg: async (_, message) => {
    const [verb, name, said] = JSON.parse(message.asJson())
    const waiter = waiting.get(name)
    if (verb === 'EVENT' && waiter !== undefined) say({ live: name, id: said.id, event: said })
    if (verb === 'EOSE') waiter?.resolve()
    // After `auth-required` it signs in and asks again, where it has a key.
    if (verb === 'CLOSED' && (keys === undefined || !said.startsWith('auth-required:'))) {
      waiter?.reject(new Error(said))
      for (const tell of refusals) tell(said)
    }
    return false
  },
})

serve({
  publish: async ({ kind, content, tags, created_at }) => {
    const event = new sdk.EventBuilder(new sdk.Kind(kind), content)
      .tags(tags.map((tag) => sdk.Tag.parse(tag)))
      .customCreatedAt(sdk.Timestamp.fromSecs(created_at))
      .signWithKeys(keys)
    sent(await client.sendEvent(event))
    return raw(event)
  },
  fetch: async (filter) => {
    const found = await unlessRefused(relay.fetchEvents(filterOf(filter), limit(), sdk.ReqExitPolicy.exitOnEose()))
    return found.toVec().map(raw)
  },
  watch: async (name, filter) => {
    const done = new Promise((resolve, reject) => waiting.set(name, { resolve, reject }))
    await client.subscribeWithId(name, filterOf(filter))
    await done
  },
  count: async (filter) => Number(await unlessRefused(relay.countEvents(filterOf(filter), limit()))),
  dm: async (to, text) => {
    const output = await client.sendPrivateMsg(sdk.PublicKey.parse(to), text)
    sent(output)
    return output.id.toHex()
  },
  unwrap: async (wrap) => {
    const { sender, rumor } = await client.unwrapGiftWrap(sdk.Event.fromJson(JSON.stringify(wrap)))
    return { sender: sender.toHex(), text: rumor.content }
  },
  sync: async (filter, events) => {
    for (const event of events) await client.database.save_event(sdk.Event.fromJson(JSON.stringify(event)))
    const both = new sdk.SyncOptions().direction(sdk.SyncDirection.Both)
    const report = await relay.sync(filterOf(filter), both)
    const held = await client.database.query(filterOf(filter))
    return { sent: report.sent.length, received: report.received.length, held: held.toVec().map((e) => e.id.toHex()) }
  },
  compare: async (filter, events) => {
    for (const event of events) await client.database.save_event(sdk.Event.fromJson(JSON.stringify(event)))
    const options = new sdk.SyncOptions().direction(sdk.SyncDirection.Both).dry_run()
    const report = await relay.sync(filterOf(filter), options)
    return { have: report.local.map((id) => id.toHex()), need: report.remote.map((id) => id.toHex()) }
  },
})

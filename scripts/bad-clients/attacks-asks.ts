import { openBadClient, times } from './bad-client.js'
import type { Attack } from './bad-client.js'
import { outcomeOf } from './attacks-messages.js'

/** Questions: too many of them, too dear, too often. */

const hex = (i: number): string => i.toString(16).padStart(64, '0')
const HERE_AND_NOW = 1_700_000_000

const subscriptions: Attack = async (url) => {
  const client = await openBadClient(url)
  times(10_000, (i) => client.send('REQ', `s${i}`, { kinds: [1], until: 1 }))
  await Promise.all([client.told('EOSE', 64), client.told('CLOSED rate-limited', 900)])
  return outcomeOf(client)
}

/** Each is compared with every event of kind 1, and none matches. */
const subscriptionsOfMany: Attack = async (url) => {
  const clients = await Promise.all(times(160, () => openBadClient(url)))
  for (const client of clients) times(64, (i) => client.send('REQ', `s${i}`, { kinds: [1], until: 1 }))
  await Promise.all(clients.map((client) => client.told('EOSE', 64)))
  // They stay, and more are asked for in vain, while the good client goes on.
  for (const client of clients) times(20, (i) => client.send('REQ', `t${i}`, { kinds: [1] }))
  await Promise.all(clients.map((client) => client.told('CLOSED rate-limited', 20)))
  const open = clients.reduce((sum, { answers }) => sum + (answers['EOSE'] ?? 0), 0)
  for (const { webSocket } of clients) webSocket.terminate()
  return { open, EVENT: clients.reduce((sum, { answers }) => sum + (answers['EVENT'] ?? 0), 0) }
}

const values: Attack = async (url) => {
  const client = await openBadClient(url)
  times(20, (i) => client.send('REQ', `many${i}`, { authors: times(5_000, hex) }))
  times(60, (i) => client.send('REQ', `full${i}`, { authors: times(2_000, (n) => hex(2_000 * i + n)) }))
  await Promise.all([client.told('CLOSED invalid', 20), client.told('CLOSED rate-limited', 20)])
  return outcomeOf(client)
}

/** Thousands of index ranges to merge, again and again, on many connections at once. */
const merges: Attack = async (url) => {
  const clients = await Promise.all(times(20, () => openBadClient(url)))
  const filter = { kinds: times(40, (i) => i), authors: times(50, hex) }
  for (const client of clients) {
    times(30, (i) => client.send('REQ', `m${i}`, filter))
    times(30, (i) => client.send('COUNT', `c${i}`, filter))
  }
  await Promise.all(clients.map((client) => client.told('EOSE', 15)))
  for (const { webSocket } of clients) webSocket.terminate()
  return { EOSE: clients.reduce((sum, { answers }) => sum + (answers['EOSE'] ?? 0), 0) }
}

const storm: Attack = async (url) => {
  const client = await openBadClient(url)
  for (let i = 0; i < 20_000; i++) {
    client.send('REQ', 'storm', { limit: 5 })
    client.send('CLOSE', 'storm')
  }
  await client.told('CLOSED rate-limited', 900)
  return outcomeOf(client)
}

const counts: Attack = async (url) => {
  const client = await openBadClient(url)
  times(5_000, (i) => client.send('COUNT', `c${i}`, {}))
  await client.told('CLOSED rate-limited', 900)
  return outcomeOf(client)
}

const auths: Attack = async (url) => {
  const client = await openBadClient(url)
  const challenge = await client.challenge
  times(5_000, (i) =>
    client.send('AUTH', {
      ...{ id: hex(i), pubkey: hex(i), created_at: HERE_AND_NOW, kind: 22_242, content: '', sig: 'f'.repeat(128) },
      tags: [
        ['relay', url],
        ['challenge', challenge],
      ],
    }),
  )
  await Promise.all([client.told('OK invalid', 200), client.told('OK rate-limited', 700)])
  return outcomeOf(client)
}

const syncs: Attack = async (url) => {
  const client = await openBadClient(url)
  const ALL = '6100000200'
  times(3_000, (i) => client.send('NEG-OPEN', `n${i}`, {}, ALL))
  await Promise.all([client.told('NEG-ERR blocked', 100), client.told('NEG-ERR rate-limited', 500)])
  times(3_000, (i) => client.send('NEG-MSG', `n${i % 8}`, 'ff'.repeat(2_000)))
  await client.told('NEG-ERR closed', 1)
  return outcomeOf(client)
}

export const ASK_ATTACKS = {
  ...{ subscriptions, 'subscriptions-of-many': subscriptionsOfMany, values, merges, storm, counts, auths, syncs },
} as const

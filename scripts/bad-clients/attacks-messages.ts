import { openBadClient, times } from './bad-client.js'
import type { Attack, BadClient, Outcome } from './bad-client.js'

/** Messages that are no messages, or too much of one. */

const LEVELS = 100_000
const DEEP = '['.repeat(LEVELS) + ']'.repeat(LEVELS)
const ID = 'e'.repeat(64)
const SIG = 'f'.repeat(128)

const outcomeOf = async (client: BadClient, more: Outcome = {}): Promise<Outcome> => {
  const open = client.webSocket.readyState === client.webSocket.OPEN
  if (open) client.webSocket.terminate()
  return { ...client.answers, ...more, ...(open ? {} : { ended: await client.ended }) }
}

const garbage: Attack = async (url) => {
  const client = await openBadClient(url)
  times(20_000, (i) => client.sendText(`${'{[garbage'.repeat(i % 20)}${i}`))
  await client.told('NOTICE invalid', 1_000)
  return outcomeOf(client)
}

const binary: Attack = async (url) => {
  const client = await openBadClient(url)
  times(2_000, () => client.webSocket.send(Buffer.alloc(500)))
  await client.told('NOTICE invalid', 900)
  return outcomeOf(client)
}

const long: Attack = async (url) => {
  const client = await openBadClient(url)
  client.sendText(`["EVENT",{"id":"${ID}","content":"${'x'.repeat(1_500_000)}"}]`)
  client.sendText(`["REQ","long",{"#t":["${'x'.repeat(1_500_000)}"]}]`)
  await Promise.all([client.told('OK invalid'), client.told('CLOSED invalid')])
  client.sendText('x'.repeat(10_000_000))
  await client.ended
  return outcomeOf(client)
}

const deep: Attack = async (url) => {
  const client = await openBadClient(url)
  for (let round = 0; round < 20; round++) {
    client.sendText(DEEP)
    client.sendText(`["EVENT",{"id":"${ID}","tags":${DEEP}}]`)
    client.sendText(`["REQ","deep",{"kinds":${DEEP}}]`)
    client.sendText(`["X",${'{"a":'.repeat(LEVELS)}1${'}'.repeat(LEVELS)}]`)
  }
  await Promise.all([
    client.told('NOTICE invalid', 20),
    client.told('OK invalid', 10),
    client.told('CLOSED invalid', 10),
  ])
  return outcomeOf(client)
}

const parts: Attack = async (url) => {
  const client = await openBadClient(url)
  times(30, () => client.sendText(`["REQ","parts",[${'{},'.repeat(300_000)}0]]`))
  await client.told('CLOSED invalid', 15)
  return outcomeOf(client)
}

const utf8: Attack = async (url) => {
  const client = await openBadClient(url)
  client.webSocket.send(
    Buffer.concat([Buffer.from('["REQ","'), Buffer.from([0xc3, 0x28, 0xff]), Buffer.from('",{}]')]),
    {
      binary: false,
    },
  )
  await client.ended
  return outcomeOf(client)
}

const tags: Attack = async (url) => {
  const client = await openBadClient(url)
  const event = (count: number): unknown => ({
    ...{ id: ID, pubkey: ID, created_at: 1, kind: 1, content: '', sig: SIG },
    tags: times(count, (i) => ['t', String(i)]),
  })
  times(10, () => client.send('EVENT', event(10_000)))
  times(10, () => client.send('EVENT', event(40_000)))
  await client.told('OK invalid', 20)
  return outcomeOf(client)
}

const longIds: Attack = async (url) => {
  const client = await openBadClient(url)
  times(20, (i) => client.send('REQ', `${i}`.padEnd(1_000_000, 'x'), {}))
  await client.told('NOTICE invalid', 10)
  return outcomeOf(client)
}

/** Right in form, signed by nobody: each costs a hash, and most a signature. */
const forgeries: Attack = async (url) => {
  const client = await openBadClient(url)
  times(5_000, (i) =>
    client.send('EVENT', {
      ...{ pubkey: ID, created_at: i, kind: 1, content: '', tags: [], sig: SIG },
      id: i.toString(16).padStart(64, '0'),
    }),
  )
  await client.told('OK invalid', 1_000)
  return outcomeOf(client)
}

export const MESSAGE_ATTACKS = {
  garbage,
  binary,
  long,
  deep,
  parts,
  utf8,
  tags,
  'long-ids': longIds,
  forgeries,
} as const
export { outcomeOf }

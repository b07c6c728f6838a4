import { nip77 } from 'nostr-tools'
import type { Signed } from './author.js'
import type { Client, Frame } from './client.js'
import { expect, shown } from './rule.js'

/** NIP-77 as a client does it, by an implementation that is none of ours. */
export interface Compared {
  /** Ids that we have and the relay has not, and the other way round. */
  readonly have: readonly string[]
  readonly need: readonly string[]
  readonly rounds: number
  /** The relay's NEG-ERR, where it refused. */
  readonly refusal?: string
}

const MAX_ROUNDS = 100

export const firstMessage = (events: readonly Signed[]): string => engineOf(events).initiate()

const engineOf = (events: readonly Signed[]): nip77.Negentropy => {
  const storage = new nip77.NegentropyStorageVector()
  for (const { created_at, id } of events) storage.insert(created_at, id)
  storage.seal()
  return new nip77.Negentropy(storage, 60_000)
}

/** Its answers under one id, oldest first. */
export const negAnswers = (client: Client, id: string): Frame[] =>
  client.heard.filter((f) => (f[0] === 'NEG-MSG' || f[0] === 'NEG-ERR') && f[1] === id)

export const compare = async (client: Client, filter: object, events: readonly Signed[] = []): Promise<Compared> => {
  const [id, engine] = [client.freshId(), engineOf(events)]
  const [have, need]: [string[], string[]] = [[], []]
  client.send('NEG-OPEN', id, filter, engine.initiate())
  for (let rounds = 1; rounds <= MAX_ROUNDS; rounds++) {
    const frame = await client.until('NEG-MSG or NEG-ERR', () => negAnswers(client, id)[rounds - 1])
    if (frame[0] === 'NEG-ERR') return { have, need, rounds, refusal: String(frame[2]) }
    const next = engine.reconcile(
      String(frame[2]),
      (known) => have.push(known),
      (wanted) => need.push(wanted),
    )
    if (next === null) {
      client.send('NEG-CLOSE', id)
      return { have, need, rounds }
    }
    client.send('NEG-MSG', id, next)
  }
  expect(false, `it did not converge in ${MAX_ROUNDS} rounds`)
}

/** What the relay has for this filter; a refusal breaks the rule. */
export const need = async (client: Client, filter: object): Promise<readonly string[]> => {
  const compared = await compare(client, filter)
  expect(compared.refusal === undefined, `the sync was refused: ${shown(compared.refusal)}`)
  return compared.need
}

import { eventId } from '../../src/core/event.js'
import type { EventTemplate, NostrEvent, Pubkey, Signature, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { CryptoEngine } from '../../src/ports.js'
import type { Chance } from '../kill9/chance.js'

/** Signed events of all classes, as several authors write them; deletions and requests to vanish for what was written before. */
export interface Workload {
  next(): NostrEvent
}

interface Author {
  readonly pubkey: Pubkey
  sign(template: Pick<EventTemplate, 'kind' | 'tags' | 'content'> & { age: number }): NostrEvent
}

const AUTHORS = 6
const MAX_AGE_SEC = 100_000
const MAX_TARGETS = 200
/** Deletions name what was written lately. */
const REMEMBERED = 300

export const openWorkload = (engine: CryptoEngine, chance: Chance, label: string, nowSec: number): Workload => {
  const authors = Array.from({ length: AUTHORS }, (_, i) => authorOf(engine, `${label} ${i}`, nowSec))
  const lately: NostrEvent[] = []
  let written = 0

  const padding = (): string => 'x'.repeat(chance.below(1_500))
  const age = (): number => chance.below(MAX_AGE_SEC)

  const deletion = (author: Author): NostrEvent => {
    const number = chance.below(10) === 0 ? MAX_TARGETS : 3
    const targets = chance.shuffled(lately).filter((event) => event.pubkey === author.pubkey)
    const tags = targets.slice(0, number).map((event) => ['e', event.id])
    if (chance.below(3) === 0) tags.push(['a', `30078:${author.pubkey}:${chance.below(4)}`])
    return author.sign({ kind: 5, age: age(), tags, content: '' })
  }

  const make = (): NostrEvent => {
    const author = chance.pick(authors)
    const other = chance.pick(authors)
    const content = `${written} ${padding()}`
    const roll = chance.below(1_000)
    if (roll < 500) {
      const tags = [
        ['p', other.pubkey],
        ['t', String(chance.below(20))],
      ]
      return author.sign({ kind: 1, age: age(), tags, content })
    }
    if (roll < 650) return author.sign({ kind: chance.pick([0, 10_002]), age: age(), tags: [], content })
    if (roll < 780) return author.sign({ kind: 30_078, age: age(), tags: [['d', String(chance.below(4))]], content })
    if (roll < 900) return author.sign({ kind: 1059, age: age(), tags: [['p', other.pubkey]], content })
    if (roll < 995) return deletion(author)
    // An old one: most of what its author writes stays.
    return author.sign({
      kind: 62,
      age: MAX_AGE_SEC - chance.below(20_000),
      tags: [['relay', 'ALL_RELAYS']],
      content: '',
    })
  }

  return {
    next: () => {
      const event = make()
      written++
      lately.push(event)
      if (lately.length > REMEMBERED) lately.shift()
      return event
    },
  }
}

const AUX = new Uint8Array(32)

const authorOf = (engine: CryptoEngine, name: string, nowSec: number): Author => {
  const secret = nodeHashes.sha256(name)
  const pubkey = Buffer.from(engine.publicKey(secret)).toString('hex') as Pubkey
  return {
    pubkey,
    sign: ({ age, ...rest }) => {
      const template = { ...rest, pubkey, created_at: (nowSec - age) as UnixSec }
      const id = eventId(template, nodeHashes)
      const sig = Buffer.from(engine.sign(Buffer.from(id, 'hex'), secret, AUX)).toString('hex') as Signature
      return { ...template, id, sig }
    },
  }
}

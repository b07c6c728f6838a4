import { describe, expect, it } from 'vitest'
import { MAX_KNOWN_EXPIRED } from '../../../relay/store/scan.js'
import { openEventStore, type EventStore } from '../../../relay/store/store.js'
import type { UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ids } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const alice = paperAuthor('alice')

/** So many end in one second, beside three that stay. */
const stored = (ending: number): { store: EventStore; staying: string[] } => {
  const store = openEventStore(':memory:', nodeHashes)
  const events = Array.from({ length: ending + 3 }, (_, i) =>
    alice.sign({
      content: String(i),
      created_at: (NOW - i) as UnixSec,
      tags: i % Math.ceil((ending + 3) / 3) === 0 ? [] : [['expiration', String(NOW + 5)]],
    }),
  )
  store.write(events.map(asIncoming), NOW as UnixSec)
  return { store, staying: ids(events.filter(({ tags }) => tags.length === 0)) }
}

describe('what COUNT and a comparison read when much has expired and is not removed yet', () => {
  it.each([
    ['a few', 30],
    ['more than is read at once', MAX_KNOWN_EXPIRED + 30],
  ])('is what has not: %s', (_, ending) => {
    const { store, staying } = stored(ending)
    const options = { upToSeq: store.lastSeq(), maxLimit: Infinity, now: () => (NOW + 10) as UnixSec }

    const found: string[] = []
    const source = store.scanEntries([{ kinds: [1] }], options)
    for (let step = source.next(); step.done !== true; step = source.next()) {
      if (step.value !== undefined) found.push(Buffer.from(step.value.id).toString('hex'))
    }

    expect(found).toEqual(staying)
    store.close()
  })
})

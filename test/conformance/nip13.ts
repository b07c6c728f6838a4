import { mined } from './author.js'
import { limitOf } from './document.js'
import { rule, same } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-13: on a relay that wants work. */
export const RULES: readonly Rule[] = [
  rule(
    'nip13-enough',
    'an id with as many leading zero bits as the relay wants is taken',
    async (g) => {
      const [client, want] = [await g.connect(), g.own().minPow]
      await client.store(
        mined(
          g.author(),
          (bits) => bits >= want,
          {},
          (nonce) => ['nonce', String(nonce), String(want)],
        ),
      )
    },
    'work',
  ),
  rule(
    'nip13-too-little',
    'an id with one bit less is refused with pow:, bits being counted, not hex digits',
    async (g) => {
      const [client, want] = [await g.connect(), g.own().minPow]
      await client.refuses(
        mined(g.author(), (bits) => bits === want - 1),
        'pow',
      )
    },
    'work',
  ),
  rule(
    'nip13-no-commitment',
    'work without a nonce tag that says its aim is work',
    async (g) => {
      const [client, want] = [await g.connect(), g.own().minPow]
      await client.store(
        mined(
          g.author(),
          (bits) => bits >= want,
          {},
          (nonce) => ['x', String(nonce)],
        ),
      )
    },
    'work',
  ),
  rule(
    'nip13-claim',
    'a nonce tag that claims work is none',
    async (g) => {
      const client = await g.connect()
      await client.refuses(
        mined(
          g.author(),
          (bits) => bits < 4,
          {},
          (nonce) => ['nonce', String(nonce), '40'],
        ),
        'pow',
      )
    },
    'work',
  ),
  rule(
    'nip13-lucky',
    'where the nonce tag aims lower than the relay wants, luck does not count',
    async (g) => {
      const [client, want] = [await g.connect(), g.own().minPow]
      const lucky = mined(
        g.author(),
        (bits) => bits >= want,
        {},
        (nonce) => ['nonce', String(nonce), String(want - 4)],
      )
      await client.refuses(lucky, 'pow')
    },
    'work',
  ),
  rule(
    'nip13-told',
    'the document says the number as min_pow_difficulty',
    (g) => {
      same(limitOf(g.document, 'min_pow_difficulty'), g.own().minPow, 'what is said')
      return Promise.resolve()
    },
    'work',
  ),
]

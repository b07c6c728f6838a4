import { npubEncode } from 'nostr-tools/nip19'
import { describe, expect, it } from 'vitest'
import { canonical } from '../../../src/core/canonical.js'
import type { Envelope, Txxm } from '../../../src/core/envelope-types.js'
import type { Hashes } from '../../../src/core/hashes.js'
import { checkNodeInfo, keyOf, nodeInfoTemplate, npubOf } from '../../../src/core/nodeinfo.js'
import { checkTags, pKeys, p16, txxmTags } from '../../../src/core/tags.js'
import type { HermId, MessageId, Pubkey, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

const alpha = nodeHashes.sha256Hex('alpha') as Pubkey
const beta = nodeHashes.sha256Hex('beta') as Pubkey
const body: Txxm = { type: 'vote', action: 'a', target_kor: 'Room.KOR', source_kor: 'x.y', payload: { a: 1 } }
const bodyText = canonical(body as never)
const sha256 = nodeHashes.sha256Hex(bodyText) as MessageId
const envelope: Envelope = { type: 'txxm-envelope', body, bodyText, sha256 }

describe('the keys of an event', () => {
  it('are read from hex and from npub alike, each once', () => {
    const tags = [
      ['p', alpha],
      ['p', npubEncode(beta), 'wss://relay.example'],
      ['p', beta],
      ['p'],
      ['P', alpha],
      ['e', alpha],
    ]

    expect(pKeys({ tags })).toEqual([alpha, beta])
  })

  it('are not read from anything else', () => {
    const wrong = [
      alpha.toUpperCase(),
      alpha.slice(1),
      npubEncode(alpha).toUpperCase(),
      `${npubEncode(alpha).slice(0, -1)}q`,
      '',
    ]

    expect(pKeys({ tags: wrong.map((value) => ['p', value]) })).toEqual([])
  })

  it('are read from a few npubs and not from two thousand', () => {
    const npubs = Array.from({ length: 2_000 }, (_, i) => ['p', npubEncode(nodeHashes.sha256Hex(`key ${i}`))])

    expect(pKeys({ tags: [...npubs, ['p', alpha]] })).toHaveLength(33)
  })

  it('have two written forms that lead to one another', () => {
    expect(keyOf(npubOf(alpha))).toBe(alpha)
    expect(keyOf(alpha)).toBe(alpha)
    expect(keyOf(`nsec${npubOf(alpha).slice(4)}`)).toBeUndefined()
    expect(keyOf('npub1')).toBeUndefined()
  })
})

describe('the tags of a message', () => {
  const tags = txxmTags({ id: sha256, txxm: body, to: beta, expiration: 9 as UnixSec }, nodeHashes)

  it('fit it as we write them', () => {
    expect(checkTags({ tags }, envelope, nodeHashes).ok).toBe(true)
    expect(tags).toContainEqual(['d', `txxm-${sha256}-${p16(beta)}`])
    expect(tags).toContainEqual(['ns', nodeHashes.sha256Hex('room.kor')])
  })

  it.each(['d', 'id', 'class', 'ns', 'payload', 'kap'])('fit it without %s, and not with another', (name) => {
    const other = [...tags, [name, 'another']]

    expect(checkTags({ tags: tags.filter((tag) => tag[0] !== name) }, envelope, nodeHashes).ok).toBe(true)
    expect(checkTags({ tags: other }, envelope, nodeHashes)).toMatchObject({
      refusal: { code: 'bad-schema', message: `tag ${name} does not match the content` },
    })
  })

  it('may be unknown, or have no value', () => {
    const odd = [...tags, ['d'], ['id'], ['zz', 'x'], ['k', '1'], ['D', 'x']]

    expect(checkTags({ tags: odd }, envelope, nodeHashes).ok).toBe(true)
  })

  it('cost one hash of the payload, however often they claim it', () => {
    let hashed = 0
    const counting: Hashes = { ...nodeHashes, sha256Hex: (data) => (hashed++, nodeHashes.sha256Hex(data)) }
    const claim = tags.find(([name]) => name === 'payload')!

    expect(checkTags({ tags: Array.from({ length: 2_000 }, () => claim) }, envelope, counting).ok).toBe(true)
    expect(hashed).toBe(1)
  })
})

describe('a node-info', () => {
  const info = {
    id: 'herm-a' as HermId,
    npub: npubOf(alpha),
    endpoint: '',
    capabilities: [],
    kor_namespaces: [],
    status: 'active' as const,
  }

  it('is that of the key that signs it, whatever its d', () => {
    expect(checkNodeInfo({ pubkey: alpha }, info).ok).toBe(true)
    expect(checkNodeInfo({ pubkey: beta }, info)).toMatchObject({ refusal: { code: 'bad-schema' } })
    expect(checkNodeInfo({ pubkey: alpha }, { ...info, npub: 'npub1x' })).toMatchObject({
      refusal: { code: 'bad-schema' },
    })
  })

  it('has a label for each namespace, and no label list without one', () => {
    const two = { ...info, kor_namespaces: ['a.kor', 'B.kor'] }

    expect(nodeInfoTemplate(info, 1 as UnixSec, 2 as UnixSec).tags.map(([name]) => name)).toEqual([
      'd',
      't',
      't',
      'expiration',
    ])
    expect(nodeInfoTemplate(two, 1 as UnixSec, 2 as UnixSec).tags.slice(3, 6)).toEqual([
      ['L', 'kor'],
      ['l', 'a.kor', 'kor'],
      ['l', 'b.kor', 'kor'],
    ])
  })
})

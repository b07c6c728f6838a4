import { describe, expect, it } from 'vitest'
import { canonical } from '../../../src/core/canonical.js'
import { readContent } from '../../../src/core/envelope.js'
import { tagValue } from '../../../src/core/event.js'
import { checkTags } from '../../../src/core/tags.js'
import type { Destination, MessageId, NostrEvent, Road, UnixSec } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { wrap } from '../../../src/pipeline/wrap.js'
import type { Message } from '../../../src/ports.js'
import { partyOf } from '../../support/transport-bench.js'

const engine = await openEngine()
const [me, peer, other] = [partyOf(engine, 'alpha'), partyOf(engine, 'beta'), partyOf(engine, 'gamma')]

const bodyText = canonical({
  type: 'signal',
  action: 'room.post',
  target_kor: 'room.kor',
  source_kor: 'herm-alpha.room.kor',
  payload: { text: 'ünï\u2028 "quoted"' },
  sender: me.key,
  nonce: '1',
})
const message: Message = {
  id: nodeHashes.sha256Hex(bodyText) as MessageId,
  kind: 'strand',
  author: me.key,
  body: bodyText,
  confidential: true,
}
const wrapped = (to: Destination, road: Road, at = 1_000, secret = 1): Promise<NostrEvent> =>
  wrap(message, to, road, at as UnixSec, 9_000 as UnixSec, {
    signer: me,
    hashes: nodeHashes,
    tagSecret: new Uint8Array(32).fill(secret),
  })
const dOf = async (event: Promise<NostrEvent>): Promise<string | undefined> => tagValue(await event, 'd')

describe('the event that carries a message', () => {
  it('sealed tells its addressee and its end, and nothing of what is in it', async () => {
    const event = await wrapped(peer.key, 'nip44')
    expect(event.tags.map(([name]) => name)).toEqual(['d', 't', 'p', 'expiration'])
    expect(JSON.stringify(event)).not.toContain(message.id)
    const content = readContent(await peer.nip44Decrypt(me.key, event.content), nodeHashes)
    expect(content).toMatchObject({ ok: true, value: { type: 'txxm-envelope', bodyText } })
  })

  it('sealed has a name that only we can tell: the same for each try, another for each receiver and each Herm', async () => {
    const d = await dOf(wrapped(peer.key, 'nip44'))
    expect(d).toMatch(/^enc-[0-9a-f]{32}$/)
    expect(await dOf(wrapped(peer.key, 'nip44', 2_000))).toBe(d)
    expect(await dOf(wrapped(other.key, 'nip44'))).not.toBe(d)
    expect(await dOf(wrapped(peer.key, 'nip44', 1_000, 2))).not.toBe(d)
  })

  it.each(['gossip', 'addressed'])('in the clear says in its tags what its content says, %s', async (form) => {
    const event = await wrapped(form === 'gossip' ? 'gossip' : peer.key, 'public')
    const content = readContent(event.content, nodeHashes)
    if (!content.ok || content.value.type !== 'txxm-envelope') throw new Error('not an envelope')
    expect(content.value.bodyText).toBe(bodyText)
    expect(checkTags(event, content.value, nodeHashes).ok).toBe(true)
    expect(tagValue(event, 'p')).toBe(form === 'gossip' ? undefined : peer.key)
    expect(tagValue(event, 'expiration')).toBe(form === 'gossip' ? undefined : '9000')
  })

  it('carries the attestation where there is one', async () => {
    const sig = 'a'.repeat(128)
    const attested = { ...message, attestation: { pubkey: me.key, created_at: 5 as UnixSec, sig: sig as never } }
    const event = await wrap(attested, 'gossip', 'public', 1 as UnixSec, 2 as UnixSec, {
      signer: me,
      hashes: nodeHashes,
      tagSecret: new Uint8Array(32),
    })
    expect(event.content).toContain(sig)
    expect((await wrapped('gossip', 'public')).content).not.toContain('attestation')
  })
})

import type { Random, Store } from '../ports.js'

/** 32 bytes for the keyed `d` tags of this Herm: made once, kept for as long as the braid is, never told. */
export const tagSecretOf = async (store: Pick<Store, 'cursor' | 'setCursor'>, random: Random): Promise<Uint8Array> => {
  const kept = store.cursor('tag-secret')
  if (kept !== undefined) return new Uint8Array(Buffer.from(kept, 'hex'))
  const secret = random.bytes(32)
  await store.setCursor('tag-secret', Buffer.from(secret).toString('hex'))
  return secret
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import { openEngine } from '../../src/crypto/engine.js'
import { idOf } from './author.js'
import type { Signed } from './author.js'

/**
 * Thousands of events of one new key, a second apart, oldest first. Signed by the engine that is fastest: here their number is
 * the question, not their form.
 */
export const manyEvents = async (count: number, from: number): Promise<Signed[]> => {
  const engine = await openEngine()
  const secret = crypto.getRandomValues(new Uint8Array(32))
  const pubkey = Buffer.from(engine.publicKey(secret)).toString('hex')
  const aux = new Uint8Array(32)
  const events: Signed[] = []
  for (let i = 0; i < count; i++) {
    const template = { pubkey, created_at: from + i, kind: 1, tags: [], content: '' }
    const id = idOf(template)
    const sig = Buffer.from(engine.sign(Buffer.from(id, 'hex'), secret, aux)).toString('hex')
    events.push({ ...template, id, sig })
    // Other rules wait for their answers meanwhile.
    if (i % 100 === 0) await nextTurn()
  }
  return events
}

import type { Nip44 } from '../ports.js'
import { nodeNip44 } from './nip44-node.js'

/** From the NIP's own vectors (`nip44.vectors.json`, v2.valid.encrypt_decrypt[0]). */
const KNOWN = {
  conversationKey: 'c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d',
  nonce: '0000000000000000000000000000000000000000000000000000000000000001',
  plaintext: 'a',
  payload:
    'AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABee0G5VSK0/9YypIObAtDKfYEAjD35uVkHyB0F4DwrcNaCXlCWZKaArsGrY6M9wnuTMxWfp1RTN9Xga8no+kF5Vsb',
}

/** Whether an implementation gives the NIP's own answer, reads it back, and refuses it with one character changed. */
export const nip44Works = (nip44: Nip44): boolean => {
  try {
    const key = Buffer.from(KNOWN.conversationKey, 'hex')
    return (
      nip44.encrypt(KNOWN.plaintext, key, Buffer.from(KNOWN.nonce, 'hex')) === KNOWN.payload &&
      nip44.decrypt(KNOWN.payload, key) === KNOWN.plaintext &&
      nip44.decrypt(KNOWN.payload.replace('Vsb', 'Wsb'), key) === undefined
    )
  } catch {
    return false
  }
}

/** NIP-44 v2 on OpenSSL, or in pure JavaScript where this Node's OpenSSL can't do it. */
export const nip44: Nip44 = nip44Works(nodeNip44) ? nodeNip44 : (await import('./nip44-js.js')).jsNip44

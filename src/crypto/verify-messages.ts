import type { Proof } from '../core/types.js'
import type { EngineName } from './engine.js'

/** What a verification thread is told at its start, and what it and its owner say to each other. */
export interface ThreadData {
  readonly engine: EngineName
}

/** Said once, when the engine has passed its self-test. */
export const READY = 'ready'

/**
 * Proofs are one string: 256 characters of hex each (digest, pubkey, signature). One string is handed over as one copy of
 * memory, a list of objects member by member. The answer is one byte each, in their order.
 */
const PROOF_CHARS = 256

/** Whether it has the lengths of one; what has not can't hold. Whether it is hex is the engine's affair. */
export const isProofSized = ({ digest, pubkey, sig }: Proof): boolean =>
  digest.length === 64 && pubkey.length === 64 && sig.length === 128

/** Each must be `isProofSized`. */
export const textOfProofs = (proofs: readonly Proof[]): string =>
  proofs.map(({ digest, pubkey, sig }) => digest + pubkey + sig).join('')

export const proofsOfText = (text: string): Proof[] =>
  Array.from({ length: text.length / PROOF_CHARS }, (_, i) => {
    const at = i * PROOF_CHARS
    return {
      digest: text.slice(at, at + 64),
      pubkey: text.slice(at + 64, at + 128),
      sig: text.slice(at + 128, at + PROOF_CHARS),
    } as Proof
  })

import { createHash, hash } from 'node:crypto'
import type { Hashes } from '../core/hashes.js'

/** A plain view: callers compare and slice it, and a Buffer slices differently. */
const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)

/** The hash functions of node:crypto. The one-shot `hash` is about twice as fast on the short inputs we have. */
export const nodeHashes: Hashes = {
  sha256: (data) => plain(hash('sha256', data, 'buffer')),
  sha256Hex: (data) => hash('sha256', data, 'hex'),
  shake256: (data, length) => plain(createHash('shake256', { outputLength: length }).update(data).digest()),
}

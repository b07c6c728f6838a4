import { createHash } from 'node:crypto'
import type { Hashes } from '../core/hashes.js'

/** The daemon is a program of its own and shares nothing with the bridge but the core. */
export const nodeHashes: Hashes = {
  sha256: (data) => createHash('sha256').update(data).digest(),
  sha256Hex: (data) => createHash('sha256').update(data).digest('hex'),
  shake256: (data, length) => createHash('shake256', { outputLength: length }).update(data).digest(),
}

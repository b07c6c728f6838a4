import type { HermId } from './types.js'

/** The grammar of names and ids (wire.md 1). None of them lets a `*`, `>`, `$`, space or control character through. */

export const isHermId = (s: string): s is HermId => /^[a-z0-9][a-z0-9-]{0,62}$/.test(s) && s !== 'any' && s !== 'local'

export const isAgentId = (s: string): boolean => /^[a-z0-9][a-z0-9_-]{0,63}$/.test(s) && s !== 'dispatch' && s !== 'any'

/** A TXXM's `type`. */
export const isMessageType = (s: string): boolean => /^[a-z][a-z0-9-]{0,31}$/.test(s)

/** A TXXM's `action`. May hold dots: one token of a subject only after they are replaced. */
export const isAction = (s: string): boolean => /^[a-z0-9][a-z0-9._:-]{0,127}$/.test(s)

export const isTaskId = (s: string): boolean => /^[A-Za-z0-9_-]{1,128}$/.test(s)

/** 32 bytes as 64 lowercase hex characters: an id, a key, a SHA-256. */
export const isHex32 = (s: string): boolean => /^[0-9a-f]{64}$/.test(s)

/** 64 bytes as 128 lowercase hex characters: a signature. */
export const isHex64 = (s: string): boolean => /^[0-9a-f]{128}$/.test(s)

/** An expected "no" is a value with a code (wire.md 7). It is returned, counted and often told to the sender; never thrown. */

export const REFUSAL_CODES = [
  'bad-event',
  'bad-signature',
  'bad-json',
  'bad-schema',
  'bad-hash',
  'unsupported-version',
  'not-addressed',
  'untrusted-sender',
  'id-conflict',
  'forbidden-kor',
  'forbidden-action',
  'conflict',
  'expired',
  'not-yet-valid',
  'too-large',
  'duplicate',
  'missing-fragment',
  'local-unavailable',
  'local-rejected',
  'no-such-agent',
  'rate-limited',
] as const

export type RefusalCode = (typeof REFUSAL_CODES)[number]

export interface Refusal {
  readonly code: RefusalCode
  /** What was wrong, for a person. Holds ids and reasons, never content or keys' secrets. At most 200 characters. */
  readonly message: string
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal }

export const ok = <T>(value: T): Result<T> => ({ ok: true, value })

export const refuse = (code: RefusalCode, message: string): { readonly ok: false; readonly refusal: Refusal } => ({
  ok: false,
  refusal: { code, message: message.length > 200 ? message.slice(0, 199) + '…' : message },
})

/** A sender may try these again as they are; all others are final (wire.md 2.4). */
export const isRetriable = (code: RefusalCode): boolean =>
  code === 'not-yet-valid' || code === 'rate-limited' || code === 'missing-fragment'

/** How long an event that was refused is remembered (wire.md 6). */
export type Remember = 'forever' | 'generation' | 'not'

/** `forever`: it can never become right. `generation`: looked at again when the configuration changes. `not`: transient. */
export const rememberRefusal = (code: RefusalCode): Remember => {
  switch (code) {
    case 'bad-event':
    case 'bad-signature':
    case 'bad-json':
    case 'bad-schema':
    case 'bad-hash':
    case 'too-large':
    case 'conflict':
    case 'expired':
      return 'forever'
    case 'untrusted-sender':
    case 'not-addressed':
    case 'forbidden-kor':
    case 'forbidden-action':
    case 'unsupported-version':
    case 'id-conflict':
    case 'no-such-agent':
      return 'generation'
    case 'not-yet-valid':
    case 'duplicate':
    case 'missing-fragment':
    case 'local-unavailable':
    case 'local-rejected':
    case 'rate-limited':
      return 'not'
  }
}

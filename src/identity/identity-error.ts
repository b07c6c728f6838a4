export type IdentityErrorCode =
  | 'no-keystore'
  | 'too-open'
  | 'unreadable'
  | 'corrupt-keystore'
  | 'newer-keystore'
  | 'unknown-key'
  | 'key-exists'
  | 'bad-name'
  | 'bad-secret'
  | 'no-passphrase'
  | 'bad-passphrase'
  | 'wrong-passphrase'
  | 'not-available'
  | 'busy'

/** A key can't be had. Both texts are one line for a person; neither ever holds a secret or a part of one. */
export class IdentityError extends Error {
  readonly code: IdentityErrorCode
  /** What to do about it. */
  readonly hint: string

  constructor(code: IdentityErrorCode, message: string, hint: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'IdentityError'
    this.code = code
    this.hint = hint
  }
}

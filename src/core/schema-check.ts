/** What a generated validator (`validators.js`) is: true where the value fits; else `errors` says why, until the next call. */
export interface SchemaCheck {
  (value: unknown): boolean
  errors?: readonly SchemaError[] | null
}

export interface SchemaError {
  /** A JSON pointer of declared member names and indices; never a name that the sender chose. */
  readonly instancePath: string
  /** The rule that did not hold: `required`, `pattern`. */
  readonly keyword: string
  readonly message?: string
}

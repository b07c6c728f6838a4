/** How values cross between the code and SQL: ids and keys are 32-byte BLOBs inside, lowercase hex outside. */

const toBytes = (hex: string, bytes: number): Buffer => {
  const blob = Buffer.from(hex, 'hex')
  // Buffer.from stops silently at the first character that is no hex.
  if (hex.length !== 2 * bytes || blob.length !== bytes) throw new RangeError(`not ${bytes} bytes of hex`)
  return blob
}

export const idBlob = (hex: string): Buffer => toBytes(hex, 32)
export const signatureBlob = (hex: string): Buffer => toBytes(hex, 64)
export const idBlobOrNull = (hex: string | undefined): Buffer | null => (hex === undefined ? null : idBlob(hex))

// What the id is of is known where the column is read, so the caller names its brand.
/* eslint-disable @typescript-eslint/no-unnecessary-type-parameters */
export const toHex = <T extends string>(blob: Buffer): T => blob.toString('hex') as T
export const toHexOrNull = <T extends string>(blob: Buffer | null): T | null => (blob === null ? null : toHex<T>(blob))
/* eslint-enable @typescript-eslint/no-unnecessary-type-parameters */

export const flag = (value: boolean | undefined): 0 | 1 => (value === true ? 1 : 0)

type Present<T> = { [K in keyof T as null extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as null extends T[K] ? K : never]?: Exclude<T[K], null>
}

/** SQL says null where the code says absent. */
export const present = <T extends object>(row: T): Present<T> => {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(row)) if (value !== null && value !== undefined) out[name] = value
  return out as Present<T>
}

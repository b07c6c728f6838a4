/** The bytes, if they are just as many; throws a RangeError otherwise. Libraries differ in what they make of other lengths. */
export const sized = (what: string, data: Uint8Array, bytes: number): Uint8Array => {
  if (data instanceof Uint8Array && data.length === bytes) return data
  throw new RangeError(`the ${what} must be ${bytes} bytes`)
}

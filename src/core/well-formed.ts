/**
 * True where a string holds no lone surrogate, which is where it has a UTF-8 form at all. The method is in every Node that
 * `engines` allows; the ES2023 type library does not know it yet.
 */
export const isWellFormed = (text: string): boolean => (text as unknown as { isWellFormed(): boolean }).isWellFormed()

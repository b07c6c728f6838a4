/** One line of a file of unknown origin, as a batch needs it; `wrong` where it can't be read. */
export type FileLine =
  | { readonly number: number; readonly text: string; readonly bytes: number }
  | { readonly number: number; readonly wrong: string }

const NEWLINE = 0x0a

/**
 * The lines of a stream, all those of a piece together, so that they can be checked and written together. A line longer than
 * `maxBytes` is told as wrong and not kept; empty lines count and are left out.
 */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<readonly FileLine[], void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let held: Uint8Array[] = []
  let heldBytes = 0
  let number = 0

  const end = (last: Uint8Array): FileLine | undefined => {
    number++
    const bytes = heldBytes + last.length
    const parts = [...held, last]
    held = []
    heldBytes = 0
    if (bytes > maxBytes) return { number, wrong: `invalid: the line has more than ${maxBytes} bytes` }
    try {
      const text = decoder.decode(parts.length === 1 ? last : Buffer.concat(parts)).trim()
      return text === '' ? undefined : { number, text, bytes }
    } catch {
      return { number, wrong: 'invalid: the line is not UTF-8' }
    }
  }

  for await (const piece of stream) {
    const lines: FileLine[] = []
    let start = 0
    for (let at = piece.indexOf(NEWLINE); at !== -1; at = piece.indexOf(NEWLINE, start)) {
      const line = end(piece.subarray(start, at))
      if (line !== undefined) lines.push(line)
      start = at + 1
    }
    const rest = piece.subarray(start)
    heldBytes += rest.length
    // Of a line that is too long already only the length is kept.
    if (heldBytes > maxBytes) held = []
    else if (rest.length > 0) held.push(rest)
    if (lines.length > 0) yield lines
  }
  if (heldBytes > 0) {
    const line = end(new Uint8Array(0))
    if (line !== undefined) yield [line]
  }
}

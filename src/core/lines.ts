/**
 * Cuts a stream of bytes into lines of UTF-8, within a limit. JSON lines come over Unix sockets in whatever pieces the
 * kernel makes of them; a line is decoded once, when its end has come, so that no character is ever cut in two.
 */

const NEWLINE = 0x0a
/** What the buffer of a line in pieces starts with; it doubles up to the limit. */
const FIRST_BYTES = 4_096

/** After either of them the stream has no meaning any more: the connection is to be closed. */
export type LineError = 'too-long' | 'not-utf8'

export interface LineCutter {
  /** The lines that ended in this piece, without their newline, up to the first error. */
  push(piece: Uint8Array): { readonly lines: readonly string[]; readonly error?: LineError }
}

/** `maxBytes` is of one line without its newline. Holds at most that much between two pieces, however small they are. */
export const createLineCutter = (maxBytes: number): LineCutter => {
  // A byte order mark is no JSON: it is kept for the parser to refuse.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let held = new Uint8Array(0)
  let used = 0
  let failed: LineError | undefined

  const hold = (part: Uint8Array): void => {
    const needed = used + part.length
    if (needed > held.length) {
      const grown = new Uint8Array(Math.min(maxBytes, Math.max(FIRST_BYTES, 2 * held.length, needed)))
      grown.set(held.subarray(0, used))
      held = grown
    }
    held.set(part, used)
    used = needed
  }

  const decode = (last: Uint8Array): string | undefined => {
    let whole = last
    if (used > 0) {
      hold(last)
      whole = held.subarray(0, used)
      used = 0
    }
    try {
      return decoder.decode(whole)
    } catch {
      return undefined
    } finally {
      // One long line must not cost its memory for as long as the connection lives.
      if (held.length > 16 * FIRST_BYTES) held = new Uint8Array(0)
    }
  }

  const fail = (lines: string[], error: LineError): { lines: string[]; error: LineError } => {
    failed = error
    held = new Uint8Array(0)
    used = 0
    return { lines, error }
  }

  return {
    push: (piece) => {
      if (failed !== undefined) return { lines: [], error: failed }
      const lines: string[] = []
      let start = 0
      for (let end = piece.indexOf(NEWLINE); end !== -1; end = piece.indexOf(NEWLINE, start)) {
        if (used + end - start > maxBytes) return fail(lines, 'too-long')
        const line = decode(piece.subarray(start, end))
        if (line === undefined) return fail(lines, 'not-utf8')
        lines.push(line)
        start = end + 1
      }
      if (used + piece.length - start > maxBytes) return fail(lines, 'too-long')
      if (start < piece.length) hold(piece.subarray(start))
      return { lines }
    },
  }
}

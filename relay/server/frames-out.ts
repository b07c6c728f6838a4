/**
 * Text frames of RFC 6455 as a server sends them, whole and unmasked. All that is said to one client in one turn of the
 * event loop becomes one block of bytes and one call to the kernel: a commit answers hundreds of events at once, and the
 * calls would cost more than the answers.
 */
export interface FramesOut {
  /** Written at the end of this turn, or when enough has gathered. */
  add(text: string): void
  /** Writes what has gathered. */
  flush(): void
  /** What has not been written yet. */
  readonly waitingBytes: number
}

/** More than this is written at once. */
const MAX_BLOCK_BYTES = 64 * 1024

/** First byte of a frame: the last of its message, text. */
const FIN_TEXT = 0x81
const TWO_BYTE_LENGTH = 126
const EIGHT_BYTE_LENGTH = 127

/** `write` takes a block; it is not called once `isOpen` says no: what waited then is dropped. */
export const framesOut = (isOpen: () => boolean, write: (block: Buffer) => void): FramesOut => {
  let waiting: { readonly text: string; readonly bytes: number }[] = []
  let waitingBytes = 0
  let scheduled = false

  const flush = (): void => {
    if (waiting.length === 0) return
    const frames = waiting
    const block = Buffer.allocUnsafe(waitingBytes)
    waiting = []
    waitingBytes = 0
    if (!isOpen()) return
    let at = 0
    for (const { text, bytes } of frames) at = putFrame(block, at, text, bytes)
    write(block)
  }

  const endOfTurn = (): void => {
    scheduled = false
    flush()
  }

  return {
    add: (text) => {
      const bytes = Buffer.byteLength(text)
      waiting.push({ text, bytes })
      waitingBytes += headBytes(bytes) + bytes
      if (waitingBytes >= MAX_BLOCK_BYTES) flush()
      else if (!scheduled) {
        scheduled = true
        // After the promises of this turn: the answers of one commit are said by as many of them.
        process.nextTick(endOfTurn)
      }
    },
    flush,
    get waitingBytes() {
      return waitingBytes
    },
  }
}

const headBytes = (bytes: number): number => (bytes < TWO_BYTE_LENGTH ? 2 : bytes <= 0xffff ? 4 : 10)

/** Returns where the next one begins. */
const putFrame = (block: Buffer, from: number, text: string, bytes: number): number => {
  block[from] = FIN_TEXT
  const at = from + headBytes(bytes)
  if (bytes < TWO_BYTE_LENGTH) block[from + 1] = bytes
  else if (bytes <= 0xffff) {
    block[from + 1] = TWO_BYTE_LENGTH
    block.writeUInt16BE(bytes, from + 2)
  } else {
    block[from + 1] = EIGHT_BYTE_LENGTH
    block.writeBigUInt64BE(BigInt(bytes), from + 2)
  }
  // Where each character is one byte, it is ASCII.
  if (bytes === text.length) block.write(text, at, bytes, 'latin1')
  else block.write(text, at, bytes, 'utf8')
  return at + bytes
}

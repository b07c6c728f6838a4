import type { CutReason } from '../ops/meters.js'

/** The socket, as little of it as a connection needs. */
export interface Wire {
  /** Normalised URLs of this end of it, where nothing stands in between. */
  readonly urls: readonly string[]
  /** Does nothing once the wire is closed. What is sent in one turn of the event loop goes in as few packets as possible. */
  send(frame: string): void
  bufferedBytes(): number
  /** Of a message whose end has not come yet. */
  unfinishedBytes(): number
  /** Resolves when all that was sent so far is with the kernel, or the wire is closed. */
  drained(): Promise<void>
  /** Stops and resumes reading. */
  pause(): void
  resume(): void
  /** Ends it at once. */
  cut(reason: CutReason): void
}

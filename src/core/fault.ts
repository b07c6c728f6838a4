/**
 * A network, peer or disk failure: something that may go away by itself. Caught in a pump or in a port's own reconnect,
 * nowhere else. Anything that is neither a refusal nor a Fault is a bug and ends the process.
 */
export class Fault extends Error {
  /** Where it failed, a fixed word for logs and metrics: `relay`, `kapnetd`, `signer`, `store`. */
  readonly area: string

  constructor(area: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'Fault'
    this.area = area
  }
}

/** The text of anything that was thrown, for a log line or an error to a person. */
export const reasonOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

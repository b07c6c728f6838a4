// What the clients of other makes have in common: each is a process of its own, told by JSON lines on stdin what to do, and
// answers by JSON lines on stdout: {"n":1,"value":...} or {"n":1,"error":"..."}; what a subscription brings is {"live":...}.
// usage: FOREIGN_SECRET=<64 hex, or nothing> node test/support/interop-<make>.mjs URL
import { createInterface } from 'node:readline'

export const url = process.argv[2]
/** Undefined: a client without a key. */
export const secretHex = process.env.FOREIGN_SECRET || undefined
export const secret = secretHex === undefined ? undefined : new Uint8Array(Buffer.from(secretHex, 'hex'))

export const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)

const reasonOf = (error) => (error instanceof Error ? error.message : String(error))

/** Clients end with the test that started them, however that ended. */
export const serve = (calls) => {
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const { n, call, args } = JSON.parse(line)
      Promise.resolve()
        .then(() => calls[call](...args))
        .then(
          (value) => say({ n, value: value ?? null }),
          (error) => say({ n, error: reasonOf(error) }),
        )
    })
    .on('close', () => process.exit(0))
  say({ ready: true })
}

/** Filters with more ids than this are refused by some relays. */
const CHUNK = 500
export const chunks = (list) =>
  Array.from({ length: Math.ceil(list.length / CHUNK) }, (_, i) => list.slice(i * CHUNK, (i + 1) * CHUNK))

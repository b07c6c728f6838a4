import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isHermId } from '../core/names.js'
import { reasonOf } from '../core/fault.js'
import { MAX_SOCKET_PATH_BYTES } from './socket-file.js'

export const USAGE = `ksp kapnetd: the reference Kapnet daemon. Keeps a braid in SQLite and speaks JSON lines on a Unix socket.

  ksp kapnetd --socket PATH --db FILE --session ID [--network-id N] [--mode LOCAL_ONLY]
  ksp kapnetd call --socket PATH METHOD [PARAMS-JSON | -]

  --socket PATH    the Unix socket; default $XDG_RUNTIME_DIR/kapnetd/<session>.sock
  --db FILE        the SQLite file of the braid; made when it is not there
  --session ID     the name of this daemon, such as herm-qubes-alpha
  --network-id N   0 to 4294967295; default 0
  --mode MODE      LOCAL_ONLY, the only mode there is

Example:
  ksp kapnetd --socket /run/user/1000/kapnetd/herm-a.sock --db ~/.local/share/kapnetd/braid.sqlite --session herm-a
  ksp kapnetd call --socket /run/user/1000/kapnetd/herm-a.sock braid
`

export type Command =
  | { readonly verb: 'help' }
  | { readonly verb: 'wrong'; readonly reason: string }
  | {
      readonly verb: 'serve'
      readonly socket: string
      readonly db: string
      readonly session: string
      readonly networkId: number
      readonly mode: 'LOCAL_ONLY'
    }
  | { readonly verb: 'call'; readonly socket: string; readonly method: string; readonly params: string }

const MAX_NETWORK_ID = 0xffff_ffff

export const readArguments = (argv: readonly string[], env: Record<string, string | undefined>): Command => {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        socket: { type: 'string' },
        db: { type: 'string' },
        session: { type: 'string' },
        'network-id': { type: 'string' },
        mode: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help === true) return { verb: 'help' }
    return positionals[0] === 'call' ? readCall(positionals.slice(1), values) : readServe(positionals, values, env)
  } catch (thrown) {
    return wrong(reasonOf(thrown))
  }
}

type Values = Partial<Record<'socket' | 'db' | 'session' | 'network-id' | 'mode', string>>

const wrong = (reason: string): Command => ({ verb: 'wrong', reason })

const readServe = (extra: readonly string[], values: Values, env: Record<string, string | undefined>): Command => {
  const { db, session, mode = 'LOCAL_ONLY', 'network-id': network = '0' } = values
  if (extra.length > 0) return wrong(`"${extra[0] ?? ''}" is not understood`)
  if (db === undefined) return wrong('--db FILE is missing')
  if (session === undefined) return wrong('--session ID is missing')
  if (!isHermId(session))
    return wrong(`--session ${session}: small letters, digits and "-", at most 63, not any or local`)
  if (mode !== 'LOCAL_ONLY') return wrong(`--mode ${mode}: only LOCAL_ONLY is known`)
  const networkId = /^\d{1,10}$/.test(network) ? Number(network) : Infinity
  if (networkId > MAX_NETWORK_ID) return wrong(`--network-id ${network}: a number from 0 to ${MAX_NETWORK_ID}`)
  const runtimeDir = env['XDG_RUNTIME_DIR']
  const socket =
    values.socket ?? (runtimeDir === undefined ? undefined : join(runtimeDir, 'kapnetd', `${session}.sock`))
  if (socket === undefined) return wrong('--socket PATH is missing, and XDG_RUNTIME_DIR is not set')
  const tooLong = checkPath(socket)
  return tooLong ?? { verb: 'serve', socket: atHome(socket), db: atHome(db), session, networkId, mode }
}

const readCall = ([method, params = '{}', ...extra]: readonly string[], { socket, ...others }: Values): Command => {
  const foreign = Object.keys(others)[0]
  if (foreign !== undefined) return wrong(`--${foreign} does not go with call`)
  if (socket === undefined) return wrong('--socket PATH is missing')
  if (method === undefined) return wrong('call METHOD: which method?')
  if (extra.length > 0) return wrong('params are one JSON object: put it in quotes')
  return checkPath(socket) ?? { verb: 'call', socket: atHome(socket), method, params }
}

const checkPath = (socket: string): Command | undefined => {
  const bytes = Buffer.byteLength(atHome(socket))
  if (bytes <= MAX_SOCKET_PATH_BYTES) return undefined
  return wrong(`--socket is ${bytes} bytes long, the system allows ${MAX_SOCKET_PATH_BYTES}: choose a shorter path`)
}

/** A shell leaves `~` alone in --db=~/x. */
const atHome = (path: string): string => (path.startsWith('~/') ? join(homedir(), path.slice(2)) : path)

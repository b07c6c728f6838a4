import { parseArgs } from 'node:util'
import { reasonOf } from '../src/core/fault.js'
import { ACCESS_OPTIONS, ACCESS_USAGE, readAccess } from './access-options.js'
import type { AccessOptions } from './access-options.js'
import { ENGINE_CHOICES } from '../src/crypto/engine.js'
import type { EngineChoice } from '../src/crypto/engine.js'

export const USAGE = `usage: ksp relay [--listen HOST:PORT] [--db FILE] [--name NAME] [--engine ENGINE] [options]

A Nostr relay of your own. Prints one line "ready ws://HOST:PORT"; logs JSON lines to stderr.

  --listen HOST:PORT   where to listen; port 0 takes any free one (default 127.0.0.1:7447)
  --db FILE            the SQLite file that holds the events (default relay.sqlite)
  --name NAME          the relay's name in its document (default ksp-relay)
  --engine ENGINE      what checks signatures: auto, native, wasm or js (default auto, the fastest that works)
${ACCESS_USAGE}
  --exit-with-parent   end when the program that started this one ends

example: ksp relay --listen 0.0.0.0:7447 --db /var/lib/ksp/relay.sqlite
`

export type Command =
  | { readonly verb: 'help' }
  | { readonly verb: 'wrong'; readonly reason: string }
  | (AccessOptions & {
      readonly verb: 'serve'
      readonly host: string
      readonly port: number
      readonly db: string
      readonly name: string
      readonly engine: EngineChoice
      readonly exitWithParent: boolean
    })

const MAX_NAME_CHARS = 100

export const readArguments = (argv: readonly string[]): Command => {
  let values
  try {
    ;({ values } = parseArgs({
      args: [...argv],
      options: {
        listen: { type: 'string', default: '127.0.0.1:7447' },
        db: { type: 'string', default: 'relay.sqlite' },
        name: { type: 'string', default: 'ksp-relay' },
        engine: { type: 'string', default: 'auto' },
        ...ACCESS_OPTIONS,
        'exit-with-parent': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }))
  } catch (error) {
    return { verb: 'wrong', reason: reasonOf(error).split(/\.\s/)[0] ?? 'wrong usage' }
  }
  if (values.help) return { verb: 'help' }
  const place = readPlace(values.listen)
  if (place === undefined) return { verb: 'wrong', reason: `--listen ${values.listen} is not HOST:PORT` }
  if (values.db === '') return { verb: 'wrong', reason: '--db needs a file' }
  if (values.name === '' || values.name.length > MAX_NAME_CHARS) {
    return { verb: 'wrong', reason: `--name needs 1 to ${MAX_NAME_CHARS} characters` }
  }
  const engine = ENGINE_CHOICES.find((choice) => choice === values.engine)
  if (engine === undefined) return { verb: 'wrong', reason: `--engine is one of ${ENGINE_CHOICES.join(', ')}` }
  const { db, name } = values
  const access = readAccess(values)
  if (typeof access === 'string') return { verb: 'wrong', reason: access }
  return { verb: 'serve', ...place, ...access, db, name, engine, exitWithParent: values['exit-with-parent'] }
}

/** `127.0.0.1:7447`, `relay.example:80`, `[::1]:7447`. */
const readPlace = (text: string): { host: string; port: number } | undefined => {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/.exec(text)
  const host = parts?.[1] ?? parts?.[2]
  const port = Number(parts?.[3])
  return host === undefined || port > 65_535 ? undefined : { host, port }
}

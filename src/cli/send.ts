import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Option, type Command } from 'commander'
import { durationMs } from '../config/option-types.js'
import { parseJson } from '../core/canonical.js'
import type { JsonObject, JsonValue, MessageId } from '../core/types.js'
import type { ControlClient } from '../ops/control-client.js'
import { callBridge, configOf, needBridge } from './bridge-client.js'
import { collect, withConfig, withExample, withJson } from './commands.js'
import { CliError, printJson, printLine, printNote, usageError } from './print.js'
import { createProgress } from './progress.js'

interface SendOptions {
  readonly config?: string
  readonly json?: boolean
  readonly to?: readonly string[]
  readonly kor?: string
  readonly type: string
  readonly action?: string
  readonly payload?: string
  readonly file?: string
  readonly key?: string
  readonly public?: boolean
  readonly deniable?: boolean
  readonly wait?: 'stored' | 'done'
  readonly timeout: string
}

export const register = (program: Command): void => {
  const command = program
    .command('send')
    .summary('queue a TXXM for a peer, or for whoever serves a name')
    .description(
      'Queues a TXXM with the running bridge and prints its id. It is durable when the id is printed. Messages to a peer ' +
        'are encrypted unless --public is given. With --file, one TXXM a line: {"action", "payload", "type"?, "to"?, "kor"?}; ' +
        'the same file sent again queues nothing twice.',
    )
    .option('--to <peer>', 'npub, hex key or Herm id; may be given several times', collect)
    .option('--kor <name>', 'KOR name: to every peer that serves it; with --public to everyone who reads us')
    .option('--type <type>', 'type of the TXXM', 'submission')
    .option('--action <action>', 'what it asks for, such as room.post')
    .option('--payload <json>', 'a JSON object, @FILE, or - for standard input')
    .option('--file <file>', 'JSON Lines, one TXXM a line')
    .option('--key <key>', 'makes it idempotent: the same key is queued once (default: a new UUID)')
    .option('--public', 'let it travel in the clear')
    .option('--deniable', 'leave out the attestation that proves its author to others')
    .addOption(new Option('--wait <stage>', 'wait until the peer has it').choices(['stored', 'done']))
    .option('--timeout <duration>', 'how long to wait', '30s')
  withExample(
    withJson(withConfig(command)),
    `ksp send --to herm-b --action room.post --payload '{"text":"hello"}' --wait done`,
  )
  command.action(send)
}

/** As many as one call of the control socket takes well. */
const BATCH = 200
const MAX_LINE_BYTES = 1024 * 1024

interface Queued {
  readonly id: MessageId
  readonly fresh: boolean
}
type Answer = Queued | { readonly refusal: { readonly code: string; readonly message: string } }

const send = async (options: SendOptions): Promise<void> => {
  const timeoutMs = durationMs(options.timeout)
  if (timeoutMs === undefined) throw usageError(`--timeout takes a duration such as 30s, not ${options.timeout}`)
  if ((options.to ?? []).length === 0 && options.kor === undefined && options.file === undefined) {
    throw usageError('whom is it for? give --to PEER, or --kor NAME', 'see: ksp send --help')
  }
  const client = await needBridge(configOf(options))
  try {
    await (options.file === undefined
      ? sendOne(client, options, timeoutMs)
      : sendFile(client, options.file, options, timeoutMs))
  } finally {
    client.close()
  }
}

/** A Herm that was seen but is not trusted is refused too: by its id it counts as unknown. */
const remedy = (code: string): string =>
  code === 'not-addressed' || code === 'untrusted-sender'
    ? '; ksp peers list shows who was seen and is trusted, ksp peers approve PEER trusts one'
    : ''

const sendOne = async (client: ControlClient, options: SendOptions, timeoutMs: number): Promise<void> => {
  if (options.action === undefined) throw usageError('--action is missing', 'see: ksp send --help')
  const payload = readPayload(options.payload ?? '{}')
  const order = orderOf({ payload, action: options.action }, options, options.key ?? randomUUID())
  const [answer] = (await callBridge(client, 'send', { orders: [order] })) as Answer[]
  if (answer === undefined || 'refusal' in answer) {
    const code = answer?.refusal.code ?? 'failed'
    throw new CliError(code, answer?.refusal.message ?? 'no answer', { hint: `nothing was queued${remedy(code)}` })
  }
  if (options.wait === undefined) {
    if (options.json === true) printJson(answer)
    else printLine(answer.id)
    return
  }
  const [state] = (await callBridge(client, 'wait', {
    ids: [answer.id],
    stage: options.wait,
    timeout_ms: timeoutMs,
  })) as Waited[]
  const failed = state?.failed === true
  const reached = state?.reached === true && !failed
  if (options.json === true) printJson({ ...answer, reached, deliveries: state?.deliveries ?? [] })
  else printLine(`${answer.id} ${describe(state)}`)
  if (!reached) {
    const why = failed ? 'refused' : `not ${options.wait} after ${options.timeout}`
    if (options.json === true) process.exitCode = 1
    else
      throw new CliError(failed ? 'refused' : 'timeout', `${answer.id} is ${why}`, {
        hint: failed ? `ksp braid show ${answer.id}` : 'it stays queued and is tried again',
      })
  }
}

interface Waited {
  readonly id: MessageId
  readonly reached: boolean
  readonly failed: boolean
  readonly deliveries: readonly { to: string; state: string; code?: string }[]
}

const describe = (state: Waited | undefined): string =>
  (state?.deliveries ?? [])
    .filter((d) => !d.to.startsWith('port:'))
    .map((d) => `${d.to.slice(0, 12)}=${d.state}${d.code === undefined ? '' : ` (${d.code})`}`)
    .join(' ')

const sendFile = async (
  client: ControlClient,
  file: string,
  options: SendOptions,
  timeoutMs: number,
): Promise<void> => {
  const { orders, bytes } = await readOrders(file, options)
  const progress = createProgress('queued', orders.length, options.json !== true)
  const ids: MessageId[] = []
  let fresh = 0
  const refused: { line: number; code: string; message: string }[] = []
  for (let i = 0; i < orders.length; i += BATCH) {
    const answers = (await callBridge(client, 'send', {
      orders: orders.slice(i, i + BATCH).map((o) => o.order),
    })) as Answer[]
    for (const [k, answer] of answers.entries()) {
      if ('refusal' in answer) {
        refused.push({ line: orders[i + k]?.line ?? 0, ...answer.refusal })
        continue
      }
      ids.push(answer.id)
      if (answer.fresh) fresh++
    }
    progress.at(Math.min(i + BATCH, orders.length))
  }
  progress.end()
  for (const r of refused.slice(0, 20)) printNote(`${file}:${r.line}: ${r.code}: ${r.message}`)
  const waited = options.wait === undefined ? undefined : await waitFor(client, ids, options.wait, timeoutMs, options)
  const summary = {
    file,
    bytes,
    lines: orders.length,
    queued: fresh,
    known: ids.length - fresh,
    refused: refused.length,
    ...waited,
  }
  if (options.json === true) printJson({ ...summary, refusals: refused })
  else
    printLine(
      Object.entries(summary)
        .map(([k, v]) => `${k} ${v}`)
        .join(', '),
    )
  if (refused.length > 0)
    throw new CliError('refused', `${refused.length} lines were refused`, {
      hint: 'mend them and send the file again: what is queued is not queued twice',
    })
  if (waited !== undefined && waited.reached < ids.length) {
    throw new CliError(
      'timeout',
      `${ids.length - waited.reached} are not ${options.wait ?? ''} after ${options.timeout}`,
      { hint: 'they stay queued and are tried again' },
    )
  }
}

/** In slices, so that there is something to show meanwhile. */
const waitFor = async (
  client: ControlClient,
  ids: readonly MessageId[],
  stage: 'stored' | 'done',
  timeoutMs: number,
  options: SendOptions,
): Promise<{ reached: number }> => {
  const progress = createProgress(stage, ids.length, options.json !== true)
  const until = Date.now() + timeoutMs
  let reached = 0
  for (let i = 0; i < ids.length; i += BATCH) {
    const left = Math.max(0, until - Date.now())
    const states = (await callBridge(client, 'wait', {
      ids: ids.slice(i, i + BATCH),
      stage,
      timeout_ms: left,
    })) as Waited[]
    reached += states.filter((s) => s.reached && !s.failed).length
    progress.at(reached)
  }
  progress.end()
  return { reached }
}

const readOrders = async (
  file: string,
  options: SendOptions,
): Promise<{ orders: { line: number; order: JsonObject }[]; bytes: number }> => {
  // The file's hash and the line make the key: a file sent again, or from the middle, queues nothing twice.
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) {
      hash.update(piece)
      bytes += piece.length
    }
  } catch (error) {
    throw usageError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  const digest = hash.digest('hex')
  const orders: { line: number; order: JsonObject }[] = []
  let line = 0
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    line++
    if (text.trim() === '') continue
    const where = `${file}:${line}`
    if (text.length > MAX_LINE_BYTES) throw usageError(`${where}: longer than ${MAX_LINE_BYTES} characters`)
    const parsed = parseJson(text)
    if (!parsed.ok) throw usageError(`${where}: ${parsed.refusal.message}`)
    orders.push({ line, order: orderOf(fieldsOf(parsed.value, where, options), options, `${digest}:${line}`) })
  }
  return { orders, bytes }
}

type Fields = JsonObject & { action: string; payload: JsonObject }

const fieldsOf = (value: JsonValue, where: string, options: SendOptions): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageError(`${where}: a line is a JSON object`)
  const action = value.action ?? options.action
  const payload = value.payload
  if (typeof action !== 'string') throw usageError(`${where}: action is missing`)
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload))
    throw usageError(`${where}: payload is not an object`)
  return { ...value, action, payload }
}

const orderOf = (fields: Fields, options: SendOptions, key: string): JsonObject => {
  const to = fields.to ?? options.to ?? []
  const kor = fields.kor ?? options.kor
  return {
    key,
    to: (Array.isArray(to) ? [...(to as readonly JsonValue[])] : [to]) as JsonValue[],
    ...(kor === undefined ? {} : { kor }),
    type: fields.type ?? options.type,
    action: fields.action,
    payload: fields.payload,
    public: options.public === true,
    deniable: options.deniable === true,
    ...(fields.valid_until === undefined ? {} : { valid_until: fields.valid_until }),
    ...(fields.source_kor === undefined ? {} : { source_kor: fields.source_kor }),
  }
}

const readPayload = (text: string): JsonObject => {
  const source = text === '-' ? readFileSync(0, 'utf8') : text.startsWith('@') ? readFile(text.slice(1)) : text
  const parsed = parseJson(source)
  if (!parsed.ok) throw usageError(`--payload: ${parsed.refusal.message}`)
  const { value } = parsed
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageError('--payload is not a JSON object')
  return value
}

const readFile = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw usageError(`--payload: ${error instanceof Error ? error.message : String(error)}`)
  }
}

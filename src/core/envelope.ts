import { brokenRule } from './body-rules.js'
import { canonical, parseJson } from './canonical.js'
import type {
  Attestation,
  BodyType,
  Content,
  Envelope,
  Fragment,
  NodeInfo,
  Receipt,
  Task,
  TaskResult,
  Txxm,
} from './envelope-types.js'
import { BODY_KEYS } from './envelope-types.js'
import type { Hashes } from './hashes.js'
import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'
import type { SchemaCheck } from './schema-check.js'
import type { Hex32, JsonObject, JsonValue } from './types.js'
import * as schema from './validators.js'
import { KAPNET_RELEASE, WIRE_VERSION } from './wire.js'

/** Reading and writing the content of an event (wire.md 2). */

const CONTENT_CHECKS: Readonly<Record<BodyType, SchemaCheck>> = {
  'txxm-envelope': schema.txxmEnvelopeContent,
  'task-envelope': schema.taskEnvelopeContent,
  'task-result': schema.taskResultContent,
  receipt: schema.receiptContent,
  fragment: schema.fragmentContent,
  braid: schema.braidContent,
  heartbeat: schema.heartbeatContent,
  knot: schema.knotContent,
}

const BODY_CHECKS: Readonly<Record<BodyType, SchemaCheck>> = {
  'txxm-envelope': schema.txxmEnvelopeBody,
  'task-envelope': schema.taskEnvelopeBody,
  'task-result': schema.taskResultBody,
  receipt: schema.receiptBody,
  fragment: schema.fragmentBody,
  braid: schema.braidBody,
  heartbeat: schema.heartbeatBody,
  knot: schema.knotBody,
}

const isBodyType = (type: string): type is BodyType => Object.hasOwn(BODY_KEYS, type)

/** No name of a type that somebody may come up with is worth more than this in a log or a metric. */
const MAX_UNKNOWN_NAME = 64

/**
 * In the order of wire.md 6: JSON (`bad-json`), type, version (`unsupported-version`), schema (`bad-schema`), sha256
 * (`bad-hash`). Nobody has vouched for what comes out: tags, attestation and author are checked after it.
 */
export const readContent = (text: string, hashes: Hashes): Result<Content> => {
  const parsed = parseJson(text)
  if (!parsed.ok) return parsed
  const content = parsed.value
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return refuse('bad-schema', 'the content is no JSON object')
  }
  const { type } = content
  if (typeof type !== 'string') return refuse('bad-schema', '/type is no string')
  if (type === 'ksp-service') return readNodeInfo(content)
  if (!isBodyType(type)) return ok({ type: 'unknown', name: type.slice(0, MAX_UNKNOWN_NAME) })
  return readHashed(type, content, hashes)
}

/** A later version may have any shape, so it is told before anything else is looked at. */
const isOtherVersion = ({ version }: JsonObject): boolean => typeof version === 'number' && version !== WIRE_VERSION

const readNodeInfo = (content: JsonObject): Result<Content> => {
  if (isOtherVersion(content)) return refuse('unsupported-version', 'ksp-service of another version')
  const why = unfit(schema.kspServiceContent, content)
  if (why !== undefined) return refuse('bad-schema', why)
  const info = { ...content }
  delete info.kapnet
  delete info.type
  delete info.version
  return ok({ type: 'ksp-service', info: info as unknown as NodeInfo })
}

const readHashed = (type: BodyType, content: JsonObject, hashes: Hashes): Result<Envelope> => {
  if (isOtherVersion(content)) return refuse('unsupported-version', `${type} of another version`)
  const why = unfit(CONTENT_CHECKS[type], content)
  if (why !== undefined) return refuse('bad-schema', why)
  // The schema lets a receipt have exactly one of its two keys, and every other type only its own.
  const body = (content[BODY_KEYS[type]] ?? content.receipts) as JsonValue
  const broken = brokenRule(type, body)
  if (broken !== undefined) return refuse('bad-schema', broken)
  const bodyText = canonical(body)
  const sha256 = content.sha256 as Hex32
  if (hashes.sha256Hex(bodyText) !== sha256) return refuse('bad-hash', 'sha256 is not that of the body')
  const attestation = content.attestation as Attestation | undefined
  return ok(typed(type, body, { bodyText, sha256, ...(attestation === undefined ? {} : { attestation }) }))
}

/** The one place where a checked body becomes a typed one. */
const typed = (
  type: BodyType,
  body: JsonValue,
  rest: { bodyText: string; sha256: Hex32; attestation?: Attestation },
): Envelope => {
  switch (type) {
    case 'txxm-envelope':
      return { type, body: body as unknown as Txxm, ...rest }
    case 'task-envelope':
      return { type, body: body as unknown as Task, ...rest }
    case 'task-result':
      return { type, body: body as unknown as TaskResult, ...rest }
    case 'receipt':
      return { type, body: (Array.isArray(body) ? body : [body]) as unknown as Receipt[], ...rest }
    case 'fragment':
      return { type, body: body as unknown as Fragment, ...rest }
    case 'braid':
    case 'heartbeat':
    case 'knot':
      return { type, body: body as JsonObject, ...rest }
  }
}

/** `bad-schema` unless this body alone may stand in an envelope of that type. A list is read as `receipts`. */
export const checkBody = (type: BodyType, body: JsonValue): Result<void> => {
  const check = type === 'receipt' && Array.isArray(body) ? schema.receiptBodies : BODY_CHECKS[type]
  const why = unfit(check, body) ?? brokenRule(type, body)
  return why === undefined ? ok(undefined) : refuse('bad-schema', why)
}

/** What does not fit, in the schema's words: places and rules, never values. */
const unfit = (check: SchemaCheck, value: JsonValue): string | undefined => {
  if (check(value)) return undefined
  const first = check.errors?.[0]
  // A pattern says less to a person than the place does.
  const rule = first?.keyword === 'pattern' ? 'has the wrong form' : (first?.message ?? 'does not fit')
  return `${first?.instancePath ?? ''} ${rule}`.trimStart()
}

/** `bodyText` is inserted as it stands: it must be the canonical text that `sha256` is over. */
export const writeEnvelope = (e: {
  readonly type: BodyType
  readonly bodyText: string
  readonly sha256: Hex32
  readonly attestation?: Attestation | undefined
  /** By default the type's own key, and `receipts` for a list. */
  readonly bodyKey?: string
}): string => {
  const key = e.bodyKey ?? (e.type === 'receipt' && e.bodyText.startsWith('[') ? 'receipts' : BODY_KEYS[e.type])
  const attestation = e.attestation === undefined ? '' : `,"attestation":${attestationText(e.attestation)}`
  return `{"kapnet":"${KAPNET_RELEASE}","type":"${e.type}","version":${WIRE_VERSION},"${key}":${e.bodyText},"sha256":"${e.sha256}"${attestation}}`
}

/** Members beside the three are unsigned: they do not travel on. */
const attestationText = ({ pubkey, created_at, sig }: Attestation): string =>
  JSON.stringify({ pubkey, created_at, sig })

import {
  T,
  advertised,
  alpha,
  attest,
  bare,
  beta,
  braid,
  fragment,
  gamma,
  heartbeat,
  jcs,
  knot,
  message,
  nodeInfo,
  receipt,
  result,
  retag,
  sha256Hex,
  task,
  txxm,
  without,
} from './make.mjs'

/** What every receiver refuses, whoever it is: the event alone decides. */
export const invalid = () => {
  const rows = []
  const add = (code, name, see, why, made) => {
    const rest = { ...made }
    delete rest.expect
    rows.push({ name, see, why, ...rest, code })
  }
  const addTxxm = (code, name, see, why, over, o) =>
    add(code, name, see, why, message(name, 'txxm-envelope', txxm(name, over), o))
  const hash = (text) => sha256Hex(`a thing called ${text}`)

  // bad-event
  const changed = (name, why, change) =>
    addTxxm('bad-event', name, 'NIP-01', why, {}, { event: (event) => ({ ...event, ...change(event) }) })
  changed('id-of-another', 'the id is not that of the event', () => ({ id: hash('another event') }))
  changed('content-changed', 'one character was changed on the way', ({ content }) => ({
    content: content.replace('hello', 'hullo'),
  }))
  changed('pubkey-capitals', 'hex in capitals', ({ pubkey }) => ({ pubkey: pubkey.toUpperCase() }))
  changed('sig-short', 'half a signature', ({ sig }) => ({ sig: sig.slice(0, 64) }))
  changed('kind-65536', 'a kind above 65535', () => ({ kind: 65536 }))
  changed('created-at-fraction', 'half a second', () => ({ created_at: T + 0.5 }))
  changed('created-at-negative', 'before 1970', () => ({ created_at: -1 }))
  changed('tag-empty', 'a tag without a name', ({ tags }) => ({ tags: [...tags, []] }))
  changed('tag-of-number', 'a tag that holds a number', ({ tags }) => ({ tags: [...tags, ['n', 1]] }))
  changed('tags-absent', 'no tags', () => ({ tags: undefined }))
  changed('content-object', 'the content is an object, not a text', ({ content }) => ({ content: JSON.parse(content) }))

  // bad-signature
  addTxxm(
    'bad-signature',
    'sig-of-another',
    'NIP-01',
    'a good signature, of another event',
    {},
    {
      event: (event) => ({ ...event, sig: bare('{}').event.sig }),
    },
  )
  addTxxm(
    'bad-signature',
    'sig-by-another',
    'NIP-01',
    'signed by another key',
    {},
    {
      event: (event) => ({ ...event, sig: attest('txxm-envelope', hash('x'), gamma).sig }),
    },
  )
  addTxxm(
    'bad-signature',
    'attestation-of-another-hash',
    'wire.md 2',
    'attests another body',
    {},
    {
      attest: attest('txxm-envelope', hash('another body'), alpha),
    },
  )
  const own = (name, over) => sha256Hex(jcs(txxm(name, over)))
  addTxxm(
    'bad-signature',
    'attestation-of-another-type',
    'wire.md 2',
    'attests a task of the same sha256',
    {},
    {
      attest: attest('task-envelope', own('attestation-of-another-type'), alpha),
    },
  )
  addTxxm(
    'bad-signature',
    'attestation-moved-in-time',
    'wire.md 2',
    'created_at is signed too',
    {},
    {
      attest: { ...attest('txxm-envelope', own('attestation-moved-in-time'), alpha), created_at: T + 1 },
    },
  )
  addTxxm(
    'bad-signature',
    'attestation-renamed',
    'wire.md 2',
    "another's signature under the sender's key",
    {},
    {
      attest: { ...attest('txxm-envelope', own('attestation-renamed'), gamma), pubkey: alpha.pk },
    },
  )
  addTxxm(
    'bad-signature',
    'attestation-by-another',
    'wire.md 2',
    'the sender did not attest it: a copied body',
    {},
    { attest: gamma },
  )
  addTxxm(
    'bad-signature',
    'attestation-stripped',
    'wire.md 2',
    "alpha's body without its attestation, carried by gamma",
    {},
    {
      attest: false,
      carrier: gamma,
    },
  )
  addTxxm('bad-signature', 'sender-is-not-author', 'wire.md 2', 'attested and carried by alpha in the name of gamma', {
    sender: gamma.pk,
  })
  addTxxm(
    'bad-signature',
    'sender-broken-older-attestation',
    'wire.md 2',
    'without sender the author is the carrier, but an attestation must verify all the same',
    { sender: undefined },
    {
      attest: attest('txxm-envelope', hash('another body'), alpha),
    },
  )
  add(
    'bad-signature',
    'task-sender-is-not-author',
    'wire.md 2',
    'a task in the name of another',
    message('task-sender-is-not-author', 'task-envelope', task('task-sender-is-not-author', { sender: gamma.pk })),
  )
  add(
    'bad-signature',
    'receipt-in-anothers-name',
    'wire.md 2, 2.4',
    'one receipt of the list names another sender',
    message('receipt-in-anothers-name', 'receipt', [receipt('a'), receipt('b', { sender: gamma.pk })]),
  )

  // bad-json
  const addText = (code, name, why, text) => addTxxm(code, name, 'wire.md 1', why, {}, { text })
  addText('bad-json', 'json-cut', 'cut short', (text) => text.slice(0, 100))
  addText('bad-json', 'json-empty', 'no content', () => '')
  addText('bad-json', 'json-trailing', 'something after the end', (text) => `${text}{}`)
  addText('bad-json', 'json-bom', 'a byte order mark', (text) => `\ufeff${text}`)
  addText('bad-json', 'json-comma', 'a comma too many', (text) => text.replace(/}$/, ',}'))
  addText('bad-json', 'json-duplicate-key', 'one key twice beside the body', (text) =>
    text.replace('"version":1', '"version":1,"version":1'),
  )
  addText('bad-json', 'json-duplicate-key-in-body', 'one key twice, deep in the body', (text) =>
    text.replace('"text":"hello"', '"text":"hello","text":"hello"'),
  )
  addText('bad-json', 'json-duplicate-key-escaped', 'one key twice, once written with an escape', (text) =>
    text.replace('"text":"hello"', '"text":"hello","te\\u0078t":"hello"'),
  )
  addText('bad-json', 'json-depth-65', 'nested one deeper than may be', (text) =>
    text.replace('"hello"', `${'['.repeat(62)}${']'.repeat(62)}`),
  )
  addText(
    'bad-json',
    'json-depth-20000',
    'nested so deep that a recursive reader falls',
    () => '['.repeat(20000) + ']'.repeat(20000),
  )
  addText('bad-json', 'json-lone-surrogate', 'half a character, escaped', (text) => text.replace('hello', '\\ud83d'))
  addText('bad-json', 'json-lone-surrogate-key', 'half a character in a key', (text) =>
    text.replace('"text":', '"\\udc00":'),
  )
  addText('bad-json', 'json-huge-number', 'a number that no double holds', (text) => text.replace('"hello"', '1e400'))
  addText('bad-json', 'json-nan', 'NaN is no JSON', (text) => text.replace('"hello"', 'NaN'))

  // unsupported-version: told before the schema is looked at, for a later version may have any shape
  addTxxm(
    'unsupported-version',
    'version-2',
    'wire.md 2',
    'a body that version 1 would refuse',
    { action: undefined },
    { beside: { version: 2 } },
  )
  addTxxm(
    'unsupported-version',
    'version-2-bare',
    'wire.md 2',
    'nothing that version 1 knows',
    {},
    { text: () => '{"type":"txxm-envelope","version":2}' },
  )
  addTxxm('unsupported-version', 'version-0', 'wire.md 2', 'there was no version 0', {}, { beside: { version: 0 } })
  addTxxm('unsupported-version', 'version-fraction', 'wire.md 2', 'no whole version', {}, { beside: { version: 1.5 } })
  add(
    'unsupported-version',
    'node-info-version-2',
    'wire.md 2.5',
    'a later node-info',
    advertised(nodeInfo({ version: 2 })),
  )

  // bad-hash
  addTxxm(
    'bad-hash',
    'hash-of-another',
    'wire.md 1',
    'the sha256 of something else',
    {},
    { beside: { sha256: hash('something else') } },
  )
  addText('bad-hash', 'hash-before-change', 'the body was changed after it was hashed', (text) =>
    text.replace('room.post', 'room.drop'),
  )
  addText('bad-hash', 'hash-unknown-member-added', 'unknown members of a body are hashed too', (text) =>
    text.replace('"payload":', '"x":1,"payload":'),
  )
  addTxxm(
    'bad-hash',
    'hash-of-written-text',
    'wire.md 1',
    'hashed as written, not in canonical form',
    {},
    {
      beside: { sha256: sha256Hex(JSON.stringify(txxm('hash-of-written-text'))) },
    },
  )
  add(
    'bad-hash',
    'hash-of-one-of-the-list',
    'wire.md 2.4',
    'the sha256 of the only receipt, not of the list',
    message('hash-of-one-of-the-list', 'receipt', [receipt('hash-of-one')], {
      beside: { sha256: sha256Hex(jcs(receipt('hash-of-one'))) },
    }),
  )

  // bad-schema: the envelope
  const addEnvelope = (name, why, o) => addTxxm('bad-schema', name, 'wire.md 2', why, {}, o)
  addEnvelope('envelope-null', 'JSON, but no object', { text: () => 'null' })
  addEnvelope('envelope-list', 'JSON, but no object', { text: (text) => `[${text}]` })
  addEnvelope('envelope-no-type', 'no type', { beside: { type: undefined } })
  addEnvelope('envelope-type-number', 'a type that is no string', { beside: { type: 1 } })
  addEnvelope('envelope-no-version', 'only a node-info may lack its version', { beside: { version: undefined } })
  addEnvelope('envelope-version-string', 'a version that is no number', { beside: { version: '1' } })
  addEnvelope('envelope-no-kapnet', 'no kapnet', { beside: { kapnet: undefined } })
  addEnvelope('envelope-no-sha256', 'no sha256', { beside: { sha256: undefined } })
  addEnvelope('envelope-sha256-capitals', 'hex in capitals', {
    text: (text) => text.replace(/"sha256":"(\w+)"/, (_, hex) => `"sha256":"${hex.toUpperCase()}"`),
  })
  addEnvelope('envelope-other-body', 'the body under the key of another type', { bodyKey: 'task' })
  addEnvelope('attestation-no-sig', 'half an attestation', { attest: { pubkey: alpha.pk, created_at: T } })
  addEnvelope('attestation-npub', 'keys are hex', {
    attest: { ...attest('txxm-envelope', hash('x'), alpha), pubkey: alpha.npub },
  })
  addEnvelope('attestation-null', 'present, but nothing', { beside: { attestation: null } })

  // bad-schema: the body of a TXXM
  const addBody = (name, why, over) => addTxxm('bad-schema', name, 'wire.md 1, 2.1', why, over)
  for (const member of ['type', 'action', 'target_kor', 'source_kor', 'payload'])
    addBody(`txxm-no-${member.replace('_', '-')}`, 'a required member is absent', { [member]: undefined })
  addBody('txxm-payload-list', 'the payload is a list', { payload: [] })
  addBody('txxm-payload-null', 'the payload is null', { payload: null })
  addBody('txxm-type-capitals', 'a type in capitals', { type: 'Submission' })
  addBody('txxm-type-long', '33 characters', { type: 't'.repeat(33) })
  addBody('txxm-type-dot', 'a type must be one token of a subject', { type: 'a.b' })
  addBody('txxm-action-wildcard', 'a wildcard and a space', { action: 'room.* x' })
  addBody('txxm-action-line-feed', 'a line feed at the end, which `$` lets through in some languages', {
    action: 'room.post\n',
  })
  addBody('txxm-action-long', '129 characters', { action: 'a'.repeat(129) })
  addBody('txxm-kor-empty-label', 'nothing between two dots', { target_kor: 'a..b' })
  addBody('txxm-kor-dot-at-end', 'nothing after the last dot', { target_kor: 'room.kor.' })
  addBody('txxm-kor-long-label', 'a label of 64', { target_kor: `${'a'.repeat(64)}.kor` })
  addBody('txxm-kor-long', '254 characters', {
    target_kor: `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(62)}`,
  })
  addBody('txxm-kor-underscore', 'an underscore after the first label', { source_kor: 'herm.my_room.kor' })
  addBody('txxm-kor-empty', 'an empty name', { target_kor: '' })
  addBody('txxm-nonce-2-64', 'a nonce above u64', { nonce: '18446744073709551616' })
  addBody('txxm-nonce-number', 'a nonce as a number', { nonce: 1 })
  addBody('txxm-nonce-leading-zero', 'one number has one form', { nonce: '01' })
  addBody('txxm-nonce-empty', 'no digit', { nonce: '' })
  addBody('txxm-nonce-negative', 'below zero', { nonce: '-1' })
  addBody('txxm-sender-npub', 'keys in bodies are hex', { sender: alpha.npub })
  addBody('txxm-audience-empty', 'for nobody', { audience: [] })
  addBody('txxm-audience-33', 'for more than 32', {
    audience: Array.from({ length: 33 }, (_, i) => hash(`receiver ${i}`)),
  })
  addBody('txxm-audience-twice', 'one key twice', { audience: [beta.pk, gamma.pk, beta.pk] })
  addBody('txxm-audience-npub', 'keys in bodies are hex', { audience: [beta.npub] })
  addBody('txxm-audience-string', 'no list', { audience: beta.pk })
  addBody('txxm-network-id-2-32', 'above u32', { network_id: 4294967296 })
  addBody('txxm-created-at-string', 'a time is a number', { created_at: String(T) })
  addBody('txxm-created-at-fraction', 'a time is whole', { created_at: T + 0.5 })
  addBody('txxm-valid-from-negative', 'before 1970', { valid_from: -1 })
  addBody('txxm-valid-backwards', 'KAP-010: valid_until before valid_from', { valid_from: T + 10, valid_until: T + 9 })
  addBody('txxm-request-receipt-string', 'no boolean', { request_receipt: 'yes' })
  addBody('txxm-dependency-twice', 'a duplicate dependency', {
    dependencies: [
      { kind: 'knot', hash: hash('k') },
      { kind: 'knot', hash: hash('k') },
    ],
  })
  addBody('txxm-dependency-twice-hidden', 'a duplicate that an unknown member makes look unlike', {
    dependencies: [
      { kind: 'knot', hash: hash('k') },
      { kind: 'knot', hash: hash('k'), x: 1 },
    ],
  })
  addBody('txxm-dependency-unknown-kind', 'KAP-010: unknown kinds are invalid', {
    dependencies: [{ kind: 'cousin', hash: hash('k') }],
  })
  addBody('txxm-dependency-number-kind', 'kinds are words here', { dependencies: [{ kind: 0, hash: hash('k') }] })
  addBody('txxm-dependency-short-hash', '31 bytes', { dependencies: [{ kind: 'knot', hash: hash('k').slice(2) }] })
  addBody('txxm-dependencies-65', 'more than 64', {
    dependencies: Array.from({ length: 65 }, (_, i) => ({ kind: 'causal-parent', hash: hash(`parent ${i}`) })),
  })
  addBody('txxm-attachment-no-size', 'an attachment without its size', { attachments: [{ sha256: hash('a') }] })

  // bad-schema: the other bodies
  const addOther = (name, see, type, why, body, o) => add('bad-schema', name, see, why, message(name, type, body, o))
  const addTask = (name, why, over) => addOther(name, 'wire.md 1, 2.2', 'task-envelope', why, task(name, over))
  addTask('task-to-any', '`any` is a word of the bus', { to: 'any' })
  addTask('task-from-dispatch', '`dispatch` is no agent', { from: 'dispatch' })
  addTask('task-to-subject', 'a dot would make two tokens of a subject', { to: 'ezra.evil' })
  addTask('task-id-space', 'a space in the id', { task_id: 'a b' })
  addTask('task-id-long', '129 characters', { task_id: 'a'.repeat(129) })
  addTask('task-priority-10', 'above 9', { priority: 10 })
  addTask('task-dispatch-no-deadline', 'dispatch needs a deadline', { to: 'dispatch' })
  addTask('task-no-audience', 'or it could be handed on to someone it was not given to', { audience: undefined })
  addTask('task-no-nonce', 'a nonce is required', { nonce: undefined })
  addTask('task-no-payload', 'a payload is required', { payload: undefined })
  const addResult = (name, why, over) => addOther(name, 'wire.md 2.3', 'task-result', why, result(name, over))
  addResult('result-of-nothing', 'neither result nor error', { result: undefined })
  addResult('result-status', 'no such status', { status: 'done' })
  addResult('result-list', 'the result is a list', { result: [] })
  addResult('result-to-two', "for the task's sender alone", { audience: [beta.pk, gamma.pk] })
  addResult('result-no-time', 'no finished_at', { finished_at: undefined })
  const addReceipt = (name, why, body, o) => addOther(name, 'wire.md 2.4', 'receipt', why, body, o)
  addReceipt('receipt-no-event', 'answers nothing', receipt('receipt-no-event', { event: undefined }))
  addReceipt('receipt-status', 'no such status', receipt('receipt-status', { status: 'ok' }))
  addReceipt('receipt-stage', 'no such stage', receipt('receipt-stage', { stage: 'sent' }))
  addReceipt(
    'receipt-rejected-no-code',
    'rejected, but why?',
    receipt('receipt-rejected-no-code', { status: 'rejected', stage: undefined }),
  )
  addReceipt(
    'receipt-gap-backwards',
    'a gap that ends before it starts',
    receipt('receipt-gap-backwards', {
      status: 'rejected',
      stage: undefined,
      code: 'missing-fragment',
      missing: [[2, 1]],
    }),
  )
  addReceipt('receipts-empty', 'a list of none', [])
  addReceipt(
    'receipts-101',
    'more than 100',
    Array.from({ length: 101 }, (_, i) => receipt(`receipts-101-${i}`)),
  )
  addReceipt('receipt-and-receipts', 'both keys: which one is hashed?', receipt('receipt-and-receipts'), {
    beside: { receipts: [receipt('receipt-and-receipts')] },
  })
  const addInfo = (name, why, over, o) => add('bad-schema', name, 'wire.md 2.5', why, advertised(nodeInfo(over), o))
  addInfo('node-info-npub-of-another', 'npub is not the key of the event', { npub: beta.npub })
  addInfo('node-info-npub-checksum', 'one character of the npub is wrong', { npub: alpha.npub.replace(/.$/, 'q') })
  addInfo('node-info-npub-hex', 'npub in hex', { npub: alpha.pk })
  addInfo('node-info-id-any', '`any` is a word of the bus', { id: 'any' })
  addInfo('node-info-id-underscore', 'no underscore in a Herm id', { id: 'herm_alpha' })
  addInfo('node-info-status', 'no such status', { status: 'asleep' })
  addInfo('node-info-relays-9', 'more than 8 relays', {
    relays: Array.from({ length: 9 }, (_, i) => `wss://relay${i}.example`),
  })
  addInfo('node-info-transport', 'no such road', { transports: ['nip04'] })
  addInfo('node-info-namespace', 'no KOR name', { kor_namespaces: ['a b'] })
  addInfo('node-info-no-id', 'whose?', { id: undefined })
  addInfo('node-info-agent-dispatch', '`dispatch` is no agent', { agents: ['dispatch'] })
  const addFragment = (name, why, over) => addOther(name, 'wire.md 2.6', 'fragment', why, fragment(over))
  addFragment('fragment-index-is-count', 'counted from zero', { index: 2 })
  addFragment('fragment-count-257', 'more than 256', { count: 257 })
  addFragment('fragment-data-url-base64', 'base64 of the other alphabet', { data: '_-8=' })
  addFragment('fragment-data-unpadded', 'base64 without padding', { data: 'YQ' })
  addOther('braid-op', 'wire.md 2.7', 'braid', 'no such op', braid('braid-op', { op: 'put' }), { road: 'nip44' })
  addOther('braid-scope', 'wire.md 2.7, braid.md', 'braid', 'no such scope', braid('braid-scope', { scope: 'all' }), {
    road: 'nip44',
  })
  addOther(
    'braid-ids-501',
    'wire.md 2.7',
    'braid',
    'more than 500 ids',
    braid('braid-ids-501', { ids: Array.from({ length: 501 }, (_, i) => hash(`id ${i}`)) }),
    { road: 'nip44' },
  )
  addOther(
    'heartbeat-agent',
    'wire.md 2.8',
    'heartbeat',
    'an agent without an id',
    heartbeat('heartbeat-agent', { agents: [{ model: 'm' }] }),
    { road: 'nip44' },
  )
  addOther('knot-root', 'wire.md 2.9', 'knot', 'a root of 31 bytes', knot('knot-root', { root: hash('r').slice(2) }), {
    to: null,
  })

  // bad-schema: tags that tell another story than the content
  const addTags = (name, why, tags) => addTxxm('bad-schema', name, 'wire.md 3', why, {}, { tags })
  addTags('tag-d-of-another-id', 'd of another message', retag('d', `txxm-${hash('another')}`))
  addTags('tag-d-to-another', 'd with the P16 of a key that p does not name', (tags, id) =>
    retag('d', `txxm-${id}-${gamma.p16}`)(tags),
  )
  addTags('tag-d-addressed-without-p', 'd is addressed, p is absent', without('p'))
  addTags('tag-d-more', 'something after the P16', (tags, id) => retag('d', `txxm-${id}-${beta.p16}0`)(tags))
  addTags('tag-d-of-a-task', 'd of a task', (tags, id) => retag('d', `task-${id}-${beta.p16}`)(tags))
  addTags('tag-id', 'id of another message', retag('id', hash('another')))
  addTags('tag-id-second', 'a second id tag that differs', (tags) => [...tags, ['id', hash('another')]])
  addTags('tag-class', 'class of another type', retag('class', 'vote'))
  addTags('tag-ns', 'ns of another KOR name', retag('ns', sha256Hex('other.kor')))
  addTags('tag-payload', 'hash of another payload', retag('payload', sha256Hex('{}')))
  addTags('tag-kap', 'KAP-100: it is a TXXM', retag('kap', 'knot'))
  addTxxm(
    'bad-schema',
    'tag-payload-nip44',
    'wire.md 3',
    'the nip44 form frees d, not the others',
    {},
    {
      road: 'nip44',
      tags: (tags) => [...tags, ['payload', sha256Hex('{}')]],
    },
  )
  add(
    'bad-schema',
    'tag-d-task-without-p16',
    'wire.md 3',
    'only a TXXM may lack the P16',
    message('tag-d-task-without-p16', 'task-envelope', task('tag-d-task-without-p16'), {
      tags: (tags, id) => retag('d', `task-${id}`)(tags),
    }),
  )
  add(
    'bad-schema',
    'tag-d-result',
    'wire.md 3',
    'd of another result',
    message('tag-d-result', 'task-result', result('tag-d-result'), {
      tags: retag('d', `result-${hash('another')}-${beta.p16}`),
    }),
  )
  add(
    'bad-schema',
    'tag-d-receipt',
    'wire.md 3',
    'd of another receipt',
    message('tag-d-receipt', 'receipt', receipt('tag-d-receipt'), { tags: retag('d', `receipt-${hash('another')}`) }),
  )
  add(
    'bad-schema',
    'tag-d-fragment',
    'wire.md 3',
    'd of another fragment',
    message('tag-d-fragment', 'fragment', fragment(), {
      tags: retag('d', `frag-${sha256Hex('a whole')}-1-${beta.p16}`),
    }),
  )
  return rows
}

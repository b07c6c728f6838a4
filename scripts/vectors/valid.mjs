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

/** What every receiver takes. The rows: name, why, what it is made of. */
export const valid = () => {
  const rows = []
  const add = (name, see, why, made, extra = {}) => rows.push({ name, see, why, ...made, ...extra })
  const addTxxm = (name, see, why, over, o) => {
    add(name, see, why, message(name, 'txxm-envelope', txxm(name, over), o))
  }
  const OLD = { sender: undefined, nonce: undefined, audience: undefined }
  const hash = (text) => sha256Hex(`a thing called ${text}`)

  addTxxm('txxm-addressed', 'wire.md 2.1, 3', 'addressed, attested, every tag')
  addTxxm(
    'txxm-gossip',
    'wire.md 2.1, 3',
    'routed by KOR: no audience, no p, no expiration',
    { audience: undefined },
    { to: null },
  )
  addTxxm('txxm-least', 'wire.md 2.1', 'only what is required', { created_at: undefined, payload: {} })
  addTxxm('txxm-every-member', 'wire.md 2.1', 'every optional member', {
    audience: [beta.pk, gamma.pk],
    network_id: 4294967295,
    valid_from: T - 10,
    valid_until: T + 3600,
    dependencies: ['causal-parent', 'state-root', 'braid-tip', 'knot', 'market-receipt', 'capability'].map((kind) => ({
      kind,
      hash: hash('dependency'),
    })),
    request_receipt: true,
    attachments: [
      { sha256: hash('picture'), size: 0 },
      { sha256: hash('film'), size: 9007199254740991, url: 'https://files.example/film' },
    ],
  })
  addTxxm('txxm-longest-names', 'wire.md 1', 'every name as long as it may be, the greatest nonce', {
    type: 't'.repeat(32),
    action: 'a'.repeat(128),
    target_kor: `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`,
    source_kor: `_${'s'.repeat(62)}.${'-'.repeat(63)}`,
    nonce: '18446744073709551615',
  })
  addTxxm('txxm-most-items', 'wire.md 2.1', '64 dependencies and an audience of 32', {
    dependencies: Array.from({ length: 64 }, (_, i) => ({ kind: 'causal-parent', hash: hash(`parent ${i}`) })),
    audience: [beta.pk, ...Array.from({ length: 31 }, (_, i) => hash(`receiver ${i}`))],
  })
  addTxxm('txxm-nonce-zero', 'wire.md 1', 'the least nonce', { nonce: '0' })
  addTxxm('txxm-kor-capitals', 'wire.md 1', 'KOR names are compared in lowercase; ns is over the lowercase name', {
    target_kor: 'Member.Room.KOR',
  })
  addTxxm(
    'txxm-unknown-members',
    'wire.md 2',
    'in the body kept and hashed, beside it ignored',
    { 'x-kept': { deep: [1, null] } },
    {
      beside: { 'x-ignored': true, task: 'of no concern here' },
    },
  )
  addTxxm(
    'txxm-written-otherwise',
    'wire.md 1',
    'white space, escapes and order do not count: the same sha256',
    { payload: { ä: 'ü/€', n: 1 } },
    {
      text: (text) =>
        ` ${text.replace(',"version":1', '').replace(/}$/, ' ,\n\t"version" : 1.0 }')}`
          .replace('ü/€', '\\u00fc\\/\\u20AC')
          .replace('"ä"', '"\\u00e4"')
          .replace('"n":1}', '"n":10e-1}'),
    },
  )
  addTxxm(
    'txxm-numbers',
    'wire.md 1',
    'numbers in the form of RFC 8785, however they were written',
    { payload: { list: [1e21, 1e-7, 0.1, 123456789012345680000, 0, 5e-324, 1.7976931348623157e308] } },
    { text: (text) => text.replace('1e+21,', '1000000000000000000000,').replace(',0,5e-324', ',-0.0,50E-325') },
  )
  addTxxm('txxm-key-order', 'wire.md 1', 'members are sorted by UTF-16 code units, not by code points', {
    payload: { '\ufb33': 1, '\ud83d\ude00': 2, '\u20ac': 3, '\u0080': 4, 1: 5, '\r': 6 },
  })
  addTxxm('txxm-proto-member', 'wire.md 2', 'a member called __proto__ is a member like any other', {
    payload: JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
  })
  addTxxm('txxm-depth-64', 'wire.md 1', 'nested as deep as it may be: envelope, body, payload and 61 lists', {
    payload: { deep: JSON.parse(`${'['.repeat(61)}${']'.repeat(61)}`) },
  })
  addTxxm(
    'txxm-deniable',
    'wire.md 2',
    'without attestation the carrying event proves the author',
    {},
    { attest: false },
  )
  addTxxm(
    'txxm-carried-by-another',
    'wire.md 2, KAP-100',
    'attested by its author, carried by another key',
    {},
    {
      carrier: gamma,
      tags: (tags) => [...tags, ['source-pubkey', alpha.pk]],
    },
  )
  addTxxm(
    'txxm-attested-later',
    'wire.md 2',
    "the attestation's time is its own",
    {},
    {
      attest: attest('txxm-envelope', sha256Hex(jcs(txxm('txxm-attested-later'))), alpha, T + 5),
    },
  )
  addTxxm(
    'txxm-to-several',
    'wire.md 3',
    'p names two: d holds the P16 of one of them',
    { audience: [beta.pk, gamma.pk] },
    {
      tags: (tags) => [['p', gamma.pk], ...tags],
    },
  )
  addTxxm(
    'txxm-private',
    'wire.md 4',
    'the Kapnet kind on a private relay',
    { audience: undefined },
    { road: 'private', to: null },
  )
  addTxxm('txxm-nip44', 'wire.md 4', 'encrypted: the tags tell nothing but the addressee', {}, { road: 'nip44' })

  addTxxm(
    'also-d-without-p16',
    'wire.md 3, also accepted',
    'd of the unaddressed form, with p',
    {},
    {
      tags: (tags, id) => retag('d', `txxm-${id}`)(tags),
    },
  )
  addTxxm('also-no-k', 'wire.md 3, also accepted', 'no k tag', {}, { tags: without('k') })
  addTxxm(
    'also-no-kap-tags',
    'wire.md 3, also accepted',
    'no KAP-100 tags',
    {},
    {
      tags: without('kap', 'id', 'class', 'ns', 'payload'),
    },
  )
  addTxxm('also-npub-in-p', 'wire.md 1, also accepted', 'p holds an npub', {}, { tags: retag('p', beta.npub) })
  addTxxm('also-no-d', 'wire.md 3', 'no d at all: only what is present must match', {}, { tags: without('d') })
  addTxxm(
    'also-older-herm',
    'wire.md 2, also accepted',
    'no sender, nonce, audience, attestation or KAP-100 tags',
    OLD,
    {
      attest: false,
      tags: (tags, id) => without('kap', 'id', 'class', 'ns', 'payload')(retag('d', `txxm-${id}`)(tags)),
    },
  )
  addTxxm('also-no-nonce', 'kapnetd-ipc.md', 'made by a local daemon: a sender but no nonce', { nonce: undefined })
  addTxxm(
    'also-no-sender-attested-by-another',
    'wire.md 2, also accepted',
    'without sender the author is the carrier, whoever attests',
    OLD,
    {
      attest: gamma,
    },
  )

  const addTask = (name, why, over, o) =>
    add(name, 'wire.md 2.2', why, message(name, 'task-envelope', task(name, over), o))
  addTask('task-direct', 'for one agent')
  addTask('task-dispatch', 'for whichever agent takes it, by a deadline', { to: 'dispatch', deadline: T + 3600 })
  addTask('task-every-member', 'every optional member', {
    title: 'Review',
    capability: 'code-review',
    priority: 9,
    created_at: T,
    deadline: T + 3600,
    reply_to: 'a_b-c',
  })
  addTask('task-older-herm', 'also accepted: no sender, nonce, audience or attestation', OLD, { attest: false })
  addTask('task-nip44', 'encrypted', {}, { road: 'nip44' })

  const addResult = (name, why, over, o) =>
    add(name, 'wire.md 2.3', why, message(name, 'task-result', result(name, over), o))
  addResult('result-completed', 'with a result')
  addResult('result-failed', 'with an error', {
    status: 'failed',
    result: undefined,
    error: { code: 'no-tool', message: 'it is gone' },
  })
  addResult('result-older-herm', 'also accepted: no sender, nonce, audience or attestation', OLD, { attest: false })

  const addReceipt = (name, why, body, o) => add(name, 'wire.md 2.4', why, message(name, 'receipt', body, o))
  addReceipt('receipt-stored', 'durably held', receipt('receipt-stored', { stage: 'stored' }))
  addReceipt('receipt-no-stage', 'an absent stage means done', receipt('receipt-no-stage', { stage: undefined }))
  addReceipt(
    'receipt-duplicate',
    'known already, and how far it is',
    receipt('receipt-duplicate', { status: 'duplicate', stage: 'stored' }),
  )
  addReceipt(
    'receipt-rejected',
    'a code, and no ref because it could not be read',
    receipt('receipt-rejected', {
      status: 'rejected',
      stage: undefined,
      ref: undefined,
      code: 'bad-json',
      message: 'not JSON',
    }),
  )
  addReceipt(
    'receipt-expired',
    'came too late',
    receipt('receipt-expired', { status: 'expired', stage: undefined, code: 'expired', message: 'too late' }),
  )
  addReceipt(
    'receipt-missing',
    'which fragments to send again',
    receipt('receipt-missing', {
      status: 'rejected',
      stage: undefined,
      code: 'missing-fragment',
      message: 'three are missing',
      missing: [
        [0, 0],
        [254, 255],
      ],
    }),
  )
  addReceipt(
    'receipt-braid',
    'with the root of the shared scope',
    receipt('receipt-braid', { braid: { root: hash('root'), count: 3 } }),
  )
  addReceipt('receipt-attested', 'an attestation is welcome on any type', receipt('receipt-attested'), {
    attest: alpha,
  })
  addReceipt('receipts-list', 'sha256 over the list', [
    receipt('receipts-list-1'),
    receipt('receipts-list-2', { stage: 'stored' }),
  ])
  addReceipt(
    'receipts-hundred',
    'as many as may be',
    Array.from({ length: 100 }, (_, i) => receipt(`receipts-hundred-${i}`)),
  )

  const addInfo = (name, why, info, o) => add(name, 'wire.md 2.5', why, advertised(nodeInfo(info), o))
  addInfo('node-info', 'as advertised')
  addInfo('node-info-every-member', 'every optional member', {
    status: 'draining',
    relays: Array.from({ length: 8 }, (_, i) => `wss://relay${i}.example`),
    transports: ['private', 'dm', 'nip44', 'public'],
    limits: { max_envelope_bytes: 524288 },
    software: { name: 'ksp-bridge', version: '0.1.0' },
    agents: ['allegro', 'a_b-c'],
    task_capabilities: ['code-review'],
    'x-unknown': 1,
  })
  addInfo('node-info-empty', 'no endpoint, no namespace, no capability', {
    endpoint: '',
    kor_namespaces: [],
    capabilities: [],
    status: 'offline',
  })
  addInfo(
    'also-node-info-older-herm',
    'also accepted: no version, d node-info, only the kapnet tag',
    { version: undefined },
    {
      tags: [
        ['d', 'node-info'],
        ['t', 'kapnet'],
      ],
    },
  )

  add('fragment-first', 'wire.md 2.6', 'the first of two', message('fragment-first', 'fragment', fragment()))
  add(
    'fragment-last',
    'wire.md 2.6',
    'the last of as many as may be, with an author',
    message(
      'fragment-last',
      'fragment',
      fragment({ index: 255, count: 256, sender: alpha.pk, nonce: '1', audience: [beta.pk] }),
    ),
  )
  add(
    'braid-get',
    'wire.md 2.7',
    'asking for strands',
    message('braid-get', 'braid', braid('braid-get'), { road: 'nip44' }),
  )
  add(
    'braid-neg-open',
    'wire.md 2.7',
    'negentropy on the private road',
    message('braid-neg-open', 'braid', braid('braid-neg-open', { op: 'neg-open', ids: undefined, data: 'YQAAAA==' }), {
      road: 'nip44',
      kind: 30500,
    }),
  )
  add(
    'heartbeat',
    'wire.md 2.8',
    'two agents, one of which says nothing more',
    message('heartbeat', 'heartbeat', heartbeat('heartbeat'), { road: 'nip44' }),
  )
  add('knot', 'wire.md 2.9', 'the first knot of gossip', message('knot', 'knot', knot('knot'), { to: null }))

  add(
    'unknown-type',
    'wire.md 2',
    'ignored and counted, whatever else it holds',
    bare('{"kapnet":"0.3.0","type":"hologram","version":7}'),
    {
      expect: { type: 'unknown', name: 'hologram' },
    },
  )
  add(
    'unknown-type-constructor',
    'wire.md 2',
    'no type, though every JavaScript object has one',
    bare('{"type":"constructor"}'),
    {
      expect: { type: 'unknown', name: 'constructor' },
    },
  )

  const wrap = { stage: 'wrap' }
  const dm = { road: 'dm' }
  add(
    'wrap-txxm',
    'wire.md 4',
    'a gift wrap; the rumor is the event of section 3, unsigned',
    message('wrap-txxm', 'txxm-envelope', txxm('wrap-txxm'), dm),
    wrap,
  )
  add(
    'wrap-deniable',
    'wire.md 4',
    'no attestation: the seal proves the author, to the receiver alone',
    message('wrap-deniable', 'txxm-envelope', txxm('wrap-deniable'), { ...dm, attest: false }),
    wrap,
  )
  add(
    'also-wrap-kind-14',
    'wire.md 4, also accepted',
    'a rumor of kind 14 whose content is an envelope',
    message('also-wrap-kind-14', 'txxm-envelope', txxm('also-wrap-kind-14'), {
      ...dm,
      kind: 14,
      tags: () => [['p', beta.pk]],
    }),
    wrap,
  )
  return rows
}

import { NOW, advertised, alpha, beta, gamma, message, nodeInfo, sha256Hex, jcs, task, txxm } from './make.mjs'

/** beta, which knows alpha and serves one namespace. */
const CONTEXT = {
  now: NOW,
  me: beta.pk,
  myHermId: 'herm-qubes-beta',
  myKors: ['room.kor'],
  trusted: [{ key: alpha.pk, id: 'herm-qubes-alpha' }],
}
const trusting = (grants) => ({ trusted: [{ ...CONTEXT.trusted[0], ...grants }] })

/** What only a receiver with its clock, its key and its configuration can decide. */
export const receiver = () => {
  const takes = []
  const refuses = []
  const row = (name, see, why, made, context) => ({
    name,
    see,
    why,
    stage: 'receiver',
    ...made,
    context: { ...CONTEXT, ...context },
  })
  const take = (name, see, why, over, o = {}) => {
    const { context, due, ...how } = o
    const made = message(name, 'txxm-envelope', txxm(name, over), how)
    if (due !== undefined) made.expect.due = due
    takes.push(row(name, see, why, made, context))
  }
  const refuseMade = (code, name, see, why, made, context) => {
    const rest = { ...made }
    delete rest.expect
    refuses.push({ ...row(name, see, why, rest, context), code })
  }
  const refuse = (code, name, see, why, over, o = {}) => {
    const { context, ...how } = o
    refuseMade(code, name, see, why, message(name, 'txxm-envelope', txxm(name, over), how), context)
  }
  const GOSSIP = { audience: undefined }
  const OLD = { sender: undefined, nonce: undefined, audience: undefined }

  take('to-us', 'wire.md 2', 'we are in the audience')
  take('to-us-and-another', 'wire.md 2', 'we are one of two in the audience', { audience: [gamma.pk, beta.pk] })
  take('to-us-nip44', 'wire.md 4', 'encrypted for us', {}, { road: 'nip44' })
  take('to-us-kor-not-ours', 'wire.md 2', 'the audience holds, whatever target_kor says', {
    target_kor: 'elsewhere.example',
  })
  take('gossip-of-a-trusted-author', 'wire.md 3', 'unaddressed', GOSSIP, { to: null })
  take('kor-that-we-serve', 'wire.md 5', 'sent to us because we serve its target', GOSSIP)
  take(
    'older-herm',
    'wire.md 2, also accepted',
    'no sender and no audience: p is the address, the carrier the author',
    OLD,
    { attest: false },
  )
  take(
    'carried-by-a-trusted-other',
    'wire.md 6',
    'author and carrier both trusted',
    {},
    {
      carrier: gamma,
      context: { trusted: [...CONTEXT.trusted, { key: gamma.pk, id: 'mkctp-gamma' }] },
    },
  )
  take('valid-until-in-grace', 'wire.md 6', 'over for 299 seconds', { valid_until: NOW - 299 })
  take(
    'valid-from-in-an-hour',
    'wire.md 6',
    'held, and delivered when due',
    { valid_from: NOW + 3599 },
    { due: NOW + 3599 },
  )
  take(
    'kor-granted',
    'wire.md 5',
    'a namespace under one that is granted',
    {},
    { context: trusting({ kor: ['pluronymous.org'] }) },
  )
  take(
    'action-granted',
    'wire.md 5',
    'an action that is granted',
    {},
    { context: trusting({ actions: ['room.post'] }) },
  )

  refuse(
    'untrusted-sender',
    'untrusted-author',
    'wire.md 6',
    'attested by a stranger, carried by alpha',
    { sender: gamma.pk },
    { attest: gamma },
  )
  refuse(
    'untrusted-sender',
    'untrusted-carrier',
    'wire.md 6',
    'by alpha, carried by a stranger',
    {},
    { carrier: gamma },
  )
  refuse('untrusted-sender', 'untrusted-both', 'wire.md 6', 'by a stranger', {}, { context: { trusted: [] } })
  refuse('not-addressed', 'not-in-the-audience', 'wire.md 2', 'p names us, the audience does not', {
    audience: [gamma.pk],
  })
  refuse(
    'not-addressed',
    'not-in-the-audience-nip44',
    'wire.md 2',
    'encrypted for us, but not for us: handed on',
    { audience: [gamma.pk] },
    { road: 'nip44' },
  )
  refuse(
    'not-addressed',
    'not-in-the-audience-kor',
    'wire.md 2',
    'we serve its target, but it was given to another',
    { audience: [gamma.pk] },
    { to: null },
  )
  refuse('not-addressed', 'kor-that-we-do-not-serve', 'wire.md 5', 'sent to us for a name that is not ours', {
    ...GOSSIP,
    target_kor: 'oom.kor',
  })
  refuse('expired', 'valid-until-long-ago', 'wire.md 6', 'over for 301 seconds', { valid_until: NOW - 301 })
  refuse('not-yet-valid', 'valid-from-beyond-an-hour', 'wire.md 6', 'more than an hour ahead', {
    valid_from: NOW + 3601,
  })
  refuse(
    'forbidden-kor',
    'source-kor-of-another-herm',
    'wire.md 5',
    "the first label is not its author's",
    { source_kor: 'mkctp-gamma.sys.pluronymous.org' },
    {
      context: {
        pins: [
          { id: 'herm-qubes-alpha', key: alpha.pk },
          { id: 'mkctp-gamma', key: gamma.pk },
        ],
      },
    },
  )
  refuse(
    'forbidden-kor',
    'source-kor-not-granted',
    'wire.md 5',
    'a namespace that is not granted',
    {},
    { context: trusting({ kor: ['room.kor'] }) },
  )
  refuse(
    'forbidden-kor',
    'source-kor-not-a-whole-label',
    'wire.md 5',
    'a suffix, but not by whole labels',
    {},
    { context: trusting({ kor: ['ronymous.org'] }) },
  )
  refuse(
    'forbidden-action',
    'action-not-granted',
    'wire.md 5',
    'an action that is not granted',
    { action: 'room.drop' },
    { context: trusting({ actions: ['room.post'] }) },
  )
  refuse(
    'too-large',
    'larger-than-allowed',
    'wire.md 6',
    'a kilobyte is allowed',
    { payload: { text: 'x'.repeat(1024) } },
    { context: { maxEnvelopeBytes: 1024 } },
  )
  {
    const name = 'known-message'
    refuse(
      'duplicate',
      name,
      'wire.md 2.4',
      'a new event with a known message',
      {},
      { context: { known: [sha256Hex(jcs(txxm(name)))] } },
    )
  }
  refuseMade(
    'no-such-agent',
    'task-for-nobody-here',
    'wire.md 2.2, 7',
    'no agent of that name',
    message('task-for-nobody-here', 'task-envelope', task('task-for-nobody-here')),
    { agents: ['allegro'] },
  )
  refuseMade(
    'expired',
    'task-deadline-long-ago',
    'wire.md 6',
    'its deadline passed 301 seconds ago',
    message('task-deadline-long-ago', 'task-envelope', task('task-deadline-long-ago', { deadline: NOW - 301 })),
    { agents: ['ezra'] },
  )
  refuseMade(
    'not-addressed',
    'task-handed-on',
    'wire.md 2',
    'a task that was given to another',
    message('task-handed-on', 'task-envelope', task('task-handed-on', { audience: [gamma.pk] })),
    { agents: ['ezra'] },
  )
  refuseMade(
    'conflict',
    'task-id-used-twice',
    'wire.md 1',
    'the same sender and task_id, another sha256',
    message('task-id-used-twice', 'task-envelope', task('task-id-used-twice')),
    {
      agents: ['ezra'],
      tasks: [{ sender: alpha.pk, task_id: 'task-id-used-twice', sha256: sha256Hex('another task') }],
    },
  )
  refuseMade(
    'id-conflict',
    'herm-id-of-another',
    'wire.md 5',
    'its Herm id is pinned to another key',
    advertised(nodeInfo({ id: 'herm-qubes-alpha', npub: gamma.npub }), { carrier: gamma }),
    {
      trusted: [...CONTEXT.trusted, { key: gamma.pk }],
      pins: [{ id: 'herm-qubes-alpha', key: alpha.pk }],
    },
  )
  takes.push(
    row(
      'node-info-299-s-ahead',
      'wire.md 2.5',
      'a clock that is a little fast',
      advertised(nodeInfo(), { sign: { created_at: NOW + 299 } }),
    ),
  )
  takes.push(
    row(
      'node-info-of-a-stranger',
      'wire.md 2.5',
      'taken note of, without any right',
      advertised(nodeInfo({ id: 'mkctp-gamma', npub: gamma.npub }), { carrier: gamma }),
    ),
  )
  return { takes, refuses }
}

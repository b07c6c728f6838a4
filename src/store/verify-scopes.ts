import type { Database } from 'better-sqlite3'
import type { Scope } from '../core/decision.js'
import type { Hashes } from '../core/hashes.js'
import { addToLanes, emptyLanes, rootOfLanes } from '../core/roothash.js'
import type { MessageId } from '../core/types.js'
import type { VerifyStep } from '../ports.js'
import { toHex } from './columns.js'
import type { Scopes } from './scopes.js'

/** Computes tips, counts and roots again from the strands themselves. */
export type VerifyScopes = (hashes: Hashes) => Generator<VerifyStep, void>

type Finding = Extract<VerifyStep, { kind: 'finding' }>

interface Member {
  readonly position: number
  readonly id: Buffer
  readonly should_be_tip: number
  readonly is_tip: number
}

const PAGE = 500

export const createVerifyScopes = (db: Database, scopes: Scopes): VerifyScopes => {
  const selectMembers = db.prepare<[object], Member>(
    `SELECT s.position, m.id,
       NOT EXISTS (SELECT 1 FROM parents p JOIN scope_members c ON c.message = p.child AND c.scope = s.scope
         WHERE p.parent = s.message) AS should_be_tip,
       EXISTS (SELECT 1 FROM tips t WHERE t.scope = s.scope AND t.message = s.message) AS is_tip
     FROM scope_members s JOIN messages m ON m.seq = s.message
     WHERE s.scope = @scope AND s.position > @after ORDER BY s.position LIMIT ${PAGE}`,
  )
  const strayTips = db
    .prepare<[number], number>(
      `SELECT count(*) FROM tips t WHERE t.scope = ? AND NOT EXISTS
         (SELECT 1 FROM scope_members s WHERE s.scope = t.scope AND s.message = t.message)`,
    )
    .pluck()
  const selectLanes = db.prepare<[number], Buffer>('SELECT lanes FROM scope_lanes WHERE scope = ?').pluck()

  /** The next members and, in the same moment, what is kept: a writer beside us would else look like an error. */
  const readPage = db.transaction((name: Scope, scope: number, after: number) => ({
    members: selectMembers.all({ scope, after }),
    kept: scopes.root(name),
    lanes: selectLanes.get(scope),
    strays: strayTips.get(scope) ?? 0,
  }))

  const compare = (scope: Scope, sum: Sum, kept: Kept, hashes: Hashes): Finding[] => {
    const found: Finding[] = []
    const report = (code: Finding['code'], message: string): void =>
      void found.push({ kind: 'finding', code, scope, message })
    const root = rootOfLanes(sum.lanes, hashes)
    if (sum.count !== kept.kept.count) report('bad-count', `it holds ${sum.count} strands, ${kept.kept.count} are kept`)
    if (root !== kept.kept.root) report('bad-root', `its root is ${root}, ${kept.kept.root} is kept`)
    if (kept.lanes === undefined || !kept.lanes.equals(sum.lanes)) report('bad-root', 'its lanes are others')
    if (kept.strays > 0) report('bad-tips', `${kept.strays} of its tips are no strands of it`)
    return found
  }

  return function* verifyScopes(hashes) {
    const names = scopes.all()
    const total = names.reduce((sum, { count }) => sum + count, 0)
    let checked = 0
    for (const { scope: name } of names) {
      const scope = scopes.find(name)
      if (scope === undefined) continue
      const sum: Sum = { lanes: emptyLanes(), count: 0 }
      let after = 0
      for (;;) {
        const page = readPage(name, scope, after)
        for (const member of page.members) {
          addToLanes(sum.lanes, member.id, hashes)
          sum.count++
          after = member.position
          if (member.is_tip !== member.should_be_tip) yield wrongTip(member, name)
        }
        checked += page.members.length
        const isLast = page.members.length < PAGE
        if (isLast) yield* compare(name, sum, page, hashes)
        yield { kind: 'progress', part: 'scopes', checked, total: Math.max(total, checked) }
        if (isLast) break
      }
    }
  }
}

interface Sum {
  readonly lanes: Uint8Array
  count: number
}

interface Kept {
  readonly kept: { readonly root: string; readonly count: number }
  readonly lanes: Buffer | undefined
  readonly strays: number
}

const wrongTip = (member: Member, scope: Scope): Finding => ({
  kind: 'finding',
  code: 'bad-tips',
  id: toHex<MessageId>(member.id),
  scope,
  message: member.is_tip === 1 ? 'it is kept as a tip and has a child' : 'it has no child and is not kept as a tip',
})

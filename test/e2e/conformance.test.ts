import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { builtProgram, startChild, type Child } from '../../src/ops/child.js'
import { ALL_RULES } from '../conformance/all-rules.js'
import type { RuleResult } from '../conformance/runner.js'

/** Waits only for a suite that hangs; it takes well under a minute where nothing else runs. */
const LIMIT_MS = 300_000

const lax = fileURLToPath(new URL('../support/lax-relay.mjs', import.meta.url))

const start = (program: string, ...args: string[]): Child => {
  const child = startChild(program, args)
  onTestFinished(() => child.stop('SIGKILL').then(() => undefined))
  return child
}
const suite = (...args: string[]): Child => start(builtProgram('scripts/conformance.js'), ...args)
const resultsOf = (child: Child): RuleResult[] => child.out.map((line) => JSON.parse(line) as RuleResult)
const resultOf = (child: Child, rule: string): RuleResult | undefined =>
  resultsOf(child).find((one) => one.rule === rule)
const laxRelay = async (): Promise<string> => (await start(lax).line(/^ready ws:/)).slice('ready '.length)

describe('npm run conformance', () => {
  it(
    'finds nothing wrong with our own relay, and tells every rule there is',
    async () => {
      const child = suite('--json', '--timeout', '15')
      const { code } = await child.ended
      const results = resultsOf(child)

      expect(results.filter(({ pass }) => pass === false)).toEqual([])
      expect(results.map(({ rule }) => rule).sort()).toEqual(ALL_RULES.map(({ id }) => id).sort())
      expect(results.filter(({ pass }) => pass === null)).toEqual([])
      expect(results.filter(({ required }) => required).length).toBeGreaterThan(400)
      expect(code).toBe(0)
      expect(Object.keys(results[0]!)).toEqual(['rule', 'nip', 'required', 'pass', 'detail'])
    },
    LIMIT_MS,
  )

  it.each([
    ['nip01-id-not-the-hash', 'accepted'],
    ['nip01-sig-wrong', 'accepted'],
    ['nip01-kind-65536', 'accepted'],
    ['nip01-filter-kinds', 'stored events that match'],
    ['nip01-live-tag', 'live events that match'],
    ['nip01-empty-authors', 'what is served'],
    ['nip01-live-not-again', 'what was heard'],
    ['nip01-ok-duplicate', 'OK true'],
    ['nip01-kind-replaceable-0', 'what is left'],
    ['nip01-kind-ephemeral-20000', 'stored'],
    ['nip01-ephemeral-mute', 'OK true'],
    ['nip01-limit-zero', 'what was heard'],
    ['nip01-close', 'what was heard'],
  ])('fails %s of a relay that checks nothing, and says what it saw', async (rule, words) => {
    const child = suite(await laxRelay(), '--json', '--only', rule)
    const { code } = await child.ended

    expect(resultOf(child, rule)).toMatchObject({
      nip: 1,
      required: true,
      pass: false,
      detail: expect.stringContaining(words),
    })
    expect(code).toBe(1)
  })

  it.each([
    ['nip09-e', 9],
    ['nip17-unknown-req-id', 17],
    ['nip40-already', 40],
    ['nip70-unknown', 70],
  ])('asks for %s only where the relay says it has it, unless --all is given', async (rule, nip) => {
    const url = await laxRelay()
    const [asked, all] = [suite(url, '--json', '--only', rule), suite(url, '--json', '--only', rule, '--all')]
    await Promise.all([asked.ended, all.ended])

    const about = { rule, nip, required: false }
    expect(resultOf(asked, rule)).toEqual({ ...about, pass: null, detail: 'not advertised' })
    expect(resultOf(all, rule)).toMatchObject({ ...about, pass: false })
    expect((await all.ended).code).toBe(0)
  })

  it('does not wait for ever for a relay that does not answer', async () => {
    const child = suite(await laxRelay(), '--json', '--only', 'nip45-none', '--all', '--timeout', '1')
    await child.ended

    expect(resultsOf(child)[0]?.detail).toMatch(/^no COUNT or CLOSED within 1000 ms; heard last \["NOTICE"/)
  })

  it('prints a table that a person can read', async () => {
    const child = suite('--only', 'nip01-close')
    const { code } = await child.ended

    expect(child.out[0]).toBe('NIP-01')
    expect(child.out.join('\n')).toMatch(/^ {2}ok {4}nip01-close-unknown +CLOSE of what is not open ends nothing$/m)
    expect(child.out.at(-1)).toMatch(/^\d hold, 0 fail, 0 that are not required do not hold, 0 were not run$/)
    expect(code).toBe(0)
  })

  it.each([
    ['a URL that is none', ['https://relay.example'], 'https://relay.example is not a ws:// or wss:// URL'],
    ['two URLs', ['ws://a', 'ws://b'], 'one URL at most'],
    ['a rule that is none', ['--only', 'nip99'], 'no rule starts with nip99'],
    ['an option nobody knows', ['--lst'], "Unknown option '--lst'"],
    ['no time at all', ['--timeout', '0'], '--timeout needs a whole number from 1 to 120'],
  ])('ends with 2 at %s', async (_, args, words) => {
    const child = suite(...args)

    expect((await child.ended).code).toBe(2)
    expect(child.err.join('\n')).toContain(words)
  })

  it('says that a relay is closed, rather than let it look like a broken one', async () => {
    const nobody = join(mkdtempSync(join(tmpdir(), 'ksp-conformance-')), 'keys.txt')
    writeFileSync(nobody, '')
    onTestFinished(() => rmSync(dirname(nobody), { recursive: true }))
    const relay = start(
      builtProgram('relay/main.js'),
      ...['--listen', '127.0.0.1:0', '--db', ':memory:'],
      '--allow-write',
      nobody,
    )
    const url = (await relay.line(/^ready /)).slice('ready '.length)

    const child = suite(url, '--only', 'nip09-e-by-id')

    expect((await child.ended).code).toBe(1)
    expect(child.err.join('\n')).toContain(`${url} says that it is closed to keys it does not know`)
  })

  it('ends with 1 where there is no relay', async () => {
    const child = suite('ws://127.0.0.1:1')

    expect((await child.ended).code).toBe(1)
    expect(child.err.join('\n')).toContain('no WebSocket connection to ws://127.0.0.1:1')
  })

  it('helps', async () => {
    const child = suite('--help')

    expect((await child.ended).code).toBe(0)
    expect(child.out[0]).toMatch(/^usage: npm run conformance/)
  })
})

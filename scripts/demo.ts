import { startKsp } from '../src/ops/child.js'
import { runBoth, txxmsFrom, type Outcome } from '../src/cli/two-system/both.js'
import { openSteps } from '../src/cli/two-system/steps.js'
import { withMesh } from '../src/cli/two-system/with-mesh.js'
import { createProgress } from '../src/cli/progress.js'

/**
 * npm run demo [-- --json] [-- --file FILE] [-- --messages N] [-- --keep]
 * A relay, two kapnetds and two bridges as processes of their own, with fresh keys, in a temporary folder: the two-system
 * procedure in both directions, then a sample of TXXMs each way. Exit code 0 only if everything is equal.
 */
const args = process.argv.slice(2)
const valueOf = (name: string): string | undefined => {
  const at = args.indexOf(name)
  return at < 0 ? undefined : args[at + 1]
}
const json = args.includes('--json')
const keep = args.includes('--keep')
const known = new Set(['--json', '--keep', '--file', '--messages', '--help'])
const wrong = args.find((a) => a.startsWith('--') && !known.has(a))
const count = Number(valueOf('--messages') ?? 200)
if (args.includes('--help') || wrong !== undefined || !Number.isInteger(count) || count < 4 || count > 100_000) {
  console.error('usage: npm run demo -- [--json] [--file TXXMS.jsonl] [--messages 200] [--keep]')
  process.exit(wrong === undefined && args.includes('--help') ? 0 : 2)
}
const say = (text: string): void => {
  if (!json) console.log(text)
}

const drawBraid = async (config: string): Promise<void> => {
  const log = startKsp(['braid', 'log', '--graph', '--limit', '24', '--config', config])
  await log.ended
  say('\nThe newest of the braid, as A holds it:\n')
  for (const line of log.out) say(`  ${line}`)
}

const table = (o: Outcome, seconds: number): void => {
  const rows: [string, string][] = [
    ['sent', String(o.sent)],
    ['stored by the receiver', String(o.stored)],
    ['receipts of stage done', String(o.receipts)],
    ['root on A', o.roots[0]],
    ['root on B', o.roots[1]],
    ['TXXMs in the kapnetds', o.kapnetd_counts.join(' and ')],
    ['throughput', `${o.msg_per_s} messages/s, both directions at once, receipts on`],
    ['latency', `p50 ${o.p50_ms} ms, p99 ${o.p99_ms} ms, paced at 25/s each way, to the receiver's kapnetd`],
    ['took', `${seconds.toFixed(1)} s`],
  ]
  say('')
  for (const [name, value] of rows) say(`  ${name.padEnd(24)} ${value}`)
}

const run = async (): Promise<number> => {
  const begin = performance.now()
  const txxms = txxmsFrom(valueOf('--file'), count)
  const folder = {
    prefix: 'ksp-demo-',
    keep,
    onFolder: (dir: string): void => say(`Starting a relay, two kapnetds and two bridges in ${dir}\n`),
  }
  const outcome = await withMesh(folder, async (mesh) => {
    let progress: ReturnType<typeof createProgress> | undefined
    const result = await runBoth({
      mesh,
      txxms,
      steps: openSteps(false, json),
      timeoutMs: 120_000,
      onProgress: (what, done, of) => {
        progress ??= createProgress(what, of, !json)
        progress.at(done)
      },
    })
    progress?.end()
    if (!json) await drawBraid(mesh.a.config)
    return result
  })
  if (json) console.log(JSON.stringify(outcome))
  else {
    table(outcome, (performance.now() - begin) / 1000)
    say(outcome.ok ? '\nEverything sent has arrived once, and both sides hold the same.' : '\nNOT EQUAL')
  }
  return outcome.ok ? 0 : 1
}

try {
  process.exitCode = await run()
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  if (json) console.log(JSON.stringify({ ok: false, error: message }))
  console.error(`demo: ${message}`)
  process.exitCode = 1
}

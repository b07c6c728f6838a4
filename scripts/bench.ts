import { mkdtempSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import type { BridgeStatus } from '../src/bridge-status.js'
import { callBridge, needBridge, openBraid } from '../src/cli/bridge-client.js'
import { latencies, quantile, queueAll, queuePaced, waitDone } from '../src/cli/two-system/exchange.js'
import { makeMesh, type Part } from '../src/cli/two-system/mesh.js'
import { sampleTxxms } from '../src/cli/two-system/sample.js'
import { loadConfig } from '../src/config.js'
import { usageOf } from './bench/process-usage.js'

/**
 * npm run bench [-- --messages N] [-- --json]
 * The demo path A -> relay -> B -> kapnetd with receipts on, every process by itself, FULL durability, signatures checked:
 * cold start, memory idle and under load, throughput with the processor time of each process, latency at fixed paces.
 */
const wholeNumber = (text: string): number => {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('It is no whole number from 1 to 999999.')
}
const { messages, json } = new Command('npm run bench --')
  .description('Measures the way from one Herm to another, with everything running. Takes about a minute.')
  .option('--messages <n>', 'sent as fast as they go', wholeNumber, 3_000)
  .option('--json', 'one JSON object', false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ messages: number; json: boolean }>()
const PACES = [25, 100] as const
const PACED_MESSAGES = 300
const COLD_STARTS = 5
const TIMEOUT_MS = 300_000

const timed = async (work: () => Promise<void>): Promise<number> => {
  const begin = performance.now()
  await work()
  return Math.round(performance.now() - begin)
}

const median = (values: readonly number[]): number => quantile(values, 0.5)

const mesh = await makeMesh(mkdtempSync(join(tmpdir(), 'ksp-bench-')))
const parts: Record<string, Part> = {
  bridge_a: mesh.a.bridge,
  bridge_b: mesh.b.bridge,
  relay: mesh.relay,
  kapnetd_a: mesh.a.kapnetd,
  kapnetd_b: mesh.b.kapnetd,
}
const usage = (): Record<string, { cpuMs: number; rssMb: number }> =>
  Object.fromEntries(
    Object.entries(parts).flatMap(([name, part]) => {
      const now = part.child === undefined ? undefined : usageOf(part.child.pid)
      return now === undefined ? [] : [[name, now]]
    }),
  )

try {
  await Promise.all([mesh.a.kapnetd.start(), mesh.b.kapnetd.start()])
  const coldStartMs: number[] = []
  for (let i = 0; i < COLD_STARTS; i++) {
    coldStartMs.push(await timed(() => mesh.a.bridge.start()))
    if (i < COLD_STARTS - 1) await mesh.a.bridge.stop()
  }
  await mesh.b.bridge.start()

  const client = await needBridge(loadConfig(mesh.a.config))
  const [braidA, braidB] = [openBraid(loadConfig(mesh.a.config)), openBraid(loadConfig(mesh.b.config))]
  const { engine } = (await callBridge(client, 'status')) as BridgeStatus
  // Warm, so that what is measured is the steady state and not the compiler.
  const warm = await queueAll(client, mesh.b.key, sampleTxxms(200), 'warm')
  await waitDone(client, warm, TIMEOUT_MS)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const idle = usage()

  const latency: Record<string, { p50_ms: number; p99_ms: number }> = {}
  for (const pace of PACES) {
    const ids = await queuePaced(client, mesh.b.key, sampleTxxms(PACED_MESSAGES), `pace-${pace}`, 1_000 / pace)
    await waitDone(client, ids, TIMEOUT_MS)
    const ms = latencies(braidA, braidB, ids)
    latency[`paced_${pace}_per_s`] = { p50_ms: quantile(ms, 0.5), p99_ms: quantile(ms, 0.99) }
  }

  const before = usage()
  const begin = performance.now()
  const ids = await queueAll(client, mesh.b.key, sampleTxxms(messages), 'bulk')
  const acceptedMs = performance.now() - begin
  const done = await waitDone(client, ids, TIMEOUT_MS)
  const seconds = (performance.now() - begin) / 1000
  const after = usage()
  client.close()
  await Promise.all([braidA.close(), braidB.close()])

  const names = Object.keys(after)
  const report = {
    ok: done === ids.length,
    machine: { cores: availableParallelism(), cpu: cpus()[0]?.model ?? '?', node: process.version },
    engine,
    messages: ids.length,
    msg_per_s: Math.round(ids.length / seconds),
    accepted_per_s: Math.round(ids.length / (acceptedMs / 1000)),
    cpu_us_per_message: Object.fromEntries(
      names.map((n) => [n, Math.round((((after[n]?.cpuMs ?? 0) - (before[n]?.cpuMs ?? 0)) * 1000) / ids.length)]),
    ),
    latency,
    rss_idle_mb: Object.fromEntries(names.map((n) => [n, idle[n]?.rssMb ?? 0])),
    rss_loaded_mb: Object.fromEntries(names.map((n) => [n, after[n]?.rssMb ?? 0])),
    cold_start_ms: { median: median(coldStartMs), min: Math.min(...coldStartMs), max: Math.max(...coldStartMs) },
  }
  console.log(json ? JSON.stringify(report) : JSON.stringify(report, null, 2))
  process.exitCode = report.ok ? 0 : 1
} finally {
  await mesh.close()
}

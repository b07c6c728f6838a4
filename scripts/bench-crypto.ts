import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { reasonOf } from '../src/core/fault.js'
import type { Proof, Pubkey } from '../src/core/types.js'
import { openEngine, type EngineName } from '../src/crypto/engine.js'
import { nodeHashes } from '../src/crypto/hashes.js'
import type { CryptoEngine } from '../src/ports.js'
import { ensureNative } from './ensure-native.js'

/**
 * npm run bench:crypto [-- --json]
 * Signatures checked, made, and secrets shared a second, on one thread, by every engine there is and by the library alone
 * (called from C). All take turns in one run, so the ratios hold where the machine's speed does not.
 */
const { json } = new Command('npm run bench:crypto --')
  .description('Measures signatures and shared secrets a second, by every engine there is. Takes about 20 s.')
  .option('--json', 'one JSON object', false)
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ json: boolean }>()
const ROUNDS = 7
const ROUND_MS = 150
const AUTHORS = 64

const WORK = ['verify', 'sign', 'sharedX'] as const
type Work = (typeof WORK)[number]
type Rates = Record<Work, number>

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

const worksOf = (engine: CryptoEngine): Record<Work, (n: number) => unknown> => {
  const digest = nodeHashes.sha256('a message')
  const secrets = Array.from({ length: AUTHORS }, (_, n) => nodeHashes.sha256(`ksp bench key ${n}`))
  const proofs = secrets.map((secret): Proof => {
    const pubkey = hex(engine.publicKey(secret)) as Pubkey
    return { digest: hex(digest), pubkey, sig: hex(engine.sign(digest, secret, digest)) }
  })
  const at = <T>(list: readonly T[], n: number): T => {
    const item = list[n % list.length]
    if (item === undefined) throw new Error('nothing to measure with')
    return item
  }
  return {
    verify: (n) => engine.verify(at(proofs, n)),
    sign: (n) => engine.sign(digest, at(secrets, n), digest),
    sharedX: (n) => engine.sharedX(at(secrets, n), at(proofs, n + 1).pubkey),
  }
}

/** Per second, in one round. */
const rateOf = (work: (n: number) => unknown): number => {
  const begin = performance.now()
  let n = 0
  while (performance.now() - begin < ROUND_MS) work(n++)
  return (1_000 * n) / (performance.now() - begin)
}

/** A program around the library; undefined where there is no C compiler, or nothing to link it to. */
const buildRaw = (folder: string, library: string): string | undefined => {
  const source = fileURLToPath(new URL('../../scripts/bench/raw-secp256k1.c', import.meta.url))
  if (!isAbsolute(library) || !existsSync(source)) return undefined
  const program = join(folder, 'raw')
  try {
    execFileSync('cc', ['-O2', '-o', program, source, library, `-Wl,-rpath,${dirname(library)}`], { stdio: 'ignore' })
    return program
  } catch {
    return undefined
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

const leftOut: Record<string, string> = {}
const native = await ensureNative()
if ('library' in native) process.env['KSP_LIBSECP256K1'] ??= native.library
else leftOut['native'] = native.missing

const contenders: { name: string; round: () => Rates }[] = []
const folder = mkdtempSync(join(tmpdir(), 'ksp-bench-crypto-'))
try {
  const raw = 'library' in native ? buildRaw(folder, native.library) : undefined
  if (raw === undefined) leftOut['C'] = 'it needs a C compiler (cc) and the library'
  else contenders.push({ name: 'C', round: () => JSON.parse(execFileSync(raw, { encoding: 'utf8' })) as Rates })
  for (const name of ['native', 'wasm', 'js'] as const satisfies readonly EngineName[]) {
    if (leftOut[name] !== undefined) continue
    try {
      const works = worksOf(await openEngine(name))
      const round = (): Rates => ({
        verify: rateOf(works.verify),
        sign: rateOf(works.sign),
        sharedX: rateOf(works.sharedX),
      })
      contenders.push({ name, round })
    } catch (error) {
      leftOut[name] = reasonOf(error)
    }
  }

  const rounds: Record<string, Rates[]> = {}
  // The first round warms up and counts for nothing.
  for (let i = 0; i <= ROUNDS; i++) {
    for (const { name, round } of contenders) {
      const rates = round()
      if (i > 0) (rounds[name] ??= []).push(rates)
    }
  }

  const medians = contenders.map(({ name }): [string, Rates] => {
    const all = rounds[name] ?? []
    const of = (work: Work): number => Math.round(median(all.map((rates) => rates[work])))
    return [name, { verify: of('verify'), sign: of('sign'), sharedX: of('sharedX') }]
  })
  const wasm = medians.find(([name]) => name === 'wasm')?.[1]
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores, node ${process.version}`
  const library = 'library' in native ? native.library : undefined
  if (json) {
    console.log(JSON.stringify({ machine, library, perSecond: Object.fromEntries(medians), leftOut }))
  } else {
    console.log(`${machine}${library === undefined ? '' : `, ${library}`}`)
    console.log(`a second, on one thread, medians of ${ROUNDS} rounds; x: times the rate of wasm\n`)
    console.log(['engine'.padEnd(8), ...WORK.map((work) => work.padStart(18))].join(''))
    for (const [name, rates] of medians) {
      const cell = (work: Work): string => {
        const ratio = wasm === undefined ? '' : ` ${(rates[work] / wasm[work]).toFixed(1)}x`.padStart(7)
        return `${rates[work]}${ratio}`.padStart(18)
      }
      console.log([name.padEnd(8), ...WORK.map(cell)].join(''))
    }
    for (const [name, why] of Object.entries(leftOut)) console.log(`${name} is left out: ${why}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

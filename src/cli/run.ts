import { mkdirSync } from 'node:fs'
import type { Command } from 'commander'
import { AlreadyRunning, openBridge } from '../bridge.js'
import { lineOf, readConfig } from '../config.js'
import { reasonOf } from '../core/fault.js'
import { engineFields, openEngine } from '../crypto/engine.js'
import { nip44 } from '../crypto/nip44.js'
import { localSigner } from '../identity/local-signer.js'
import { giveMemoryBack } from '../ops/give-back.js'
import { openLog } from '../ops/log.js'
import { systemClock, systemRandom } from '../ops/system.js'
import { flagsOf, withConfigFlags, withExample } from './commands.js'
import { unlockOwnKey, withPassphrase } from './keys.js'
import { CliError, printLine, printWarning } from './print.js'
import { kspVersion } from './version.js'

interface RunOptions extends Record<string, unknown> {
  readonly config?: string
  readonly testClock?: boolean
  readonly passphraseFile?: string
  readonly passphraseFd?: number
}

export const register = (program: Command): void => {
  const run = program
    .command('run')
    .description(
      'Runs the bridge in the foreground. SIGTERM drains and stops it within 10 s, SIGHUP reads the configuration again.',
    )
    .option('--test-clock', 'honour KSP_TEST_CLOCK_OFFSET_S, which moves the clock (for tests only)')
  withExample(withPassphrase(withConfigFlags(run)), 'ksp run --config ksp.yaml').action(runBridge)
}

const runBridge = async (options: RunOptions): Promise<void> => {
  const flags = flagsOf(options)
  const { config, warnings } = readConfig(options.config, { flags })
  for (const warning of warnings) printWarning(lineOf(warning))
  const log = openLog(config.log.level, 'ksp')
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })

  const engine = await openEngine(config.crypto.engine)
  log.info('crypto.engine', engineFields(engine))
  const { secret } = await unlockOwnKey(config, options)
  const signer = localSigner(secret, engine, nip44, systemRandom)
  secret.fill(0)
  giveMemoryBack()

  const clockOffsetMs = options.testClock === true ? testOffsetMs() : 0
  const stop = new AbortController()
  try {
    const bridge = await openBridge({
      config,
      reload: () => readConfig(config.file, { flags }).config,
      signer,
      engine,
      clock: systemClock(clockOffsetMs),
      random: systemRandom,
      log,
      version: kspVersion(),
      clockOffsetMs,
    })
    const end = (): void => stop.abort()
    process.on('SIGTERM', end).on('SIGINT', end)
    process.on('SIGHUP', () => {
      // Never lost: a configuration with mistakes is told, and the old one stays in use.
      bridge.reload().catch((error: unknown) => log.error('config.refused', { reason: reasonOf(error) }))
    })
    await bridge.run(stop.signal, () => printLine('ready'))
  } catch (error) {
    if (!(error instanceof AlreadyRunning)) throw error
    throw new CliError('already-running', error.message, {
      hint: 'one bridge a data_dir; ksp status shows it',
      exit: 2,
    })
  }
}

const testOffsetMs = (): number => {
  const text = process.env['KSP_TEST_CLOCK_OFFSET_S'] ?? '0'
  const seconds = Number(text)
  if (!Number.isFinite(seconds)) {
    throw new CliError('usage', `KSP_TEST_CLOCK_OFFSET_S is no number of seconds: ${text.slice(0, 20)}`, { exit: 2 })
  }
  return Math.round(seconds * 1000)
}

import { ensureNative } from '../../scripts/ensure-native.js'

/** Runs once, before all tests. What it sets is there in every test file and in every process that a test starts. */
export const setup = async (): Promise<void> => {
  const native = await ensureNative()
  if ('library' in native) {
    process.env['KSP_LIBSECP256K1'] ??= native.library
    return
  }
  process.env[MISSING] = native.missing
  if (native.expected) process.env[EXPECTED] = 'yes'
  process.stderr.write(`The native engine is not tested: ${native.missing}.\n`)
}

const MISSING = 'KSP_TEST_NATIVE_MISSING'
const EXPECTED = 'KSP_TEST_NATIVE_EXPECTED'

/** Why there is no native engine to test here; undefined where there is one. */
export const nativeMissing = (): string | undefined => process.env[MISSING]

/** Whether a run without it proves less than it should: an automatic one, on a machine that has Debian's tools. */
export const nativeExpected = (): boolean =>
  process.env['CI'] !== undefined && process.env['CI'] !== 'false' && process.env[EXPECTED] === 'yes'

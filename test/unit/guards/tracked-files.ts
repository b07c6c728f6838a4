import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow, ROOT } from './sources.js'

/** The files that the project consists of: those that git keeps, or all of an unpacked copy that has no git. */
export const trackedFiles = (): string[] => {
  if (!existsSync(join(ROOT, '.git'))) return filesBelow('', ['']).filter((path) => !BUILT.test(path))
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
  // One that was removed and not yet committed is no file.
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)))
}

const BUILT = /^(node_modules|dist|\.cache|coverage)\//

/** Undefined for what is no text: a NUL within its first part. */
export const textOf = (path: string): string | undefined => {
  const bytes = readFileSync(join(ROOT, path))
  return bytes.subarray(0, 8_000).includes(0) ? undefined : bytes.toString('utf8')
}

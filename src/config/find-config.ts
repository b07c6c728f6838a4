import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigError } from './report.js'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where ksp.yaml was found, or where it should be: `--config`, `$KSP_CONFIG`, `./ksp.yaml`, `~/.config/ksp/ksp.yaml`. */
export const findConfig = (named: string | undefined, env: Environment, cwd = process.cwd()): string => {
  const asked = named ?? (env['KSP_CONFIG'] === '' ? undefined : env['KSP_CONFIG'])
  if (asked !== undefined) {
    const file = resolve(cwd, asked)
    if (existsSync(file)) return file
    const by = named === undefined ? 'KSP_CONFIG' : '--config'
    throw new ConfigError(
      'no-config',
      `there is no ${file}, which ${by} names`,
      'make one with: ksp init DIR --id herm-a',
    )
  }
  const places = [join(cwd, 'ksp.yaml'), join(homeOf(env), '.config', 'ksp', 'ksp.yaml')]
  const found = places.find((file) => existsSync(file))
  if (found !== undefined) return found
  const looked = places.join(' and ')
  throw new ConfigError('no-config', `no ksp.yaml found (looked for ${looked})`, 'make one with: ksp init --id herm-a')
}

const homeOf = (env: Environment): string => (env['HOME'] === undefined || env['HOME'] === '' ? homedir() : env['HOME'])

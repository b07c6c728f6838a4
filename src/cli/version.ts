import { readFileSync } from 'node:fs'

/** The version in package.json, which stands beside the folder that holds the build. */
export const kspVersion = (): string => {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  const json: unknown = JSON.parse(text)
  if (typeof json === 'object' && json !== null && 'version' in json && typeof json.version === 'string')
    return json.version
  throw new Error('package.json has no version')
}

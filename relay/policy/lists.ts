import type { Log } from '../../src/ports.js'
import { openAllowlist } from './allowlist.js'
import type { Allowlist } from './allowlist.js'
import type { Access } from './policy.js'

/** The files of keys that an operator named: opened together, read again together. */
export interface ListFiles {
  readonly allowWrite?: string
  readonly allowRead?: string
  readonly allowKapnet?: string
  readonly admin?: string
}

export interface Lists {
  readonly access: Access
  readonly admins: Allowlist | undefined
  readonly writersFile: Allowlist | undefined
  readonly reload: () => void
  readonly close: () => void
}

/** Throws a Fault('relay') for the first one that can't be read. */
export const openLists = (options: ListFiles, log: Log): Lists => {
  const opened: Allowlist[] = []
  const open = (file: string | undefined): Allowlist | undefined => {
    if (file === undefined) return undefined
    const list = openAllowlist(file, log)
    opened.push(list)
    return list
  }
  const close = (): void => opened.forEach((list) => list.close())
  try {
    const [writers, readers, kapnetWriters] = [options.allowWrite, options.allowRead, options.allowKapnet].map(open)
    const access: Access = {
      ...(writers === undefined ? {} : { writers }),
      ...(readers === undefined ? {} : { readers }),
      ...(kapnetWriters === undefined ? {} : { kapnetWriters }),
    }
    return {
      access,
      admins: open(options.admin),
      writersFile: writers,
      reload: () => opened.forEach((list) => list.reload()),
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

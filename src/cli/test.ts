import { Option, type Command } from 'commander'
import { durationMs } from '../config/option-types.js'
import { configOf, type WhereOptions } from './bridge-client.js'
import { withConfig, withExample, withJson } from './commands.js'
import { CliError, printJson, printLine, usageError } from './print.js'
import { runBoth, txxmsFrom } from './two-system/both.js'
import { runRoleA } from './two-system/role-a.js'
import { runRoleB } from './two-system/role-b.js'
import { openSteps } from './two-system/steps.js'
import { withMesh } from './two-system/with-mesh.js'

interface TwoSystemOptions extends WhereOptions {
  readonly role: 'a' | 'b' | 'both'
  readonly peer?: string
  readonly timeout: string
}

export const register = (program: Command): void => {
  const group = program.command('test').description('Proofs an operator can run.')
  const command = group
    .command('two-system')
    .description(
      'The cross-relay proof between two Herms, step by step, each with its evidence. Start role b on one, then role a on ' +
        'the other, both beside their running bridge. Role both plays it out on this machine alone, in a temporary folder.',
    )
    .addOption(new Option('--role <role>', 'which side this is').choices(['a', 'b', 'both']).makeOptionMandatory())
    .option('--peer <peer>', 'npub, hex key or Herm id of the other (default: the only peer of the configuration)')
    .option('--timeout <duration>', 'how long to wait for each step', '2m')
  withExample(withJson(withConfig(command)), 'ksp test two-system --role a --peer herm-b').action(twoSystem)
}

const twoSystem = async (options: TwoSystemOptions): Promise<void> => {
  const timeoutMs = durationMs(options.timeout)
  if (timeoutMs === undefined) throw usageError(`--timeout takes a duration such as 2m, not ${options.timeout}`)
  const steps = openSteps(options.json === true)
  if (options.role === 'both') {
    const outcome = await withMesh({ prefix: 'ksp-two-system-' }, (mesh) =>
      runBoth({ mesh, txxms: txxmsFrom(undefined, 8), steps, timeoutMs, onProgress: () => undefined }),
    )
    if (!outcome.ok) throw new CliError('failed', `not equal: ${JSON.stringify(outcome)}`)
  } else {
    const role = { config: configOf(options), peer: options.peer, timeoutMs, steps }
    await (options.role === 'a' ? runRoleA(role) : runRoleB(role))
  }
  if (options.json === true) printJson({ ok: true, role: options.role, steps: steps.list.length })
  else printLine(`two-system test, role ${options.role}: all ${steps.list.length} steps hold`)
}

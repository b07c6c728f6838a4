import { Option, type Command } from 'commander'
import { npubOf } from '../core/nodeinfo.js'
import type { JsonObject } from '../core/types.js'
import type { InboxLine } from '../ports.js'
import { configOf, openBraid, type Braid, type WhereOptions } from './bridge-client.js'
import { withConfig, withExample, withJson } from './commands.js'
import { printJson, printLine, usageError } from './print.js'

interface InboxOptions extends WhereOptions {
  readonly follow?: boolean
  readonly limit: number
  readonly after?: number
}

export const register = (program: Command): void => {
  const command = program
    .command('inbox')
    .description('What arrived from peers, newest last.')
    .option('--follow', 'stay, and print what arrives')
    .addOption(new Option('--limit <n>', 'how many of the newest').default(50).argParser(wholeNumber))
    .addOption(new Option('--after <seq>', 'only what came after this one').argParser(wholeNumber))
  withExample(withJson(withConfig(command)), 'ksp inbox --follow').action(inbox)
}

const wholeNumber = (text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw usageError(`${text.slice(0, 20)} is no whole number`)
}

const PAGE = 500
const LOOK_MS = 250

const inbox = async (options: InboxOptions): Promise<void> => {
  const braid = openBraid(configOf(options))
  let after = options.after ?? 0
  const newest: InboxLine[] = []
  for (const line of pages(braid, after)) {
    after = line.seq
    if (options.after !== undefined) show(line, options)
    else {
      newest.push(line)
      if (newest.length > options.limit) newest.shift()
    }
  }
  for (const line of newest) show(line, options)
  while (options.follow === true) {
    for (const line of pages(braid, after)) {
      after = line.seq
      show(line, options)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}

function* pages(braid: Braid, from: number): Generator<InboxLine> {
  let after = from
  for (;;) {
    const page = braid.inbox({ after, limit: PAGE })
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = last.seq
  }
}

const show = (line: InboxLine, options: InboxOptions): void => {
  const body = JSON.parse(line.body) as JsonObject
  if (options.json === true) {
    printJson({ ...line, body })
    return
  }
  const at = new Date(line.arrivedAt).toISOString().replace('T', ' ').slice(0, 19)
  const payload = JSON.stringify(body.payload)
  const shown = payload.length > 100 ? `${payload.slice(0, 99)}…` : payload
  const state = line.rejected ? 'rejected' : line.stage
  printLine(
    `${line.seq}  ${at}  ${npubOf(line.author).slice(0, 14)}…  ${typeof body.action === 'string' ? body.action : '-'}  ${line.road ?? ''}  ${state}  ${shown}`,
  )
}

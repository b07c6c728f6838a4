import { WebSocket } from 'ws'
import type { Author, Signed } from './author.js'
import { nowSec } from './author.js'
import { Broken, expect, shown } from './rule.js'

export type Frame = readonly [verb: string, ...rest: unknown[]]

export interface Verdict {
  readonly accepted: boolean
  readonly reason: string
}

/** The answer to one REQ. */
export interface Answer {
  readonly events: readonly Signed[]
  /** Its EOSE or CLOSED. */
  readonly end: Frame
}

/** A subscription that goes on. */
export interface Live {
  readonly id: string
  /** All that came, stored and live, in its order. */
  readonly events: () => readonly Signed[]
  readonly ids: () => readonly string[]
  /** Resolves when this event has come. */
  readonly hears: (id: string) => Promise<void>
  readonly end: Frame
}

/** A connection that says what a rule wants said, right or wrong, and keeps all it hears. */
export interface Client {
  readonly url: string
  readonly heard: readonly Frame[]
  readonly isOpen: () => boolean
  send(...message: unknown[]): void
  sendText(text: string | Buffer): void
  /** The first frame that fits, heard already or still to come. Rejects, saying `what` it waited for. */
  wait(what: string, fits: (frame: Frame) => boolean): Promise<Frame>
  until<T>(what: string, probe: () => T | undefined): Promise<T>
  challenge(): Promise<string>
  auth(author: Author, over?: { relay?: string; challenge?: string; created_at?: number }): Promise<Verdict>
  /** AUTH with any event. */
  authWith(event: Signed): Promise<Verdict>
  publish(event: Signed): Promise<Verdict>
  /** All of them must get OK true. */
  store(...events: Signed[]): Promise<void>
  /** OK false, with one of these prefixes where some are named. */
  refuses(event: Signed, ...prefixes: string[]): Promise<void>
  /** For what is no event at all: OK false or, as many relays have it, NOTICE. */
  rejects(event: unknown, id?: string): Promise<void>
  ask(...filters: unknown[]): Promise<Answer>
  /** The ids of an answer; a CLOSED breaks the rule. */
  ids(...filters: unknown[]): Promise<string[]>
  /** Rejects unless it ends with EOSE. */
  subscribe(...filters: unknown[]): Promise<Live>
  count(...filters: unknown[]): Promise<number>
  /** COUNT's answer as it stands, or CLOSED. */
  askCount(...filters: unknown[]): Promise<Frame>
  /** Resolves when the relay has read all that was sent before. */
  fence(): Promise<void>
  /** Whether this text stands anywhere in what came. */
  saw(text: string): boolean
  freshId(): string
  pause(): void
  resume(): void
  /** Resolves with the code when the connection has ended. */
  readonly closed: Promise<number>
  close(): void
}

const MAX_HEARD = 50_000
export const NO_ID = '0'.repeat(64)

export const openClient = async (url: string, answerMs: number): Promise<Client> => {
  const socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: answerMs })
  const heard: Frame[] = []
  const watchers = new Set<() => void>()
  let ended: number | undefined
  let failure = ''
  let names = 0

  const wake = (): void => {
    for (const look of [...watchers]) look()
  }
  socket.on('message', (data: Buffer) => {
    const frame = readFrame(data.toString('utf8'))
    if (heard.length < MAX_HEARD) heard.push(frame)
    wake()
  })
  socket.on('error', (error) => {
    failure = error.message
  })
  const closed = new Promise<number>((resolve) => {
    socket.once('close', (code) => {
      ended = code
      wake()
      resolve(code)
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.once('close', () => reject(new Broken(`no WebSocket connection to ${url}: ${failure}`)))
  })

  const until = <T>(what: string, probe: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        watchers.delete(look)
        clearTimeout(timer)
      }
      const look = (): void => {
        const found = probe()
        if (found !== undefined) {
          stop()
          resolve(found)
        } else if (ended !== undefined) {
          stop()
          reject(new Broken(`the connection ended (${ended}) before ${what}${lastOf(heard)}`))
        }
      }
      const timer = setTimeout(() => {
        stop()
        reject(new Broken(`no ${what} within ${answerMs} ms${lastOf(heard)}`))
      }, answerMs)
      watchers.add(look)
      look()
    })

  /** Looks at each frame once: there may be thousands. */
  const wait = (what: string, fits: (frame: Frame) => boolean): Promise<Frame> => {
    let at = 0
    return until(what, () => {
      for (let frame = heard[at]; frame !== undefined; frame = heard[++at]) if (fits(frame)) return frame
      return undefined
    })
  }
  const sendText = (text: string | Buffer): void => socket.send(text)
  const send = (...message: unknown[]): void => sendText(JSON.stringify(message))
  const freshId = (): string => `q${++names}`
  const from = (start: number, fits: (frame: Frame) => boolean): Frame | undefined =>
    heard.find((frame, i) => i >= start && fits(frame))

  const ends = (id: string) => (frame: Frame) => (frame[0] === 'EOSE' || frame[0] === 'CLOSED') && frame[1] === id
  const eventsOf = (id: string): Signed[] =>
    heard.flatMap((frame) => (frame[0] === 'EVENT' && frame[1] === id ? [frame[2] as Signed] : []))

  const fence = async (): Promise<void> => {
    const id = freshId()
    send('REQ', id, { ids: [NO_ID], limit: 1 })
    await wait('EOSE', ends(id))
    send('CLOSE', id)
  }

  /** OK for this id, from here on. */
  const okFor = async (verb: string, event: Signed): Promise<Verdict> => {
    const start = heard.length
    send(verb, event)
    const frame = await until(`OK for ${verb}`, () => from(start, (f) => f[0] === 'OK' && f[1] === event.id))
    return { accepted: frame[2] === true, reason: typeof frame[3] === 'string' ? frame[3] : '' }
  }

  const ask = async (...filters: unknown[]): Promise<Answer> => {
    const id = freshId()
    send('REQ', id, ...filters)
    const end = await wait('EOSE or CLOSED', ends(id))
    const events = eventsOf(id)
    send('CLOSE', id)
    return { events, end }
  }

  const askCount = async (...filters: unknown[]): Promise<Frame> => {
    const id = freshId()
    send('COUNT', id, ...filters)
    return wait('COUNT or CLOSED', (f) => (f[0] === 'COUNT' || f[0] === 'CLOSED') && f[1] === id)
  }

  const challenge = async (): Promise<string> =>
    String((await wait('AUTH with a challenge', (frame) => frame[0] === 'AUTH'))[1])

  return {
    ...{ url, heard, send, sendText, wait, until, challenge, ask, askCount, fence, freshId, closed },
    isOpen: () => ended === undefined,
    auth: async (author, over = {}) => {
      const tags = [
        ['relay', over.relay ?? url],
        ['challenge', over.challenge ?? (await challenge())],
      ]
      return okFor('AUTH', author.sign({ kind: 22_242, created_at: over.created_at ?? nowSec(), tags }))
    },
    authWith: (event) => okFor('AUTH', event),
    publish: (event) => okFor('EVENT', event),
    store: async (...events) => {
      for (const event of events) {
        const { accepted, reason } = await okFor('EVENT', event)
        expect(accepted, `an event of kind ${event.kind} was refused: ${shown(reason)}`)
      }
    },
    refuses: async (event, ...prefixes) => {
      const { accepted, reason } = await okFor('EVENT', event)
      expect(!accepted, `OK true${reason === '' ? '' : `, ${shown(reason)}`}`)
      const fits = prefixes.length === 0 || prefixes.some((prefix) => reason.startsWith(`${prefix}:`))
      expect(fits, `refused with "${shown(reason)}", not with ${prefixes.join(': or ')}:`)
    },
    rejects: async (event, id) => {
      const start = heard.length
      send('EVENT', event)
      const isOk = (f: Frame): boolean => f[0] === 'OK' && (id === undefined || f[1] === id)
      const frame = await until('OK or NOTICE', () => from(start, (f) => isOk(f) || f[0] === 'NOTICE'))
      expect(frame[0] === 'NOTICE' || frame[2] === false, `accepted: ${shown(JSON.stringify(frame))}`)
    },
    ids: async (...filters) => {
      const { events, end } = await ask(...filters)
      expect(end[0] === 'EOSE', `the REQ was refused: ${shown(JSON.stringify(end))}`)
      return events.map((event) => event.id)
    },
    subscribe: async (...filters) => {
      const id = freshId()
      send('REQ', id, ...filters)
      const end = await wait('EOSE or CLOSED', ends(id))
      expect(end[0] === 'EOSE', `the REQ was refused: ${shown(JSON.stringify(end))}`)
      return {
        id,
        end,
        events: () => eventsOf(id),
        ids: () => eventsOf(id).map((event) => event.id),
        hears: async (wanted) => {
          await until('live event', () => (eventsOf(id).some((event) => event.id === wanted) ? true : undefined))
        },
      }
    },
    count: async (...filters) => {
      const frame = await askCount(...filters)
      expect(frame[0] === 'COUNT', `the COUNT was refused: ${shown(JSON.stringify(frame))}`)
      return (frame[2] as { count: number }).count
    },
    saw: (text) => heard.some((frame) => JSON.stringify(frame).includes(text)),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.terminate(),
  }
}

const readFrame = (text: string): Frame => {
  try {
    const frame = JSON.parse(text) as unknown
    return Array.isArray(frame) ? (frame as unknown as Frame) : ['not an array', text]
  } catch {
    return ['not JSON', text]
  }
}

const lastOf = (heard: readonly Frame[]): string => {
  const last = heard.at(-1)
  return last === undefined ? '; heard nothing' : `; heard last ${shown(JSON.stringify(last))}`
}

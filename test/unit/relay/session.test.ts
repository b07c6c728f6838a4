import { describe, expect, it } from 'vitest'
import { openSession } from '../../../relay/session/session.js'
import type { Action, Session } from '../../../relay/session/session.js'

const LIMITS = { maxMessageBytes: 10_000, maxFilters: 4, maxFilterValues: 100, maxSubscriptions: 2, maxAuthedKeys: 2 }

const say = (session: Session, ...message: unknown[]): Action[] => {
  const text = JSON.stringify(message)
  return session.receive(text, text.length)
}

describe('a session', () => {
  it('allows so many subscriptions and answers CLOSED to one more', () => {
    const session = openSession(LIMITS)
    say(session, 'REQ', 'a', {})
    say(session, 'REQ', 'b', {})

    const third = say(session, 'REQ', 'c', {})

    const frame = '["CLOSED","c","rate-limited: at most 2 subscriptions on one connection"]'
    expect(third).toEqual([{ do: 'send', frame }])
  })

  it('lets the same id replace its subscription at the limit', () => {
    const session = openSession(LIMITS)
    say(session, 'REQ', 'a', {})
    say(session, 'REQ', 'b', {})

    expect(say(session, 'REQ', 'a', { kinds: [1] })).toEqual([{ do: 'subscribe', id: 'a', filters: [{ kinds: [1] }] }])
  })

  it('has room again after CLOSE and after the relay ended one', () => {
    const session = openSession(LIMITS)
    say(session, 'REQ', 'a', {})
    say(session, 'REQ', 'b', {})

    const closed = say(session, 'CLOSE', 'a')
    session.ended('b')

    expect(closed).toEqual([{ do: 'unsubscribe', id: 'a' }])
    expect(say(session, 'REQ', 'c', {})).toMatchObject([{ do: 'subscribe' }])
    expect(say(session, 'REQ', 'd', {})).toMatchObject([{ do: 'subscribe' }])
  })

  it('ends the older subscription when a REQ of its id is refused: CLOSED says that nothing more comes', () => {
    const session = openSession(LIMITS)
    say(session, 'REQ', 'a', {})

    const refused = say(session, 'REQ', 'a', { ids: ['no'] })

    expect(refused).toEqual([
      { do: 'unsubscribe', id: 'a' },
      { do: 'send', frame: '["CLOSED","a","invalid: filter: ids is not a list of 64 lowercase hex"]' },
    ])
  })

  it('says nothing to CLOSE of what is not open', () => {
    expect(say(openSession(LIMITS), 'CLOSE', 'never')).toEqual([])
  })
})

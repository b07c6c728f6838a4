import { describe, expect, it } from 'vitest'
import { defaultKapnetdSocket, kapnetdNameMistakes } from '../../../src/local/kapnetd.js'
import { KAPNETD_FIELDS, KAPNETD_METHODS, kapnetdProfile } from '../../../src/local/kapnetd-profile.js'

describe('the names of the kapnetd socket', () => {
  it('are those of the profile where nothing else is said', () => {
    expect(kapnetdProfile()).toEqual({ methods: KAPNETD_METHODS, fields: KAPNETD_FIELDS })
    expect(kapnetdNameMistakes({})).toEqual([])
  })

  it('can be replaced one by one', () => {
    const profile = kapnetdProfile({ methods: { submit: 'kap/submit' }, fields: { txxmId: 'oid' } })
    expect(profile.methods).toEqual({ ...KAPNETD_METHODS, submit: 'kap/submit' })
    expect(profile.fields).toEqual({ ...KAPNETD_FIELDS, txxmId: 'oid' })
    expect(kapnetdNameMistakes({ methods: { submit: 'kap/submit' }, fields: { txxmId: 'oid' } })).toEqual([])
  })

  it('are checked all together', () => {
    const names = {
      methods: { hallo: 'x', get: 'has spaces', submit: 'hello' },
      fields: { ids: '', txxm: 'txxm_id', toString: 'x' },
    }
    expect(kapnetdNameMistakes(names)).toEqual([
      expect.stringMatching(/^methods\.hallo: one of hello, submit/),
      expect.stringMatching(/^methods\.get: 1-64 letters/),
      expect.stringMatching(/^fields\.ids: 1-64 letters/),
      expect.stringMatching(/^fields\.toString: one of client/),
      'methods: two of them have the same name',
      'fields: txxmId, txxm, event stand in one object and must differ',
    ])
  })

  it('may be the same where they never meet', () => {
    expect(kapnetdNameMistakes({ fields: { status: 'version', reason: 'mode' } })).toEqual([])
    expect(kapnetdNameMistakes({ methods: { made: 'submit_txxm' } })).toEqual([])
  })

  it('come with a default path', () => {
    expect(defaultKapnetdSocket('/run/user/7', 'herm-a')).toBe('/run/user/7/kapnetd/herm-a.sock')
  })
})

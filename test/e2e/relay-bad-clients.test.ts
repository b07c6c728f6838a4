import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inPeace, openSiege, underAttack, type Siege } from '../../scripts/bad-clients/assault.js'
import { ATTACKS } from '../../scripts/bad-clients/attacks.js'
import type { Outcome } from '../../scripts/bad-clients/bad-client.js'
import { openEngine } from '../../src/crypto/engine.js'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'

/** What all that clients hold may come to, with the relay itself, much rounded up. It was about 100 before. */
const MAX_RSS_MB = 600
const MIN_ROUND_TRIPS = 20

/** What each attack must have been told, at the least. */
const some = (min: number): unknown => expect.toSatisfy((n: unknown) => typeof n === 'number' && n >= min)
const EXPECTED: Readonly<Record<keyof typeof ATTACKS, unknown>> = {
  garbage: { 'NOTICE invalid': some(1_000) },
  binary: { 'NOTICE invalid': some(900) },
  long: { 'OK invalid': 1, 'CLOSED invalid': 1, ended: 1009 },
  deep: { 'NOTICE invalid': some(20), 'OK invalid': some(10), 'CLOSED invalid': some(10) },
  parts: { 'CLOSED invalid': some(15) },
  utf8: { ended: 1007 },
  tags: { 'OK invalid': 20 },
  'long-ids': { 'NOTICE invalid': some(10) },
  forgeries: { 'OK invalid': some(1_000) },
  subscriptions: { EOSE: 64, 'CLOSED rate-limited': some(900) },
  'subscriptions-of-many': { open: 10_240, EVENT: 0 },
  values: { 'CLOSED invalid': 20, 'CLOSED rate-limited': some(20) },
  merges: { EOSE: some(300) },
  storm: { 'CLOSED rate-limited': some(900) },
  counts: { 'CLOSED rate-limited': some(900) },
  auths: { 'OK invalid': some(200), 'OK rate-limited': some(700) },
  syncs: { 'NEG-ERR blocked': some(100), 'NEG-ERR rate-limited': some(500), 'NEG-ERR closed': some(1) },
  fragments: { ended: 1008 },
  endless: { ended: 1009 },
  bomb: { compresses: false, ended: 1002 },
  pings: { pongs: expect.any(Number) },
  'slow-reader': { readers: 1, cut: 1 },
  'slow-readers': { readers: 30, cut: some(5) },
  'slow-handshakes': { ended: 80 },
  headers: { status: '431' },
  // The answer is lost where the reset that ends the flood overtakes it.
  bodies: { status: expect.stringMatching(/^(405)?$/) },
  connections: { opened: expect.toSatisfy((n: unknown) => Number(n) <= 1_000), 'turned away': some(100) },
}

describe('bad clients', { timeout: 120_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'ksp-bad-clients-'))
  let siege: Siege
  beforeAll(async () => {
    siege = await openSiege(join(dir, 'relay.sqlite'), await openEngine())
  })
  afterAll(async () => {
    await siege.relay.stop('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })

  it('are all expected here', () => {
    expect(Object.keys(EXPECTED)).toEqual(Object.keys(ATTACKS))
  })

  it.each(Object.keys(ATTACKS))(
    '%s: refused or cut off, while every event of a good client is acknowledged and delivered',
    async (name) => {
      // Rejects when one of them is refused or lost.
      const { outcome, roundTrips, rssMb } = await underAttack(siege, name, MIN_ROUND_TRIPS)

      expect(outcome).toEqual(expect.objectContaining(EXPECTED[name] as Outcome))
      expect(roundTrips.length).toBeGreaterThanOrEqual(MIN_ROUND_TRIPS)
      if (rssMb !== undefined) expect(rssMb).toBeLessThan(MAX_RSS_MB)
    },
  )

  it('leave behind a relay that stops cleanly, and has said nothing of errors', async () => {
    expect(await inPeace(siege, MIN_ROUND_TRIPS)).toHaveLength(MIN_ROUND_TRIPS)

    const { code } = await siege.relay.stop('SIGTERM')

    expect(code).toBe(0)
    const levels = siege.relay.err.map((line) => (JSON.parse(line) as { msg: string }).msg)
    expect(levels).toEqual(['relay-started', 'relay-stopped'])
  })
})

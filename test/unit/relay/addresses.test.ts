import { describe, expect, it } from 'vitest'
import { clientOf, networkOf, openAddresses } from '../../../relay/server/addresses.js'

describe('connections by address', () => {
  it('are so many from each, and there is room again when one has ended', () => {
    const addresses = openAddresses(2)
    const leave = addresses.enter('192.0.2.1')
    addresses.enter('192.0.2.1')

    expect(addresses.enter('192.0.2.1')).toBeUndefined()
    expect(addresses.enter('192.0.2.2')).toBeTypeOf('function')
    leave?.()
    leave?.()
    expect(addresses.enter('192.0.2.1')).toBeTypeOf('function')
    expect(addresses.enter('192.0.2.1')).toBeUndefined()
  })

  it('count an IPv6 network of 64 bits, and an IPv4 address in either form, as one', () => {
    const addresses = openAddresses(1)
    addresses.enter('2001:db8:0:1::1')
    addresses.enter('::ffff:192.0.2.1')

    expect(addresses.enter('2001:db8:0:1:ffff::2')).toBeUndefined()
    expect(addresses.enter('2001:db8:0:2::1')).toBeTypeOf('function')
    expect(addresses.enter('192.0.2.1')).toBeUndefined()
  })

  it.each([
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:0db8:0000:0001::', '2001:db8:0:1'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::2', '0:0:0:0'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4'],
    ['192.0.2.7', '192.0.2.7'],
  ])('see %s as of %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })

  it('of loopback and of a proxy are not counted', () => {
    const addresses = openAddresses(1, ['192.0.2.9'])
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.0.2.9', '::ffff:192.0.2.9', undefined]) {
      for (let i = 0; i < 3; i++) expect(addresses.enter(address)).toBeTypeOf('function')
    }
  })
})

describe('for whom a proxy stands', () => {
  it('is the last that it names, and nobody is believed but a proxy', () => {
    const proxies = ['127.0.0.1']

    expect(clientOf('127.0.0.1', '203.0.113.5, 192.0.2.1', proxies)).toBe('192.0.2.1')
    expect(clientOf('::ffff:127.0.0.1', ['203.0.113.5', '2001:db8::1'], proxies)).toBe('2001:db8::1')
    expect(clientOf('127.0.0.1', 'unknown', proxies)).toBeUndefined()
    expect(clientOf('127.0.0.1', undefined, proxies)).toBeUndefined()
    expect(clientOf('192.0.2.7', '203.0.113.5', proxies)).toBeUndefined()
    expect(clientOf('127.0.0.1', '203.0.113.5', [])).toBeUndefined()
  })
})

import { describe, expect, it } from 'vitest'
import { formatAddress, parseBrokerAddresses } from '../../src/client/broker-address.ts'

describe('addresses of brokers', () => {
  it.each([
    ['localhost', [{ host: 'localhost', port: 9092 }]],
    [
      'a:1, b:2,',
      [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
    ],
    ['[::1]:9093', [{ host: '::1', port: 9093 }]],
    ['::1', [{ host: '::1', port: 9092 }]],
    ['PLAINTEXT://kafka-1.example:9094', [{ host: 'kafka-1.example', port: 9094 }]],
  ])('reads %s', (text, addresses) => {
    expect(parseBrokerAddresses(text)).toEqual(addresses)
  })

  it.each(['', ' , ', 'a:0', 'a:65536', 'a:b', 'a b:1', '[::1'])('refuses "%s"', (text) => {
    expect(() => parseBrokerAddresses(text)).toThrow(RangeError)
  })

  it('are written as they are read', () => {
    expect(formatAddress({ host: '::1', port: 9092 })).toBe('[::1]:9092')
    expect(formatAddress({ host: 'localhost', port: 1 })).toBe('localhost:1')
  })
})

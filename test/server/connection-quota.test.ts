import { expect, test } from 'vitest'
import { defaultServerLimits } from '../../src/server/connection-host.ts'
import { ConnectionQuota } from '../../src/server/connection-quota.ts'
import { LiveServerLimits } from '../../src/server/server-limits.ts'
import { createSettings } from '../../src/settings/settings.ts'

const NOW_MS = 1_700_000_000_000

function open(quota: ConnectionQuota, address: string, nowMs = NOW_MS): string | undefined {
  const refusal = quota.refusal(address, nowMs)
  if (refusal === undefined) quota.opened(address)
  return refusal
}

test('an address of its own limit is not held to that of all others', () => {
  const maxConnectionsByAddress = new Map([['10.0.0.1', 2]])
  const limits = { ...defaultServerLimits, maxConnectionsPerAddress: 1, maxConnectionsByAddress }
  const quota = new ConnectionQuota(limits)
  expect(
    ['10.0.0.1', '10.0.0.1', '10.0.0.1', '10.0.0.2', '10.0.0.2'].map((one) => open(quota, one)),
  ).toEqual([
    undefined,
    undefined,
    'max.connections.per.ip is 2',
    undefined,
    'max.connections.per.ip is 1',
  ])
  quota.closed('10.0.0.2')
  expect(open(quota, '10.0.0.2')).toBeUndefined()
})

test('new connections have a rate, of all and of each address, that begins anew each second', () => {
  const limits = { ...defaultServerLimits, maxNewPerSecond: 3, maxNewPerSecondAndAddress: 2 }
  const quota = new ConnectionQuota(limits)
  expect(['a', 'a', 'a', 'b', 'c'].map((one) => open(quota, one))).toEqual([
    undefined,
    undefined,
    'dohle.connections.per.ip.rate.max is 2',
    undefined,
    'max.connection.creation.rate is 3',
  ])
  expect(open(quota, 'a', NOW_MS + 1000)).toBeUndefined()
})

test('limits follow the settings while the broker runs', () => {
  const settings = createSettings({
    flag: new Map([
      ['max.connections', '5'],
      ['max.connections.per.ip.overrides', '10.0.0.1:7,::1:8'],
    ]),
  })
  const limits = new LiveServerLimits(settings, { mayBeIdle: false })
  expect(limits.maxConnections).toBe(5)
  expect([...limits.maxConnectionsByAddress]).toEqual([
    ['10.0.0.1', 7],
    ['::1', 8],
  ])
  settings.setDynamic('dynamic', new Map([['max.connections', '9']]))
  expect(limits.maxConnections).toBe(9)
})

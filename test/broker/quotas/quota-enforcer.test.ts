import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { QuotaEnforcer } from '../../../src/broker/quotas/quota-enforcer.ts'
import { SampledRate } from '../../../src/broker/quotas/sampled-rate.ts'
import { Sensors } from '../../../src/broker/quotas/sensors.ts'
import type { ClientQuotaImage } from '../../../src/storage/metadata-store.ts'

const T = 1_700_000_000_000
const windows = { count: 11, sizeMs: 1000 }

function quota(
  entity: Record<string, string | null>,
  values: Record<string, number>,
): ClientQuotaImage {
  return { entity: new Map(Object.entries(entity)), values: new Map(Object.entries(values)) }
}

function enforcer(...quotas: ClientQuotaImage[]): QuotaEnforcer {
  const made = new QuotaEnforcer({ client: windows, controller: windows })
  made.setQuotas(quotas)
  return made
}

function caller(user: string, clientId: string) {
  return { user, clientId }
}

describe('a rate', () => {
  test('counts at least all windows but one, so that first bytes are no flood', () => {
    const rate = new SampledRate()
    rate.record(1000, T, windows)
    expect(rate.measure(T, windows)).toBe(100)
    expect(rate.measure(T + 500, windows)).toBeCloseTo(1000 / 10.5)
  })

  test('forgets what is older than its windows', () => {
    const rate = new SampledRate()
    rate.record(1000, T, windows)
    rate.record(500, T + 5000, windows)
    expect(rate.measure(T + 10_999, windows)).toBeCloseTo(1500 / 10.999)
    expect(rate.measure(T + 11_000, windows)).toBeCloseTo(500 / 10)
    expect(rate.isIdle(T + 16_000, windows)).toBe(true)
    expect(rate.measure(T + 16_000, windows)).toBe(0)
  })

  test('over its limit asks for as long as brings it back to the limit', () => {
    const rate = new SampledRate()
    expect(rate.recordAndThrottle(10_000, 1000, T, windows)).toBe(0)
    // 2000 a second over 10 s, where 1000 are allowed: 10 s more and it is 1000.
    expect(rate.recordAndThrottle(10_000, 1000, T, windows)).toBe(10_000)
  })

  test('never asks for more than a response can tell', () => {
    const rate = new SampledRate()
    expect(rate.recordAndThrottle(1e15, 1, T, windows)).toBe(2 ** 31 - 1)
  })
})

describe('limits', () => {
  const all = [
    quota({ 'client-id': null }, { producer_byte_rate: 8 }),
    quota({ 'client-id': 'c' }, { producer_byte_rate: 7 }),
    quota({ user: null }, { producer_byte_rate: 6 }),
    quota({ user: null, 'client-id': null }, { producer_byte_rate: 5 }),
    quota({ user: null, 'client-id': 'c' }, { producer_byte_rate: 4 }),
    quota({ user: 'u' }, { producer_byte_rate: 3 }),
    quota({ user: 'u', 'client-id': null }, { producer_byte_rate: 2 }),
    quota({ user: 'u', 'client-id': 'c' }, { producer_byte_rate: 1 }),
  ]

  test('the most specific one holds', () => {
    const left = [...all]
    for (let limit = 1; limit <= 8; limit++) {
      // 100 bytes in 10 s are 10 a second, over each of these limits.
      const throttleMs = enforcer(...left).produced(caller('u', 'c'), 100, T)
      expect(throttleMs).toBe(Math.round(((10 - limit) / limit) * 10_000))
      left.pop()
    }
    expect(enforcer().produced(caller('u', 'c'), 1e9, T)).toBe(0)
  })

  test('of a user counts all its clients together, of a client all its users', () => {
    const ofUser = enforcer(quota({ user: null }, { producer_byte_rate: 10 }))
    expect(ofUser.produced(caller('u', 'a'), 100, T)).toBe(0)
    expect(ofUser.produced(caller('u', 'b'), 100, T)).toBe(10_000)
    expect(ofUser.produced(caller('v', 'a'), 100, T)).toBe(0)
    const ofClient = enforcer(quota({ 'client-id': 'a' }, { producer_byte_rate: 10 }))
    expect(ofClient.produced(caller('u', 'a'), 100, T)).toBe(0)
    expect(ofClient.produced(caller('v', 'a'), 100, T)).toBe(10_000)
    expect(ofClient.produced(caller('v', 'b'), 1e9, T)).toBe(0)
  })

  test('a new limit holds at once for what was measured before', () => {
    const made = enforcer(quota({ user: 'u' }, { producer_byte_rate: 1000 }))
    expect(made.produced(caller('u', ''), 5000, T)).toBe(0)
    made.setQuotas([quota({ user: 'u' }, { producer_byte_rate: 100 })])
    expect(made.produced(caller('u', ''), 0, T)).toBe(40_000)
  })
})

describe('who has no limit', () => {
  test('is measured while there is a limit for others', () => {
    const others = quota({ 'client-id': 'x' }, { producer_byte_rate: 1 })
    const made = enforcer(others)
    expect(made.produced(caller('u', 'a'), 10_000, T)).toBe(0)
    made.setQuotas([others, quota({ 'client-id': 'a' }, { producer_byte_rate: 100 })])
    expect(made.produced(caller('u', 'a'), 0, T)).toBe(90_000)
    made.setQuotas([])
    expect(made.produced(caller('u', 'a'), 10_000, T)).toBe(0)
    made.setQuotas([quota({ 'client-id': 'a' }, { producer_byte_rate: 100 })])
    expect(made.produced(caller('u', 'a'), 0, T)).toBe(90_000)
  })

  test('is measured as user where all limits are for users, else by client', () => {
    const ofUser = quota({ user: 'v' }, { producer_byte_rate: 1 })
    const limit = quota({ user: 'u' }, { producer_byte_rate: 100 })
    const made = enforcer(ofUser)
    made.produced(caller('u', 'a'), 10_000, T)
    made.setQuotas([ofUser, limit])
    expect(made.produced(caller('u', 'b'), 0, T)).toBe(90_000)
    const mixed = enforcer(ofUser, quota({ 'client-id': 'x' }, { producer_byte_rate: 1 }))
    mixed.produced(caller('u', 'a'), 10_000, T)
    mixed.setQuotas([ofUser, limit, quota({ 'client-id': 'a' }, { producer_byte_rate: 100 })])
    expect(mixed.produced(caller('u', 'b'), 0, T)).toBe(0)
    expect(mixed.produced(caller('w', 'a'), 0, T)).toBe(90_000)
  })
})

describe('kinds of quotas', () => {
  test('bytes of a fetch that has to wait do not count', () => {
    const made = enforcer(quota({ user: 'u' }, { consumer_byte_rate: 100 }))
    const u = caller('u', '')
    expect(made.fetched(u, 1000, T)).toBe(0)
    expect(made.fetched(u, 500, T)).toBe(5000)
    // A window of 15 s has room for both, but only 11 s count: the first ones are forgotten.
    expect(made.fetched(u, 500, T + 11_000)).toBe(0)
    expect(made.fetchBytesMax(u)).toBe(1000)
    // Nor do those of a fetch that has to wait for another reason.
    expect(made.fetched(u, 400, T + 11_000, 700)).toBe(700)
    expect(made.fetched(u, 400, T + 11_000)).toBe(0)
    expect(made.fetchBytesMax(caller('v', ''))).toBe(Number.POSITIVE_INFINITY)
  })

  test('a share of the thread is in percent, and makes nobody wait longer than one window', () => {
    const made = enforcer(quota({ user: 'u' }, { request_percentage: 10 }))
    const u = caller('u', '')
    // 1 s of 10 s is 10 %.
    expect(made.handled(u, 1000, T)).toBe(0)
    expect(made.handled(u, 20, T)).toBe(200)
    expect(made.handled(u, 5000, T)).toBe(1000)
    expect(made.handled(caller('v', ''), 5000, T)).toBe(0)
  })

  test('changes of partitions may go over once; then strict clients are refused', () => {
    const made = enforcer(quota({ user: 'u' }, { controller_mutation_rate: 1 }))
    const u = caller('u', '')
    // 11 s of saved permits, and 3 more.
    made.mutations(u, true, T)?.charge(14)
    const refused = made.mutations(u, true, T + 1000)
    expect(() => refused?.charge(1)).toThrow('THROTTLING_QUOTA_EXCEEDED')
    expect(refused?.throttleTimeMs).toBe(2000)
    const later = made.mutations(u, true, T + 3000)
    later?.charge(1)
    expect(later?.throttleTimeMs).toBe(0)
  })

  test('changes of older clients are made, and they wait afterwards', () => {
    const made = enforcer(quota({ user: 'u' }, { controller_mutation_rate: 1 }))
    const first = made.mutations(caller('u', ''), false, T)
    first?.charge(14)
    expect(first?.throttleTimeMs).toBe(3000)
    const second = made.mutations(caller('u', ''), false, T)
    second?.charge(1)
    expect(second?.throttleTimeMs).toBe(4000)
    expect(made.mutations(caller('v', ''), false, T)).toBeUndefined()
  })

  test('new connections have a rate by address, localhost by both of its addresses', () => {
    const made = enforcer(
      quota({ ip: 'localhost' }, { connection_creation_rate: 1 }),
      quota({ ip: null }, { connection_creation_rate: 1000 }),
    )
    const waits = Array.from({ length: 11 }, () => made.connected('::1', T))
    expect(waits.slice(0, 10)).toEqual(new Array(10).fill(0))
    expect(waits[10]).toBe(1000)
    expect(made.connected('127.0.0.1', T)).toBe(0)
    expect(made.connected('10.0.0.1', T)).toBe(0)
    expect(made.connected('::1', T + 11_000)).toBe(0)
  })
})

interface Run {
  readonly kind: 'rate' | 'bucket'
  readonly count: number
  readonly sizeMs: number
  readonly limit: number
  readonly steps: readonly (readonly [passedMs: number, value: number, throttleMs: number])[]
}

const runs = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../golden/basics/quotas.json'), 'utf8'),
) as readonly Run[]

describe("times to wait are those of Kafka's own classes", () => {
  test.each(runs)('$kind of $limit a second, $count windows of $sizeMs ms', (run) => {
    const key = run.kind === 'rate' ? 'producer_byte_rate' : 'controller_mutation_rate'
    const made = new QuotaEnforcer({ client: run, controller: run })
    made.setQuotas([quota({ user: 'u' }, { [key]: run.limit })])
    let nowMs = T
    const waits = run.steps.map(([passedMs, value]) => {
      nowMs += passedMs
      if (run.kind === 'rate') return made.produced(caller('u', ''), value, nowMs)
      const mutations = made.mutations(caller('u', ''), true, nowMs)!
      try {
        mutations.charge(value)
      } catch {
        // Refused: it tells for how long.
      }
      return mutations.throttleTimeMs
    })
    expect(waits).toEqual(run.steps.map(([, , throttleMs]) => throttleMs))
  })
})

test('what was measured of names that are gone is let go', () => {
  const sensors = new Sensors(() => new SampledRate(), windows)
  for (let index = 0; index < 5_000; index++) {
    const nowMs = T + index * 100
    sensors.of({ user: undefined, clientId: `c${index}` }, nowMs).record(1, nowMs, windows)
  }
  expect(sensors.size).toBeLessThanOrEqual(1_100)
})

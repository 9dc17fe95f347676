import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { randomUuid, ZERO_UUID } from '../../src/base/uuid.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/apis/44-incremental-alter-configs.ts'
import { GetTelemetrySubscriptions } from '../../src/protocol/apis/71-get-telemetry-subscriptions.ts'
import { PushTelemetry } from '../../src/protocol/apis/72-push-telemetry.ts'
import { ConfigResourceType } from '../../src/storage/metadata-store.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'

/** Codes are those of Apache Kafka 4.3.1, asked on the wire. */

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

async function define(name: string, configs: Record<string, string>): Promise<void> {
  const { responses } = await broker.ask(IncrementalAlterConfigs, 1, {
    resources: [
      {
        resourceType: ConfigResourceType.CLIENT_METRICS,
        resourceName: name,
        configs: Object.entries(configs).map(([key, value]) => ({
          name: key,
          configOperation: 0,
          value,
        })),
      },
    ],
    validateOnly: false,
  })
  expect(responses[0]!.errorMessage).toBeNull()
}

function subscribe(clientInstanceId = ZERO_UUID, clientId = 'app') {
  return broker.ask(GetTelemetrySubscriptions, 0, { clientInstanceId }, clientId)
}

async function push(clientInstanceId: string, subscriptionId: number, more = {}): Promise<number> {
  const { errorCode } = await broker.ask(PushTelemetry, 0, {
    clientInstanceId,
    subscriptionId,
    terminating: false,
    compressionType: 0,
    metrics: Buffer.alloc(0),
    ...more,
  })
  return errorCode
}

describe('subscriptions', () => {
  test('a new client gets an id; without subscriptions it pushes nothing', async () => {
    const answer = await subscribe()
    expect(answer).toMatchObject({
      errorCode: 0,
      acceptedCompressionTypes: [4, 3, 1, 2],
      pushIntervalMs: 300_000,
      telemetryMaxBytes: 1_048_576,
      deltaTemporality: true,
      requestedMetrics: [],
    })
    expect(answer.clientInstanceId).not.toBe(ZERO_UUID)
  })

  test('all that match add up, with the shortest interval', async () => {
    await define('one', { metrics: 'a.,b', 'interval.ms': '5000', match: 'client_id=ap+' })
    await define('two', { metrics: 'c', 'interval.ms': '7000' })
    await define('three', { metrics: 'd', match: 'client_id=other' })
    await define('four', { metrics: 'e', match: 'client_id=p' })
    const { requestedMetrics, pushIntervalMs } = await subscribe()
    expect([requestedMetrics, pushIntervalMs]).toEqual([['a.', 'b', 'c'], 5000])
  })

  test('asking again before the interval is over is refused, until a subscription changes', async () => {
    await define('one', { metrics: 'a', 'interval.ms': '5000' })
    const { clientInstanceId, subscriptionId } = await subscribe()
    expect(await subscribe(clientInstanceId)).toMatchObject({
      errorCode: 89,
      clientInstanceId: ZERO_UUID,
    })
    broker.clock.advance(5000)
    expect(await subscribe(clientInstanceId)).toMatchObject({ errorCode: 0, subscriptionId })
    await define('one', { metrics: 'b' })
    const changed = await subscribe(clientInstanceId)
    expect(changed).toMatchObject({ errorCode: 0, requestedMetrics: ['b'] })
    expect(changed.subscriptionId).not.toBe(subscriptionId)
  })
})

describe('pushes', () => {
  test('are taken once per interval, and the first one right after subscribing', async () => {
    await define('one', { metrics: 'a', 'interval.ms': '5000' })
    const { clientInstanceId, subscriptionId } = await subscribe()
    broker.clock.advance(1)
    expect(await push(clientInstanceId, subscriptionId)).toBe(0)
    expect(await push(clientInstanceId, subscriptionId)).toBe(89)
    broker.clock.advance(5000)
    expect(await push(clientInstanceId, subscriptionId)).toBe(0)
  })

  test('without an id or a known subscription are refused; then asking again is allowed', async () => {
    expect(await push(ZERO_UUID, 0)).toBe(42)
    const id = randomUuid()
    expect(await push(id, 0)).toBe(117)
    expect((await subscribe(id)).errorCode).toBe(0)
  })

  test.each([
    ['codec', { compressionType: 9 }, 76],
    ['size', { metrics: Buffer.alloc(1_048_577) }, 118],
  ])('of a wrong %s are refused', async (_what, more, code) => {
    const { clientInstanceId, subscriptionId } = await subscribe()
    broker.clock.advance(1)
    expect(await push(clientInstanceId, subscriptionId, more)).toBe(code)
  })

  test('none follows the last one', async () => {
    const { clientInstanceId, subscriptionId } = await subscribe()
    broker.clock.advance(1)
    expect(await push(clientInstanceId, subscriptionId, { terminating: true })).toBe(0)
    expect(await push(clientInstanceId, subscriptionId, { terminating: true })).toBe(42)
  })
})

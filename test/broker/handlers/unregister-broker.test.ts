import { afterEach, beforeEach, expect, test } from 'vitest'
import { UnregisterBroker } from '../../../src/protocol/apis/64-unregister-broker.ts'
import { ErrorCode } from '../../../src/protocol/error-code.ts'
import { startTestBroker, type TestBroker } from '../test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

test('a broker that is not registered cannot be unregistered', async () => {
  expect(await broker.ask(UnregisterBroker, 0, { brokerId: 9 })).toMatchObject({
    errorCode: ErrorCode.BROKER_ID_NOT_REGISTERED,
    errorMessage: 'Broker ID 9 is not currently registered',
  })
})

test('a broker that lives is registered again at once, under a new epoch', async () => {
  const before = broker.metadata.image.brokers.get(1)!.brokerEpoch
  expect(await broker.ask(UnregisterBroker, 0, { brokerId: 1 })).toMatchObject({ errorCode: 0 })
  expect(broker.metadata.image.brokers.get(1)!.brokerEpoch).toBeGreaterThan(before)
})

test('a broker that is gone is unregistered', async () => {
  const first = broker.metadata.image.brokers.get(1)!
  const record = { ...first, brokerId: 2, endPoints: [], fenced: true }
  await broker.metadata.commit([{ type: 'RegisterBrokerRecord', value: record }])
  expect(await broker.ask(UnregisterBroker, 0, { brokerId: 2 })).toMatchObject({ errorCode: 0 })
  expect([...broker.metadata.image.brokers.keys()]).toEqual([1])
})

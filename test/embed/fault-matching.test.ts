import { afterEach, describe, expect, test } from 'vitest'
import { ConfigError, type FaultSpec, type RunningBroker } from '../../src/index.ts'
import { clientOf, closeAll, producerOf, start } from './kafkajs-client.ts'

afterEach(closeAll)

const valuesOf = async (kafka: RunningBroker, topic = 'orders') =>
  (await kafka.records(topic)).map(({ value }) => value)

describe('which requests', () => {
  test('those of one connection: another client of the same id is not touched', async () => {
    const kafka = await start({ topics: ['orders'], recordRequests: true })
    const [bad, good] = [
      await producerOf(kafka, { retries: 0 }),
      await producerOf(kafka, { retries: 0 }),
    ]
    const send = async (producer: typeof bad, value: string) =>
      await producer.send({ topic: 'orders', messages: [{ value }] })
    await send(bad, 'one')
    const [{ connection } = { connection: -1 }] = kafka.requests.filter({ api: 'Produce' })
    kafka.faults.add({ connection, api: 'Produce', error: 'POLICY_VIOLATION' })
    await send(good, 'two')
    await expect(send(bad, 'three')).rejects.toThrow('policy')
    expect(await valuesOf(kafka)).toEqual(['one', 'two'])
    expect(kafka.faults.log).toMatchObject([{ connection }])
  })

  test('those of one of several APIs', async () => {
    const kafka = await start({ topics: ['orders'] })
    const admin = clientOf(kafka, { retries: 0 }).admin()
    await admin.connect()
    kafka.faults.add({ api: ['CreateTopics', 'DeleteTopics'], error: 'POLICY_VIOLATION' })
    await expect(admin.deleteTopics({ topics: ['orders'] })).rejects.toThrow('policy')
    const topics = [{ topic: 'more' }]
    await expect(admin.createTopics({ topics })).rejects.toThrow('Topic creation errors')
    expect(await admin.listTopics()).toEqual(['orders'])
    await admin.disconnect()
  })

  test("those of one transactional id: the other's transactions go on", async () => {
    const kafka = await start({ topics: ['orders'] })
    const transact = async (transactionalId: string) => {
      const producer = await producerOf(kafka, {
        retries: 1,
        producer: { transactionalId, maxInFlightRequests: 1 },
      })
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'orders', messages: [{ value: transactionalId }] })
      await transaction.commit()
    }
    const error = 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'
    kafka.faults.add({ transactionalId: 'bad', api: 'InitProducerId', error })
    await transact('good')
    await expect(transact('bad')).rejects.toThrow('Transactional Id authorization failed')
    await expect.poll(() => valuesOf(kafka)).toEqual(['good'])
  })
})

describe('the coordinator of a transaction', () => {
  const cases = [
    ['moved', 'not the correct coordinator', 'NOT_COORDINATOR'],
    ['loading', 'coordinator is loading', 'COORDINATOR_LOAD_IN_PROGRESS'],
  ] as const
  test.each(cases)(
    '%s: kafkajs gives the commit up, and nothing of it is read',
    async (coordinator, said, error) => {
      const kafka = await start({ topics: ['orders'] })
      const producer = await producerOf(kafka, {
        producer: { transactionalId: 'tx', maxInFlightRequests: 1 },
      })
      kafka.faults.add({ coordinator, transactionalId: 'tx', api: 'EndTxn', times: 1 })
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'orders', messages: [{ value: 'one' }] })
      await expect(transaction.commit()).rejects.toThrow(said)
      expect(await valuesOf(kafka)).toEqual([])
      expect(kafka.faults.log).toMatchObject([{ done: `answered ${error}` }])
    },
  )
})

describe('chance and counting', () => {
  test('the same seed hits the same requests', async () => {
    const run = async (seed: number) => {
      const kafka = await start({ topics: ['orders'] })
      const producer = await producerOf(kafka, { retries: 0 })
      kafka.faults.add({ api: 'Produce', error: 'POLICY_VIOLATION', probability: 0.5, seed })
      for (let index = 0; index < 20; index++) {
        const sending = producer.send({ topic: 'orders', messages: [{ value: `${index}` }] })
        await sending.catch(() => {})
      }
      return await valuesOf(kafka)
    }
    const first = await run(7)
    expect(await run(7)).toEqual(first)
    expect(await run(8)).not.toEqual(first)
    expect(first.length).toBeGreaterThan(3)
    expect(first.length).toBeLessThan(17)
  })

  test('skip lets requests pass first, times ends it, remove ends it early', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, { retries: 0 })
    const send = async (value: string) =>
      await producer.send({ topic: 'orders', messages: [{ value }] }).catch(() => {})
    kafka.faults.add({ api: 'Produce', error: 'POLICY_VIOLATION', skip: 1, times: 2 })
    for (const value of ['a', 'b', 'c', 'd']) await send(value)
    expect(await valuesOf(kafka)).toEqual(['a', 'd'])
    kafka.faults.add({ api: 'Produce', error: 'POLICY_VIOLATION' })
    kafka.faults.clear()
    await send('e')
    expect(await valuesOf(kafka)).toEqual(['a', 'd', 'e'])
  })

  test('the helpers of the broker are not touched by faults', async () => {
    const kafka = await start({ topics: ['orders'] })
    kafka.faults.add({ error: 'UNKNOWN_SERVER_ERROR' })
    await kafka.produce('orders', [{ value: 'one' }])
    expect(await valuesOf(kafka)).toEqual(['one'])
    expect(kafka.faults.log).toEqual([])
  })
})

test('a fault that makes no sense is refused with what would', async () => {
  const kafka = await start()
  const refusals: [object, string][] = [
    [{ api: 'Produce' }, 'a fault should do something: error, drop, hang'],
    [{ eror: 'X' }, "a fault has no 'eror'; it has api, topic"],
    [{ api: 'Send', hang: true }, 'api: "Send" is not the name of one of Kafka\'s APIs'],
    [{ error: 'NOPE' }, 'error: "NOPE" is not the name of one of Kafka\'s errors'],
    [{ error: 'NONE' }, 'is no error'],
    [{ error: 'UNKNOWN_SERVER_ERROR', hang: true }, 'a fault does one thing: error or hang'],
    [{ drop: 'during' }, 'drop: "during" should be "before" or "after"'],
    [{ hang: true, partition: 1 }, 'partition: only with topic'],
    [{ hang: true, times: -1 }, 'times: -1 should be a number'],
    [{ hang: true, probability: 2 }, 'probability: 2 should be a number from 0 to 1'],
    [{ outOfSpace: true }, 'outOfSpace: only with topic'],
    [{ outOfSpace: true, topic: 'x', api: 'Fetch' }, 'api: not with outOfSpace'],
  ]
  for (const [spec, message] of refusals) {
    expect(() => kafka.faults.add(spec as FaultSpec)).toThrow(message)
    expect(() => kafka.faults.add(spec as FaultSpec)).toThrow(ConfigError)
  }
})

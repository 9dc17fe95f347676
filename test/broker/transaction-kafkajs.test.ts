import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'

/** kafkajs against a whole broker: what an application sees of transactions. */

const cleanUps: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function start(): Promise<{ broker: RunningBroker; kafka: Kafka }> {
  const broker = await startBroker({ topics: ['input', 'output:2'] })
  cleanUps.push(() => broker.stop())
  const retry = { initialRetryTime: 50, maxRetryTime: 200, retries: 50 }
  const brokers = [broker.bootstrapServers]
  return { broker, kafka: new Kafka({ brokers, logLevel: logLevel.NOTHING, retry }) }
}

async function transactionalProducer(kafka: Kafka, transactionalId: string): Promise<Producer> {
  const producer = kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  cleanUps.push(() => producer.disconnect())
  return producer
}

/** Collects what a new consumer of committed records sees from the start of the topic. */
async function follow(kafka: Kafka, topic: string): Promise<string[]> {
  const consumer = kafka.consumer({
    groupId: `reader-${Math.random()}`,
    readUncommitted: false,
    maxWaitTimeInMs: 50,
  })
  await consumer.connect()
  cleanUps.push(() => consumer.disconnect())
  await consumer.subscribe({ topic, fromBeginning: true })
  const seen: string[] = []
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(String(message.value))
    },
  })
  return seen
}

describe('kafkajs', () => {
  test('commits and aborts: readers see the one and not the other', async () => {
    const { kafka } = await start()
    const producer = await transactionalProducer(kafka, 'tx')
    const seen = await follow(kafka, 'output')
    for (const [value, commit] of [
      ['a', true],
      ['lost', false],
      ['b', true],
    ] as const) {
      const transaction = await producer.transaction()
      for (const partition of [0, 1]) {
        await transaction.send({ topic: 'output', messages: [{ value, partition }] })
      }
      if (commit) await transaction.commit()
      else await transaction.abort()
    }
    await vi.waitFor(() => expect([...seen].sort()).toEqual(['a', 'a', 'b', 'b']), 10_000)
  })

  test('moves offsets with a transaction, or not', async () => {
    const { kafka } = await start()
    const producer = await transactionalProducer(kafka, 'tx')
    const admin = kafka.admin()
    await admin.connect()
    cleanUps.push(() => admin.disconnect())
    const topics = (offset: string) => [{ topic: 'input', partitions: [{ partition: 0, offset }] }]
    const offsetOf = async () => {
      const [found] = await admin.fetchOffsets({ groupId: 'copier', topics: ['input'] })
      return found?.partitions[0]?.offset
    }
    const kept = await producer.transaction()
    await kept.send({ topic: 'output', messages: [{ value: 'a' }] })
    await kept.sendOffsets({ consumerGroupId: 'copier', topics: topics('5') })
    expect(await offsetOf()).toBe('-1')
    await kept.commit()
    await vi.waitFor(async () => expect(await offsetOf()).toBe('5'))
    const lost = await producer.transaction()
    await lost.sendOffsets({ consumerGroupId: 'copier', topics: topics('9') })
    await lost.abort()
    expect(await offsetOf()).toBe('5')
  })

  test('a second producer of the same id fences the first', async () => {
    const { kafka } = await start()
    const first = await transactionalProducer(kafka, 'tx')
    const zombie = await first.transaction()
    await zombie.send({ topic: 'output', messages: [{ value: 'zombie', partition: 0 }] })
    const second = await transactionalProducer(kafka, 'tx')
    const heir = await second.transaction()
    await heir.send({ topic: 'output', messages: [{ value: 'heir', partition: 0 }] })
    await expect(zombie.commit()).rejects.toThrow(/fenced|epoch/i)
    await heir.commit()
    const seen = await follow(kafka, 'output')
    await vi.waitFor(() => expect(seen).toEqual(['heir']), 10_000)
  })
})

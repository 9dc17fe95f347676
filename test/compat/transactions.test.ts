import { resolve } from 'node:path'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { brokerForThisFile, uniqueName } from './broker.ts'
import { runWell } from './process.ts'
import { tools } from './tools.mjs'

const broker = brokerForThisFile()
const consumers: Consumer[] = []

afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.disconnect()))
})

function connect(): Kafka {
  const retry = { initialRetryTime: 50, retries: 10 }
  return new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry })
}

/** What a group reads of `topic` until `last` has come. */
async function read(topic: string, last: string, readUncommitted = false): Promise<string[]> {
  const consumer = connect().consumer({ groupId: uniqueName('reader'), readUncommitted })
  consumers.push(consumer)
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await new Promise<void>((done, fail) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      values.push(String(message.value))
      if (values.at(-1) === last) done()
    }
    consumer.run({ eachMessage }).catch(fail)
  })
  return values
}

describe('transactions of kafkajs', () => {
  it('are seen when they are committed, and never when they are aborted', async () => {
    const topic = uniqueName('transactions')
    const transactionalId = uniqueName('id')
    const producer = connect().producer({ transactionalId, maxInFlightRequests: 1 })
    await producer.connect()
    for (const [value, commit] of [
      ['kept', true],
      ['dropped', false],
      ['last', true],
    ] as const) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value }] })
      await (commit ? transaction.commit() : transaction.abort())
    }
    await producer.disconnect()
    expect(await read(topic, 'last')).toEqual(['kept', 'last'])
    expect(await read(topic, 'last', true)).toEqual(['kept', 'dropped', 'last'])
  })

  it("move a group's offset with the commit and not with the abort", async () => {
    const kafka = connect()
    const admin = kafka.admin()
    const topic = uniqueName('source')
    const consumerGroupId = uniqueName('group')
    const producer = kafka.producer({ transactionalId: uniqueName('id'), maxInFlightRequests: 1 })
    await Promise.all([admin.connect(), producer.connect()])
    await admin.createTopics({ topics: [{ topic }] })
    const committed = async () => {
      const [found] = await admin.fetchOffsets({ groupId: consumerGroupId, topics: [topic] })
      return found?.partitions[0]?.offset
    }
    const move = async (offset: string) => {
      const transaction = await producer.transaction()
      const topics = [{ topic, partitions: [{ partition: 0, offset }] }]
      await transaction.sendOffsets({ consumerGroupId, topics })
      return transaction
    }
    await (await move('5')).commit()
    expect(await committed()).toBe('5')
    await (await move('9')).abort()
    expect(await committed()).toBe('5')
    await Promise.all([admin.disconnect(), producer.disconnect()])
  })
})

describe('transactions of librdkafka', () => {
  it('are seen when they are committed, and never when they are aborted', async () => {
    const topic = uniqueName('transactions')
    const program = resolve(import.meta.dirname, 'python/transactions.py')
    const args = [program, broker.bootstrap, topic, uniqueName('id')]
    await runWell({ command: tools.python, args })
    expect(await read(topic, 'last')).toEqual(['kept', 'last'])
    expect(await read(topic, 'last', true)).toEqual(['kept', 'dropped', 'last'])
  })
})

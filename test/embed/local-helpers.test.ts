import { Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { type BrokerOptions, type RunningBroker, startBroker, WaitError } from '../../src/index.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function start(options: BrokerOptions = {}): Promise<RunningBroker> {
  const broker = await startBroker(options)
  open.push({ close: () => broker.stop() })
  return broker
}

async function consume(broker: RunningBroker, groupId: string, topic: string): Promise<string[]> {
  const client = new Kafka({
    brokers: [broker.bootstrapServers],
    clientId: 'app',
    logLevel: logLevel.NOTHING,
  })
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  open.push({ close: () => consumer.disconnect() })
  await consumer.subscribe({ topic, fromBeginning: true })
  const values: string[] = []
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message }) => {
      values.push(String(message.value))
    },
  })
  return values
}

describe('produce and records', () => {
  test('text, JSON, bytes and nothing come back as what they were', async () => {
    const kafka = await start({ topics: ['orders'] })
    const bytes = Buffer.from([0xff, 0x00, 0x80])
    const places = await kafka.produce('orders', [
      { key: 'u1', value: { id: 1, tags: ['a'] }, headers: { trace: 'abc', raw: bytes } },
      { key: null, value: 'plain text' },
      { value: bytes },
      { key: 'u1', value: null },
      { value: [1, 2] },
      { value: '17' },
    ])
    expect(places.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5])
    const records = await kafka.records('orders')
    expect(records.map(({ key, value }) => [key, value])).toEqual([
      ['u1', { id: 1, tags: ['a'] }],
      [null, 'plain text'],
      [null, bytes],
      ['u1', null],
      [null, [1, 2]],
      [null, '17'],
    ])
    expect(records[0]!.headers).toEqual({ trace: 'abc', raw: bytes })
    expect(await kafka.records('orders', { value: 'buffer', fromOffset: 5 })).toMatchObject([
      { value: Buffer.from('17') },
    ])
    expect(await kafka.records('orders', { value: 'json', fromOffset: 5 })).toMatchObject([
      { value: 17 },
    ])
    await expect(kafka.records('orders', { value: 'json' })).rejects.toThrow('not JSON: plain text')
  })

  test('keys choose the partition that the Java client chooses', async () => {
    const kafka = await start({ topics: ['orders:3'] })
    const client = new Kafka({ brokers: [kafka.bootstrapServers], logLevel: logLevel.NOTHING })
    const producer = client.producer()
    await producer.connect()
    open.push({ close: () => producer.disconnect() })
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    await producer.send({ topic: 'orders', messages: keys.map((key) => ({ key, value: 'js' })) })
    const ours = await kafka.produce(
      'orders',
      keys.map((key) => ({ key, value: 'ours' })),
    )
    const theirs = await kafka.records('orders', { where: ({ value }) => value === 'js' })
    const partitionOf = new Map(theirs.map(({ key, partition }) => [key, partition]))
    expect(ours.map(({ partition }) => partition)).toEqual(keys.map((key) => partitionOf.get(key)))
  })

  test('more than a batch may hold is sent as several, in order', async () => {
    const kafka = await start()
    const values = Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(100_000, '.'))
    await kafka.produce(
      'big',
      values.map((value) => ({ value })),
    )
    const records = await kafka.records('big')
    expect(records.map(({ value }) => value)).toEqual(values)
  })

  test('records of several partitions come by time, each partition in its order', async () => {
    const kafka = await start({ topics: ['orders:2'] })
    await kafka.produce('orders', [
      { partition: 0, timestamp: 1000, value: 'a' },
      { partition: 0, timestamp: 3000, value: 'c' },
      { partition: 0, timestamp: 500, value: 'd' },
      { partition: 1, timestamp: 2000, value: 'b' },
      { partition: 1, timestamp: 4000, value: 'e' },
    ])
    const records = await kafka.records('orders')
    expect(records.map(({ value }) => value)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('what the broker refuses is thrown with its name', async () => {
    const kafka = await start({
      topics: ['orders'],
      settings: { 'auto.create.topics.enable': false, 'message.max.bytes': 1000 },
    })
    await expect(kafka.produce('missing', [{ value: 'x' }])).rejects.toThrow(
      'UNKNOWN_TOPIC_OR_PARTITION: topic missing',
    )
    await expect(kafka.produce('orders', [{ value: 'x'.repeat(2000) }])).rejects.toThrow(
      'MESSAGE_TOO_LARGE',
    )
    await expect(kafka.produce('orders', [{ partition: 7, value: 'x' }])).rejects.toThrow(
      'UNKNOWN_TOPIC_OR_PARTITION',
    )
  })
})

describe('topics', () => {
  test('are created and deleted as asked', async () => {
    const kafka = await start()
    await kafka.createTopics([
      'orders:3',
      { name: 'events', configs: { 'retention.ms': 60_000 } },
      'users:1:compact',
    ])
    await kafka.produce('events', [{ value: 'x' }])
    expect(kafka.topics().map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['events', 1],
      ['orders', 3],
      ['users', 1],
    ])
    expect(kafka.topics()[0]!.partitions).toEqual([{ partition: 0, startOffset: 0, endOffset: 1 }])
    await kafka.deleteTopics(['events'])
    expect(kafka.topics().map(({ name }) => name)).toEqual(['orders', 'users'])
    await expect(kafka.createTopics(['orders'])).rejects.toThrow('TOPIC_ALREADY_EXISTS')
    await expect(kafka.createTopics(['a/b'])).rejects.toThrow("'a/b' is not a name of a topic")
    await expect(kafka.deleteTopics(['gone'])).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION')
  })
})

describe('waitForRecords', () => {
  test('resolves when enough is there, also in a topic that comes later', async () => {
    const kafka = await start()
    const waiting = kafka.waitForRecords('invoices', 2)
    await kafka.produce('invoices', [{ value: { order: 1 } }])
    await kafka.produce('invoices', [{ value: { order: 2 } }])
    expect(await waiting).toMatchObject([{ value: { order: 1 } }, { value: { order: 2 } }])
  })

  test('counts what the condition is true of', async () => {
    const kafka = await start()
    const paid = { where: ({ key }: { key: unknown }) => key === 'paid' }
    const waiting = kafka.waitForRecords('invoices', 1, paid)
    await kafka.produce('invoices', [{ key: 'open', value: '1' }])
    await kafka.produce('invoices', [{ key: 'paid', value: '2' }])
    expect(await waiting).toMatchObject([{ key: 'paid', value: '2' }])
  })

  test('says what was there when it waited in vain', async () => {
    const kafka = await start({ topics: ['orders:2', 'empty'] })
    await kafka.produce('orders', [{ partition: 1, key: 'u1', value: { id: 1 } }])
    const failing = kafka.waitForRecords('orders', 2, { timeoutMs: 30 })
    await expect(failing).rejects.toThrow(WaitError)
    await expect(failing).rejects.toThrow(
      [
        "waited 30 ms for 2 records of topic 'orders', and there is 1",
        'found orders-1@0 {"key":"u1","value":{"id":1}}',
        'empty: partition 0 empty',
        'orders: partition 0 empty, partition 1 offsets 0 to 0',
      ].join('\n'),
    )
    await expect(kafka.waitForRecords('invoices', 1, { timeoutMs: 0 })).rejects.toThrow(
      "1 record of topic 'invoices', and there is none\ntopic 'invoices' is not there\nempty:",
    )
  })
})

describe('groups', () => {
  test('are seen with members, assignment and committed offsets', async () => {
    const kafka = await start({ topics: ['orders:2'] })
    expect(await kafka.groups()).toEqual([])
    expect(await kafka.committedOffsets('billing')).toEqual([])
    await kafka.produce('orders', [{ partition: 1, value: 'one' }])
    const values = await consume(kafka, 'billing', 'orders')
    const group = await kafka.waitForGroup('billing', { members: 1 })
    expect(group).toMatchObject({ state: 'Stable', type: 'classic', protocolType: 'consumer' })
    expect(group.members[0]!.assignment).toEqual([
      { topic: 'orders', partition: 0 },
      { topic: 'orders', partition: 1 },
    ])
    await expect.poll(() => values).toEqual(['one'])
    await expect
      .poll(() => kafka.committedOffsets('billing'))
      .toContainEqual({ topic: 'orders', partition: 1, offset: 1, metadata: '' })
    expect((await kafka.groups()).map(({ groupId }) => groupId)).toEqual(['billing'])
  })

  test('that do not come are told with those that are there', async () => {
    const kafka = await start({ topics: ['orders'] })
    await expect(kafka.waitForGroup('billing', { timeoutMs: 0 })).rejects.toThrow(
      "waited 0 ms for group 'billing' to be Stable\nthere are no groups",
    )
    await consume(kafka, 'billing', 'orders')
    await kafka.waitForGroup('billing')
    await expect(kafka.waitForGroup('billing', { members: 2, timeoutMs: 20 })).rejects.toThrow(
      "group 'billing' to be Stable with 2 members\n" +
        "group 'billing' is Stable, members: app (orders-0)",
    )
  })
})

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { ConfigError, type RunningBroker, startBroker } from '../../src/index.ts'
import { clientOf, closeAll, consume, producerOf, start } from './kafkajs-client.ts'

const directories: string[] = []

afterEach(async () => {
  await closeAll()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'dohle-embed-'))
  directories.push(directory)
  return directory
}

const valuesOf = async (kafka: RunningBroker, topic = 'orders') =>
  (await kafka.records(topic)).map(({ value }) => value)

describe('restore', () => {
  test('brings back records, topics, configs, groups and offsets, and takes away what came later', async () => {
    const kafka = await start({ topics: ['orders:2'] })
    await kafka.createTopics([{ name: 'events', configs: { 'retention.ms': 1000 } }])
    await kafka.produce('orders', [{ partition: 1, key: 'k', value: 'one' }])
    const { consumer } = await consume(kafka, 'orders')
    await expect.poll(() => kafka.committedOffsets('billing')).toHaveLength(1)
    await consumer.disconnect()
    await kafka.waitForGroup('billing', { state: 'Empty' })
    const topics = kafka.topics()
    const groups = await kafka.groups()
    const clean = kafka.snapshot()

    await kafka.produce('orders', [{ partition: 1, value: 'two' }])
    await kafka.createTopics(['later'])
    await kafka.deleteTopics(['events'])
    await kafka.restore(clean)

    expect(kafka.topics()).toEqual(topics)
    expect(await kafka.groups()).toEqual(groups)
    expect(await kafka.records('orders')).toMatchObject([{ partition: 1, key: 'k', value: 'one' }])
    expect(await kafka.committedOffsets('billing')).toMatchObject([{ partition: 1, offset: 1 }])
    await kafka.produce('orders', [{ partition: 1, value: 'three' }])
    await kafka.restore(clean)
    expect(await valuesOf(kafka)).toEqual(['one'])
  })

  test('keeps clients connected, who go on with what is there', async () => {
    const kafka = await start({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'one' }])
    const producer = await producerOf(kafka)
    const { values } = await consume(kafka, 'orders')
    await expect.poll(() => values).toEqual(['one'])
    await kafka.waitForGroup('billing')
    const clean = kafka.snapshot()
    await producer.send({ topic: 'orders', messages: [{ value: 'two' }] })
    await expect.poll(() => values).toEqual(['one', 'two'])
    await kafka.restore(clean)
    await producer.send({ topic: 'orders', messages: [{ value: 'three' }] })
    expect(await valuesOf(kafka)).toEqual(['one', 'three'])
    await producer.send({ topic: 'orders', messages: [{ value: 'four' }] })
    await expect.poll(() => values, { timeout: 10_000 }).toContain('four')
  })

  test('requests that come meanwhile wait and are answered', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, { retries: 0 })
    const send = (value: string) => producer.send({ topic: 'orders', messages: [{ value }] })
    await send('warm')
    const clean = kafka.snapshot()
    const restoring = kafka.restore(clean)
    const sending = ['a', 'b', 'c'].map(send)
    await Promise.all([restoring, ...sending])
    // kafkajs itself does not keep the order of sends that overlap.
    expect((await valuesOf(kafka)).toSorted()).toEqual(['a', 'b', 'c', 'warm'])
  })

  test('never hands out a producer id again that a client may still use', async () => {
    const kafka = await start({ topics: ['orders'] })
    const clean = kafka.snapshot()
    const idempotent = { producer: { idempotent: true, maxInFlightRequests: 1 } }
    const first = await producerOf(kafka, idempotent)
    const send = (producer: typeof first, value: string) =>
      producer.send({ topic: 'orders', messages: [{ value }] })
    await send(first, 'lost')
    await kafka.restore(clean)
    await send(first, 'one')
    const second = await producerOf(kafka, idempotent)
    await send(second, 'two')
    await send(first, 'three')
    expect(await valuesOf(kafka)).toEqual(['one', 'two', 'three'])
  })

  test('begins another broker with it', async () => {
    const kafka = await start({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'one' }])
    const snapshot = kafka.snapshot()
    const twins = [await start({ snapshot }), await start({ snapshot, topics: ['more'] })]
    await twins[0]!.produce('orders', [{ value: 'two' }])
    expect(await valuesOf(twins[0]!)).toEqual(['one', 'two'])
    expect(await valuesOf(twins[1]!)).toEqual(['one'])
    expect(twins[1]!.topics().map(({ name }) => name)).toEqual(['more', 'orders'])
    await expect(startBroker({ snapshot, dataDir: temporaryDirectory() })).rejects.toThrow(
      ConfigError,
    )
  })

  test('works in a directory', async () => {
    const kafka = await start({ dataDir: temporaryDirectory(), topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'one' }])
    const clean = kafka.snapshot()
    await kafka.produce('orders', [{ value: 'two' }])
    await kafka.createTopics(['later'])
    await kafka.restore(clean)
    expect(kafka.topics().map(({ name }) => name)).toEqual(['orders'])
    expect(await valuesOf(kafka)).toEqual(['one'])
    await kafka.reset()
    expect(await valuesOf(kafka)).toEqual([])
  })
})

describe('reset', () => {
  test('leaves the topics of the start, empty, and nothing else', async () => {
    const kafka = await start({ topics: ['orders:2'] })
    const { clusterId } = kafka
    await kafka.createTopics(['later'])
    await kafka.produce('orders', [{ value: 'one' }])
    const { consumer } = await consume(kafka, 'orders')
    await kafka.waitForGroup('billing')
    await consumer.disconnect()
    await kafka.reset()
    expect(kafka.topics().map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ['orders', 2],
    ])
    expect(await valuesOf(kafka)).toEqual([])
    expect(await kafka.groups()).toEqual([])
    expect(await kafka.committedOffsets('billing')).toEqual([])
    expect(kafka.clusterId).toBe(clusterId)
  })

  test('cuts connections when asked: kafkajs connects again', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = clientOf(kafka).producer()
    let disconnects = 0
    producer.on(producer.events.DISCONNECT, () => disconnects++)
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    await kafka.reset({ connections: 'cut' })
    await producer.send({ topic: 'orders', messages: [{ value: 'two' }] })
    expect(await valuesOf(kafka)).toEqual(['two'])
    await producer.disconnect()
  })

  test('keeps faults', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, { retries: 0 })
    kafka.faults.add({ api: 'Produce', error: 'POLICY_VIOLATION' })
    await kafka.reset()
    await expect(producer.send({ topic: 'orders', messages: [{ value: 'one' }] })).rejects.toThrow(
      'policy',
    )
  })

  test('after stop is refused', async () => {
    const kafka = await startBroker()
    await kafka.stop()
    await expect(kafka.reset()).rejects.toThrow('the broker is stopped')
  })
})

describe('exportTo', () => {
  test('writes a directory that a broker starts from, cleanly', async () => {
    const kafka = await start({ topics: ['orders:2'] })
    await kafka.produce('orders', [{ partition: 1, value: 'one' }])
    const directory = join(temporaryDirectory(), 'export')
    await kafka.exportTo(directory)
    await kafka.produce('orders', [{ partition: 1, value: 'two' }])
    const warnings: string[] = []
    const logger = {
      debug: () => {},
      info: () => {},
      warn: (_: object, message: string) => warnings.push(message),
      error: (_: object, message: string) => warnings.push(message),
    }
    const other = await start({ dataDir: directory, logger })
    expect(await valuesOf(other)).toEqual(['one'])
    expect(other.clusterId).toBe(kafka.clusterId)
    expect(warnings).toEqual([])
    expect(await valuesOf(kafka)).toEqual(['one', 'two'])
  })

  test('refuses a directory that holds something', async () => {
    const kafka = await start()
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'mine'), '')
    await expect(kafka.exportTo(directory)).rejects.toThrow('is not empty')
  })
})

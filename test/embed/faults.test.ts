import { afterEach, describe, expect, test } from 'vitest'
import type { RunningBroker } from '../../src/index.ts'
import { closeAll, consume, producerOf, start } from './kafkajs-client.ts'

afterEach(closeAll)

const valuesOf = async (kafka: RunningBroker, topic = 'orders') =>
  (await kafka.records(topic)).map(({ value }) => value)

const done = (kafka: RunningBroker) => kafka.faults.log.map((event) => event.done)

describe('an error code', () => {
  test('in the place of the work: kafkajs tries again, the record is there once', async () => {
    const kafka = await start({ topics: ['invoices'] })
    const error = 'NOT_LEADER_OR_FOLLOWER'
    const fault = kafka.faults.add({ api: 'Produce', topic: 'invoices', error, times: 2 })
    const producer = await producerOf(kafka)
    await producer.send({ topic: 'invoices', messages: [{ value: 'one' }] })
    expect(await valuesOf(kafka, 'invoices')).toEqual(['one'])
    expect(fault.hits).toBe(2)
    expect(kafka.faults.list).toEqual([])
    expect(kafka.faults.log).toMatchObject([
      {
        asked: { topic: 'invoices' },
        api: 'Produce',
        clientId: 'app',
        done: `answered ${error} for invoices`,
      },
      { fault: fault.id, done: `answered ${error} for invoices` },
    ])
  })

  test('after the work: kafkajs tries again, the record is there twice', async () => {
    const kafka = await start({ topics: ['orders'] })
    kafka.faults.add({ api: 'Produce', error: 'REQUEST_TIMED_OUT', when: 'after', times: 1 })
    const producer = await producerOf(kafka)
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    expect(await valuesOf(kafka)).toEqual(['one', 'one'])
    expect(done(kafka)).toEqual(['answered REQUEST_TIMED_OUT, the work was done'])
  })

  test('leaves the other topics and partitions of the same request alone', async () => {
    const kafka = await start({ topics: ['orders:2', 'invoices'] })
    const producer = await producerOf(kafka, { retries: 0 })
    kafka.faults.add({
      topic: 'orders',
      partition: 1,
      error: 'TOPIC_AUTHORIZATION_FAILED',
      api: 'Produce',
    })
    const sending = producer.sendBatch({
      topicMessages: [
        {
          topic: 'orders',
          messages: [
            { partition: 0, value: 'a' },
            { partition: 1, value: 'b' },
          ],
        },
        { topic: 'invoices', messages: [{ value: 'c' }] },
      ],
    })
    await expect(sending).rejects.toThrow('Not authorized to access topics')
    expect(await valuesOf(kafka)).toEqual(['a'])
    expect(await valuesOf(kafka, 'invoices')).toEqual(['c'])
  })

  test('of a fetch is told at once, and other partitions are read on', async () => {
    const kafka = await start({ topics: ['orders:2'] })
    const error = 'UNKNOWN_TOPIC_OR_PARTITION'
    const fault = kafka.faults.add({ api: 'Fetch', topic: 'orders', partition: 1, error })
    await kafka.produce('orders', [
      { partition: 0, value: 'a' },
      { partition: 1, value: 'b' },
    ])
    const { values } = await consume(kafka, 'orders')
    await expect.poll(() => fault.hits).toBeGreaterThan(1)
    expect(values).not.toContain('b')
    fault.remove()
    await expect.poll(() => values.toSorted()).toEqual(['a', 'b'])
  })

  test('of Metadata: kafkajs refuses the topic, and sees it again later', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, { retries: 0 })
    const fault = kafka.faults.add({
      api: 'Metadata',
      topic: 'orders',
      error: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
    const send = () => producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    await expect(send()).rejects.toThrow('This server does not host this topic-partition')
    fault.remove()
    await send()
    expect(await valuesOf(kafka)).toEqual(['one'])
  })

  test('for one client, by its id', async () => {
    const kafka = await start({ topics: ['orders'] })
    const [good, bad] = [
      await producerOf(kafka),
      await producerOf(kafka, { clientId: 'bad', retries: 0 }),
    ]
    kafka.faults.add({ api: 'Produce', clientId: 'bad', error: 'POLICY_VIOLATION' })
    await good.send({ topic: 'orders', messages: [{ value: 'one' }] })
    await expect(bad.send({ topic: 'orders', messages: [{ value: 'two' }] })).rejects.toThrow(
      'Request parameters do not satisfy the configured policy',
    )
  })
})

describe('time', () => {
  test('a delay keeps the client waiting, and the record arrives', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka)
    kafka.faults.add({ api: 'Produce', delayMs: 150, times: 1 })
    const begin = performance.now()
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    expect(performance.now() - begin).toBeGreaterThan(145)
    expect(await valuesOf(kafka)).toEqual(['one'])
  })

  test('a request that is never answered: kafkajs gives up after its timeout', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, { retries: 0, requestTimeout: 100 })
    kafka.faults.add({ api: 'Produce', hang: true })
    await expect(producer.send({ topic: 'orders', messages: [{ value: 'one' }] })).rejects.toThrow(
      'Request Produce(key: 0, version: 7) timed out',
    )
    expect(await valuesOf(kafka)).toEqual([])
    await kafka.stop()
  })

  test('a throttled client is told, and its next request waits', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka)
    const fault = kafka.faults.add({ api: 'Produce', throttleMs: 200, times: 1 })
    const send = (value: string) => producer.send({ topic: 'orders', messages: [{ value }] })
    const begin = performance.now()
    await send('one')
    await send('two')
    expect(performance.now() - begin).toBeGreaterThan(195)
    expect(fault.hits).toBe(1)
    expect(await valuesOf(kafka)).toEqual(['one', 'two'])
  })
})

describe('a dropped connection', () => {
  test('before the work: kafkajs connects again, the record is there once', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka)
    kafka.faults.add({ api: 'Produce', drop: 'before', times: 1 })
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    expect(await valuesOf(kafka)).toEqual(['one'])
  })

  test('after the work: the record is there twice', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka)
    kafka.faults.add({ api: 'Produce', drop: 'after', times: 1 })
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    expect(await valuesOf(kafka)).toEqual(['one', 'one'])
  })

  test('after the work of an idempotent producer: the record is there once', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, {
      producer: { idempotent: true, maxInFlightRequests: 1 },
    })
    kafka.faults.add({ api: 'Produce', drop: 'after', times: 1 })
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    expect(await valuesOf(kafka)).toEqual(['one'])
    expect(done(kafka)).toEqual(['closed the connection, the work was done'])
  })
})

describe('a damaged batch', () => {
  test('with a wrong bit: kafkajs does not look at the checksum and hands it on', async () => {
    const kafka = await start({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'abc' }])
    kafka.faults.add({ corrupt: 'bit', topic: 'orders', times: 1 })
    const { values } = await consume(kafka, 'orders')
    await expect.poll(() => values).toEqual(['abb'])
    expect(await valuesOf(kafka)).toEqual(['abc'])
    expect(done(kafka)).toEqual(['damaged (bit) the records of orders-0'])
  })

  test('of an unknown format: kafkajs fails, tries again and finds it whole', async () => {
    const kafka = await start({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'abc' }])
    kafka.faults.add({ corrupt: 'magic', times: 1 })
    const { values } = await consume(kafka, 'orders')
    await expect.poll(() => values, { timeout: 5_000 }).toEqual(['abc'])
  })

  test('cut in half: kafkajs waits for the rest', async () => {
    const kafka = await start({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'abc' }])
    kafka.faults.add({ corrupt: 'cut', times: 2 })
    const { values } = await consume(kafka, 'orders')
    await expect.poll(() => values, { timeout: 5_000 }).toEqual(['abc'])
    expect(kafka.faults.log).toHaveLength(2)
  })
})

describe('a leader', () => {
  test('that has moved: kafkajs asks for metadata and tries again', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka)
    const fault = kafka.faults.add({ leader: 'moved', topic: 'orders', times: 2 })
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    expect(fault.hits).toBe(2)
    expect(await valuesOf(kafka)).toEqual(['one'])
  })

  test('that is not there: nothing goes until it is back', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, { retries: 2 })
    const fault = kafka.faults.add({ leader: 'none', topic: 'orders', partition: 0 })
    const send = () => producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    await expect(send()).rejects.toThrow('There is no leader for this topic-partition')
    fault.remove()
    await send()
    expect(await valuesOf(kafka)).toEqual(['one'])
  })
})

describe('a coordinator', () => {
  const cases: ['moved' | 'loading' | 'unavailable', string][] = [
    ['moved', 'answered NOT_COORDINATOR'],
    ['loading', 'answered COORDINATOR_LOAD_IN_PROGRESS'],
    ['unavailable', 'answered COORDINATOR_NOT_AVAILABLE'],
  ]
  test.each(cases)('%s: kafkajs looks for it again and joins', async (coordinator, what) => {
    const kafka = await start({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'one' }])
    kafka.faults.add({ coordinator, group: 'billing', times: 2 })
    const { values } = await consume(kafka, 'orders')
    await expect.poll(() => values, { timeout: 10_000 }).toEqual(['one'])
    expect(done(kafka)).toEqual([what, what])
  })

  test('of another group is not touched', async () => {
    const kafka = await start({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'one' }])
    const fault = kafka.faults.add({ coordinator: 'moved', group: 'shipping' })
    const { values } = await consume(kafka, 'orders')
    await expect.poll(() => values).toEqual(['one'])
    expect(fault.hits).toBe(0)
  })
})

describe('groups', () => {
  test('rebalance on demand: the consumer joins again and reads on', async () => {
    const kafka = await start({ topics: ['orders'] })
    await expect(kafka.faults.rebalance('billing')).rejects.toThrow('group billing is not there')
    const { values, joins } = await consume(kafka, 'orders')
    await kafka.waitForGroup('billing')
    await kafka.faults.rebalance('billing')
    await expect.poll(() => joins.length).toBe(2)
    expect(joins[1]!.memberId).toBe(joins[0]!.memberId)
    await kafka.produce('orders', [{ value: 'one' }])
    await expect.poll(() => values).toEqual(['one'])
    expect(done(kafka)).toEqual(['group billing rebalances'])
  })

  test('lose a member on demand: the consumer comes back as another member', async () => {
    const kafka = await start({ topics: ['orders'] })
    const { joins } = await consume(kafka, 'orders')
    await kafka.waitForGroup('billing')
    await expect(kafka.faults.expireMember('billing', { clientId: 'nobody' })).rejects.toThrow(
      'group billing has no such member',
    )
    const memberId = await kafka.faults.expireMember('billing', { clientId: 'app' })
    expect(memberId).toBe(joins[0]!.memberId)
    await expect.poll(() => joins.length, { timeout: 5_000 }).toBe(2)
    expect(joins[1]!.memberId).not.toBe(memberId)
    await kafka.waitForGroup('billing', { members: 1 })
  })
})

describe('producers', () => {
  test('that are idempotent are fenced: kafkajs fails for good', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, {
      retries: 1,
      producer: { idempotent: true, maxInFlightRequests: 1 },
    })
    const send = (value: string) => producer.send({ topic: 'orders', messages: [{ value }] })
    await expect(kafka.faults.fenceProducer({ topic: 'orders' })).rejects.toThrow(
      'no such producer',
    )
    await send('one')
    const { producerEpoch } = await kafka.faults.fenceProducer({ topic: 'orders' })
    expect(producerEpoch).toBe(1)
    await expect(send('two')).rejects.toThrow('old epoch')
    expect(await valuesOf(kafka)).toEqual(['one'])
  })

  test('with a transactional id are fenced: the transaction is aborted', async () => {
    const kafka = await start({ topics: ['orders'] })
    const producer = await producerOf(kafka, {
      retries: 1,
      producer: { transactionalId: 'tx', maxInFlightRequests: 1 },
    })
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'orders', messages: [{ value: 'one' }] })
    await kafka.faults.fenceProducer({ transactionalId: 'tx' })
    await expect(transaction.commit()).rejects.toThrow(/newer producer|old epoch/)
    expect(await valuesOf(kafka)).toEqual([])
    expect(await kafka.records('orders', { isolation: 'read_uncommitted' })).toHaveLength(1)
  })
})

describe('a partition without space', () => {
  test('refuses writes, is read on, and takes writes again when there is space', async () => {
    const kafka = await start({ topics: ['orders:2'] })
    const producer = await producerOf(kafka, { retries: 1 })
    const send = (partition: number, value: string) =>
      producer.send({ topic: 'orders', messages: [{ partition, value }] })
    await send(0, 'one')
    const fault = kafka.faults.add({ outOfSpace: true, topic: 'orders', partition: 0 })
    await expect(send(0, 'two')).rejects.toThrow('Disk error when trying to access log file')
    await send(1, 'three')
    expect(fault.hits).toBeGreaterThan(0)
    expect(kafka.faults.log.at(-1)!.done).toBe('no space for a write to orders-0')
    fault.remove()
    await send(0, 'four')
    expect((await valuesOf(kafka)).toSorted()).toEqual(['four', 'one', 'three'])
  })

  test('of committed offsets: kafkajs tries until there is space again', async () => {
    const kafka = await start({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'one' }])
    const { values } = await consume(kafka, 'orders', { retries: 50 })
    await expect.poll(() => kafka.committedOffsets('billing')).toMatchObject([{ offset: 1 }])
    const fault = kafka.faults.add({ outOfSpace: true, topic: '__consumer_offsets' })
    await kafka.produce('orders', [{ value: 'two' }])
    await expect.poll(() => fault.hits).toBeGreaterThan(1)
    expect(await kafka.committedOffsets('billing')).toMatchObject([{ offset: 1 }])
    fault.remove()
    await expect.poll(() => kafka.committedOffsets('billing')).toMatchObject([{ offset: 2 }])
    // It reads again what it could not commit.
    expect(values.slice(0, 2)).toEqual(['one', 'two'])
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../src/client/cluster.ts'
import { partitionOfKey } from '../../src/client/partitioner.ts'
import { type Delivery, Producer, type ProducerOptions } from '../../src/client/producer.ts'
import { Produce } from '../../src/protocol/apis/00-produce.ts'
import { InitProducerId } from '../../src/protocol/apis/22-init-producer-id.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { BatchView } from '../../src/protocol/records/batch.ts'
import { records } from '../../src/protocol/records/iterate.ts'
import { FakeBroker } from './fake-broker.ts'

let broker: FakeBroker
let cluster: Cluster
beforeEach(async () => {
  broker = await FakeBroker.start()
  broker.withTopics({ orders: 3, one: 1 })
  broker.on(InitProducerId, () => ({
    throttleTimeMs: 0,
    errorCode: 0,
    producerId: 4000,
    producerEpoch: 2,
  }))
  cluster = new Cluster({ bootstrap: [broker.address], retryTimeoutMs: 2_000 })
})
afterEach(async () => {
  cluster.close()
  await broker.stop()
})

/** A partition's log: batches that were taken, in order. */
interface Stored {
  readonly partition: number
  readonly sequence: number
  readonly producerId: number
  readonly values: (string | undefined)[]
}
const stored: Stored[] = []

function takeAll(errors: ErrorCode[] = []) {
  stored.length = 0
  let offset = 100
  broker.on(Produce, ({ topicData }) => {
    const { index, records: bytes } = topicData[0]!.partitionData[0]!
    const batch = new BatchView(bytes!)
    const errorCode = errors.shift() ?? 0
    const values = [...records(batch)].map(({ value }) => value && Buffer.from(value).toString())
    if (errorCode === 0) {
      const { baseSequence: sequence, producerId } = batch
      stored.push({ partition: index, sequence, producerId, values: values as string[] })
    }
    const baseOffset = offset
    if (errorCode === 0) offset += values.length
    const { name, topicId } = topicData[0]!
    return {
      responses: [{ name, topicId, partitionResponses: [{ index, errorCode, baseOffset }] }],
    }
  })
}

async function produce(values: readonly string[], options: ProducerOptions = {}, topic = 'one') {
  const deliveries: Delivery[] = []
  const producer = new Producer(cluster, {
    ...options,
    onDelivery: (delivery) => deliveries.push(delivery),
  })
  for (const value of values) await producer.send({ topic, key: null, value: Buffer.from(value) })
  await producer.flush()
  return deliveries
}

describe('the producer', () => {
  it('sends what comes together in one batch and says where it went', async () => {
    takeAll()
    const deliveries = await produce(['a', 'b', 'c'])
    expect(stored.map(({ values }) => values.join(''))).toEqual(['abc'])
    expect(deliveries.map(({ baseOffset, records: all }) => [baseOffset, all.length])).toEqual([
      [100, 3],
    ])
  })

  it('puts keys where the Java client puts them', async () => {
    takeAll()
    const producer = new Producer(cluster)
    const keys = ['21', 'foobar', 'abc', 'x'].map((key) => Buffer.from(key))
    for (const key of keys) await producer.send({ topic: 'orders', key, value: key })
    await producer.flush()
    const partitions = new Map(
      stored.flatMap(({ partition, values }) => values.map((value) => [value, partition] as const)),
    )
    for (const key of keys) {
      expect(partitions.get(key.toString())).toBe(partitionOfKey(key, 3))
    }
  })

  it('numbers the batches of a partition, so that one sent twice is stored once', async () => {
    takeAll()
    await produce(['a', 'b', 'c', 'd'], { batchBytes: 40 })
    expect(stored.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3])
    expect(new Set(stored.map(({ producerId }) => producerId))).toEqual(new Set([4000]))
  })

  it('repeats a batch that was refused for the moment, with its number', async () => {
    takeAll([ErrorCode.NOT_LEADER_OR_FOLLOWER])
    await produce(['a', 'b'])
    expect(stored).toMatchObject([{ sequence: 0, values: ['a', 'b'] }])
    expect(broker.requests(Produce)).toHaveLength(2)
  })

  it('repeats a batch whose answer was lost', async () => {
    takeAll()
    const answers = ['close'] as const
    let lost = 0
    broker.on(Produce, ({ topicData }) => {
      const { index } = topicData[0]!.partitionData[0]!
      if (lost < answers.length) return answers[lost++]!
      const { name, topicId } = topicData[0]!
      const partitionResponses = [{ index, errorCode: 0, baseOffset: 7 }]
      return { responses: [{ name, topicId, partitionResponses }] }
    })
    const deliveries = await produce(['a'])
    expect(deliveries.map(({ baseOffset }) => baseOffset)).toEqual([7])
    expect(broker.requests(Produce)).toHaveLength(2)
  })

  it('halves a batch that is too large for the topic', async () => {
    takeAll([ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.NONE, ErrorCode.NONE])
    const producer = new Producer(cluster)
    await cluster.topic('one')
    for (const value of ['a', 'b', 'c']) {
      expect(producer.send({ topic: 'one', key: null, value: Buffer.from(value) })).toBeUndefined()
    }
    await producer.flush()
    expect(stored.map(({ sequence, values }) => [sequence, values.join('')])).toEqual([
      [0, 'ab'],
      [2, 'c'],
    ])
  })

  it('rejects with the name of what the broker refuses, and sends nothing after it', async () => {
    takeAll([ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.NONE])
    const failures: Error[] = []
    const producer = new Producer(cluster, { onFailure: (error) => failures.push(error) })
    await producer.send({ topic: 'one', key: null, value: Buffer.from('a') })
    await expect(producer.flush()).rejects.toMatchObject({
      errorCode: ErrorCode.MESSAGE_TOO_LARGE,
    })
    const late = producer.send({ topic: 'one', key: null, value: Buffer.from('b') })
    await expect(late).rejects.toMatchObject({ errorCode: ErrorCode.MESSAGE_TOO_LARGE })
    expect(stored).toEqual([])
    expect(failures).toHaveLength(1)
  })

  it('does without numbers with acks=1, and without answers with acks=0', async () => {
    takeAll()
    await produce(['a'], { acks: 1 })
    expect(stored).toMatchObject([{ sequence: -1, producerId: -1 }])
    broker.on(Produce, () => 'silence')
    expect(await produce(['b'], { acks: 0 })).toMatchObject([{ baseOffset: -1 }])
    expect(broker.requests(InitProducerId)).toEqual([])
  })

  it('waits for room when more is sent than may be on its way', async () => {
    takeAll()
    const producer = new Producer(cluster, { bufferBytes: 1_000 })
    await cluster.topic('one')
    const record = { topic: 'one', key: null, value: Buffer.alloc(2_000) }
    expect(producer.send(record)).toBeUndefined()
    const second = producer.send(record)
    expect(second).toBeInstanceOf(Promise)
    await second
    expect(stored).toHaveLength(1)
    await producer.flush()
    expect(stored).toHaveLength(2)
  })
})

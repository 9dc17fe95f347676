import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Produce } from '../../../src/protocol/apis/00-produce.ts'
import { Fetch } from '../../../src/protocol/apis/01-fetch.ts'
import { writeMessageSet } from '../../../src/protocol/records/legacy-writer.ts'
import type { EncodableOf } from '../../../src/protocol/schema.ts'
import { batchOf, valuesOf } from '../../storage/batches.ts'
import { startTestBroker, type TestBroker } from '../test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

type Request = EncodableOf<typeof Produce.request>

function request(
  name: string,
  partitions: Record<number, Uint8Array | null>,
  change: Partial<Request> = {},
): Request {
  return {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      {
        name,
        partitionData: Object.entries(partitions).map(([index, records]) => ({
          index: Number(index),
          records,
        })),
      },
    ],
    ...change,
  }
}

async function produceOne(
  name: string,
  records: Uint8Array | null,
  change: Partial<Request> & { version?: number; clientId?: string } = {},
) {
  const { version = 9, clientId, ...rest } = change
  const response = await broker.ask(Produce, version, request(name, { 0: records }, rest), clientId)
  return response.responses[0]!.partitionResponses[0]!
}

const batch = (...values: string[]) => batchOf({ values, timestamp: broker.clock.nowMs() })

async function readAll(topic: string, partition = 0) {
  const { responses } = await broker.ask(Fetch, 4, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
  })
  return valuesOf(responses[0]!.partitions[0]!.records!).map(({ value }) => value)
}

test('offsets follow each other, and records come back as they were sent', async () => {
  broker.createTopic('t')
  expect(await produceOne('t', batch('a', 'b'))).toMatchObject({
    errorCode: 0,
    baseOffset: 0,
    logAppendTimeMs: -1,
    logStartOffset: 0,
    errorMessage: null,
  })
  expect(await produceOne('t', batch('c'))).toMatchObject({ errorCode: 0, baseOffset: 2 })
  expect(await readAll('t')).toEqual(['a', 'b', 'c'])
})

test('all versions append; those with ids find the topic by its id', async () => {
  const { topicId } = broker.createTopic('t')
  for (let version = 3; version <= 12; version++) {
    expect(await produceOne('t', batch('x'), { version })).toMatchObject({
      baseOffset: version - 3,
    })
  }
  const byId = (id: string) => ({
    version: 13,
    topicData: [{ topicId: id, partitionData: [{ index: 0, records: batch('x') }] }],
  })
  expect(await produceOne('', null, byId(topicId))).toMatchObject({ baseOffset: 10 })
  expect(await produceOne('', null, byId('0123456789abcdef'))).toMatchObject({ errorCode: 100 })
})

test('message sets of versions 0 to 2 become batches', async () => {
  broker.createTopic('t')
  for (const [version, magic] of [
    [0, 0],
    [1, 0],
    [2, 1],
  ] as const) {
    const message = { offset: 0, timestamp: 1_700_000_000_000, key: null }
    const messages = ['x', 'y'].map((value) => ({ ...message, value: Buffer.from(value) }))
    const records = writeMessageSet(messages, { magic, compression: magic === 1 ? 'gzip' : 'none' })
    expect(await produceOne('t', records, { version })).toMatchObject({ baseOffset: 2 * version })
  }
  expect(await readAll('t')).toEqual(['x', 'y', 'x', 'y', 'x', 'y'])
})

describe('partitions fail one by one', () => {
  test('unknown topics and partitions, bad batches, good ones', async () => {
    broker.createTopic('t', 2)
    const bad = batch('bad')
    bad[40]! ^= 1
    const { responses } = await broker.ask(
      Produce,
      9,
      request('t', { 0: batch('good'), 1: bad, 2: batch('lost') }),
    )
    const codes = responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)
    expect(codes).toEqual([0, 2, 3])
    expect(await produceOne('nowhere', batch('x'))).toMatchObject({ errorCode: 3, baseOffset: -1 })
    expect(await readAll('t')).toEqual(['good'])
  })

  test.each([
    ['no records at all', null, 9, 87],
    ['an empty record set', Buffer.alloc(0), 9, 87],
    ['a batch before version 3', batchOf({ values: ['x'] }), 2, 87],
  ])('%s', async (_name, records, version, errorCode) => {
    broker.createTopic('t')
    expect(await produceOne('t', records, { version })).toMatchObject({ errorCode })
  })

  test('records without a key on a compacted topic are named', async () => {
    broker.createTopic('t', 1, { 'cleanup.policy': 'compact' })
    expect(await produceOne('t', batch('a', 'b'))).toMatchObject({
      errorCode: 87,
      logStartOffset: 0,
      recordErrors: [{ batchIndex: 0 }, { batchIndex: 1 }],
      errorMessage: expect.stringContaining('One or more records have been rejected'),
    })
  })

  test('a batch over max.message.bytes', async () => {
    broker.createTopic('t', 1, { 'max.message.bytes': '100' })
    expect(await produceOne('t', batch('x'.repeat(100)))).toMatchObject({ errorCode: 10 })
  })
})

test('LogAppendTime stamps the broker clock and tells it', async () => {
  broker.createTopic('t', 1, { 'message.timestamp.type': 'LogAppendTime' })
  const nowMs = broker.clock.nowMs()
  expect(await produceOne('t', batch('x'))).toMatchObject({ logAppendTimeMs: nowMs })
})

test('internal topics are closed to clients', async () => {
  broker.createTopic('__consumer_offsets')
  expect(await produceOne('__consumer_offsets', batch('x'))).toMatchObject({ errorCode: 17 })
  const clientId = '__admin_client'
  expect(await produceOne('__consumer_offsets', batch('x'), { clientId })).toMatchObject({
    errorCode: 0,
  })
})

describe('acks', () => {
  test('other than -1, 0 and 1 are refused, after what is wrong with the records', async () => {
    broker.createTopic('t')
    expect(await produceOne('t', batch('x'), { acks: 2 })).toMatchObject({ errorCode: 21 })
    expect(await produceOne('t', Buffer.alloc(0), { acks: 2 })).toMatchObject({ errorCode: 87 })
    expect(await produceOne('u', batch('x'), { acks: 2 })).toMatchObject({ errorCode: 3 })
  })

  test('-1 wants min.insync.replicas, but not more than there are replicas', async () => {
    const { topicId } = broker.createTopic('t', 1, { 'min.insync.replicas': '2' })
    expect(await produceOne('t', batch('x'), { acks: -1 })).toMatchObject({ errorCode: 0 })
    const value = { topicId, partitionId: 0, replicas: [1, 2], isr: [1] }
    broker.metadata.commit([{ type: 'PartitionChangeRecord', value }])
    expect(await produceOne('t', batch('x'), { acks: -1 })).toMatchObject({ errorCode: 19 })
    expect(await produceOne('t', batch('x'), { acks: 1 })).toMatchObject({ errorCode: 0 })
  })

  test('0 is silent on success and closes the connection on failure', async () => {
    broker.createTopic('t')
    expect(broker.begin(Produce, 9, request('t', { 0: batch('x') }, { acks: 0 })).state).toBe(
      'silent',
    )
    expect(broker.begin(Produce, 9, request('u', { 0: batch('x') }, { acks: 0 }))).toMatchObject({
      state: 'failed',
      failure: 'a batch was refused, which acks=0 has no other way to say',
    })
    const corrupt = Buffer.alloc(17)
    expect(broker.begin(Produce, 9, request('t', { 0: corrupt }, { acks: 0 })).state).toBe('failed')
    expect(await readAll('t')).toEqual(['x'])
  })
})

test('a partition that is listed twice gets one of its batches', async () => {
  broker.createTopic('t')
  const twice = [
    {
      name: 't',
      partitionData: [
        { index: 0, records: batch('a') },
        { index: 0, records: batch('b') },
      ],
    },
    { name: 't', partitionData: [{ index: 0, records: batch('c') }] },
  ]
  const { responses } = await broker.ask(Produce, 9, request('t', {}, { topicData: twice }))
  expect(responses.map(({ partitionResponses }) => partitionResponses.length)).toEqual([1])
  expect(await readAll('t')).toEqual(['c'])
})

describe('idempotent producers', () => {
  const from = (baseSequence: number, producerEpoch = 0) =>
    batchOf({
      values: ['x'],
      timestamp: broker.clock.nowMs(),
      producerId: 7,
      producerEpoch,
      baseSequence,
    })

  test('a batch sent again has its first offset again', async () => {
    broker.createTopic('t')
    const offsets = []
    for (const sequence of [0, 1, 0, 1]) {
      offsets.push((await produceOne('t', from(sequence))).baseOffset)
    }
    expect(offsets).toEqual([0, 1, 0, 1])
  })

  test('a gap and an old epoch are refused', async () => {
    broker.createTopic('t')
    await produceOne('t', from(0, 1))
    expect(await produceOne('t', from(5, 1))).toMatchObject({ errorCode: 45 })
    expect(await produceOne('t', from(1, 0))).toMatchObject({ errorCode: 47 })
  })
})

describe('transactional batches', () => {
  const transactional = (producerId: number) =>
    batchOf({
      values: ['x'],
      producerId,
      producerEpoch: 0,
      baseSequence: 0,
      transactional: true,
      timestamp: broker.clock.nowMs(),
    })

  test('need a transactional id in the request: the flag in the batch counts', async () => {
    broker.createTopic('t', 2)
    const { responses } = await broker.ask(
      Produce,
      9,
      request('t', { 0: transactional(1), 1: batch('x') }),
    )
    const codes = responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)
    expect(codes).toEqual([53, 53])
  })

  test('of two producers in one request fail all of it', async () => {
    broker.createTopic('t', 2)
    const both = { 0: transactional(1), 1: transactional(2) }
    const { responses } = await broker.ask(
      Produce,
      9,
      request('t', both, { transactionalId: 'me' }),
    )
    const codes = responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)
    expect(codes).toEqual([49, 49])
  })
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ZERO_UUID } from '../../../src/base/uuid.ts'
import { Produce } from '../../../src/protocol/apis/00-produce.ts'
import { Fetch } from '../../../src/protocol/apis/01-fetch.ts'
import { CreateTopics } from '../../../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../../../src/protocol/apis/20-delete-topics.ts'
import { CreatePartitions } from '../../../src/protocol/apis/37-create-partitions.ts'
import { AlterClientQuotas } from '../../../src/protocol/apis/49-alter-client-quotas.ts'
import { ErrorCode } from '../../../src/protocol/error-code.ts'
import type { TopicImage } from '../../../src/storage/metadata-store.ts'
import { batchOf } from '../../storage/batches.ts'
import { answerOf, startTestBroker, type TestBroker } from '../test-broker.ts'

let broker: TestBroker
let topic: TopicImage
beforeEach(async () => {
  broker = await startTestBroker()
  topic = broker.createTopic('orders')
})
afterEach(() => broker.close())

async function limit(key: string, value: number | null): Promise<void> {
  const entity = [{ entityType: 'client-id', entityName: 'test' }]
  const ops = [{ key, value: value ?? 0, remove: value === null }]
  const entries = [{ entity, ops }]
  const answer = await broker.ask(AlterClientQuotas, 1, { entries, validateOnly: false }, 'admin')
  expect(answer.entries[0]!.errorCode).toBe(ErrorCode.NONE)
}

function beginProduce(acks: number, clientId = 'test') {
  const records = batchOf({ values: ['x'.repeat(1000)] })
  const request = {
    transactionalId: null,
    acks,
    timeoutMs: 1000,
    topicData: [{ name: topic.name, partitionData: [{ index: 0, records }] }],
  }
  return broker.begin(Produce, 9, request, clientId)
}

function fetch(session: { id: number; epoch: number }, offset = 0) {
  const partition = { partition: 0, fetchOffset: offset, partitionMaxBytes: 1_000_000 }
  return broker.begin(Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 1_000_000,
    sessionId: session.id,
    sessionEpoch: session.epoch,
    topics: [{ topic: topic.name, partitions: [partition] }],
  })
}

describe('quotas of a broker', () => {
  test('are nothing to look at while none is set, and again when the last is gone', async () => {
    expect(broker.broker.quotas.active).toBeUndefined()
    await limit('producer_byte_rate', 10)
    expect(broker.broker.quotas.active).toBeDefined()
    await limit('producer_byte_rate', null)
    expect(broker.broker.quotas.active).toBeUndefined()
    expect(beginProduce(1).throttleTimeMs).toBe(0)
  })

  test('a producer over its rate is told to wait, and its connection waits', async () => {
    await limit('producer_byte_rate', 50)
    const exchange = beginProduce(1)
    const { throttleTimeMs, responses } = answerOf(Produce, 9, exchange)
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE)
    // Something over 1000 bytes in 10 s where 500 may be.
    expect(throttleTimeMs).toBeGreaterThan(10_000)
    expect(throttleTimeMs).toBeLessThan(15_000)
    expect(exchange.throttleTimeMs).toBe(throttleTimeMs)
    expect(beginProduce(1, 'other').throttleTimeMs).toBe(0)
  })

  test('a producer that wants no answer waits too', async () => {
    await limit('producer_byte_rate', 50)
    const exchange = beginProduce(0)
    expect(exchange.state).toBe('silent')
    expect(exchange.throttleTimeMs).toBeGreaterThan(10_000)
    exchange.sent()
  })

  test('a consumer over its rate gets nothing now, and all later in the same session', async () => {
    answerOf(Produce, 9, beginProduce(1))
    const opened = answerOf(Fetch, 12, fetch({ id: 0, epoch: 0 }, 1))
    expect(opened.throttleTimeMs).toBe(0)
    const id = opened.sessionId
    await limit('consumer_byte_rate', 120)
    const served = answerOf(Fetch, 12, fetch({ id, epoch: 1 }))
    expect(served.responses).toHaveLength(1)
    const exchange = fetch({ id, epoch: 2 })
    const waiting = answerOf(Fetch, 12, exchange)
    expect(waiting).toMatchObject({ errorCode: 0, sessionId: id, responses: [] })
    expect(waiting.throttleTimeMs).toBeGreaterThan(5_000)
    expect(exchange.throttleTimeMs).toBe(waiting.throttleTimeMs)
    broker.clock.advance(20_000)
    const later = answerOf(Fetch, 12, fetch({ id, epoch: 3 }))
    expect(later.throttleTimeMs).toBe(0)
    expect(later.responses[0]!.partitions[0]!.records!.byteLength).toBeGreaterThan(1000)
  })

  test('a consumer that is told nothing new uses next to nothing of its rate', async () => {
    const partition = (index: number) => ({
      partition: index,
      fetchOffset: 0,
      partitionMaxBytes: 1_000_000,
    })
    const many = broker.createTopic('many', 100)
    const poll = (session: { id: number; epoch: number }, indices: number[]) =>
      broker.begin(Fetch, 12, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1_000_000,
        sessionId: session.id,
        sessionEpoch: session.epoch,
        topics: [{ topic: many.name, partitions: indices.map(partition) }],
      })
    const all = Array.from({ length: 100 }, (_, index) => index)
    const { sessionId: id } = answerOf(Fetch, 12, poll({ id: 0, epoch: 0 }, all))
    await limit('consumer_byte_rate', 100)
    for (let epoch = 1; epoch <= 50; epoch++) {
      // As Kafka counts it, 16 bytes: 50 of them are within the 1000 that may be.
      expect(answerOf(Fetch, 12, poll({ id, epoch }, [])).throttleTimeMs).toBe(0)
    }
  })

  test('changes of topics beyond the rate are refused, and made for older clients', async () => {
    await limit('controller_mutation_rate', 1)
    const create = (version: number, name: string, numPartitions: number) =>
      broker.ask(CreateTopics, version, {
        topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
      })
    const first = await create(7, 'a', 20)
    expect(first).toMatchObject({ throttleTimeMs: 0, topics: [{ errorCode: 0 }] })
    const code = ErrorCode.THROTTLING_QUOTA_EXCEEDED
    const refused = await create(7, 'b', 1)
    expect(refused.throttleTimeMs).toBe(9000)
    expect(refused.topics[0]).toMatchObject({ errorCode: code, errorMessage: null })
    const deleted = await broker.ask(DeleteTopics, 6, {
      topics: [{ name: 'a', topicId: ZERO_UUID }],
      topicNames: [],
      timeoutMs: 1000,
    })
    expect(deleted).toMatchObject({ throttleTimeMs: 9000, responses: [{ errorCode: code }] })
    expect(broker.metadata.image.topicsByName.has('a')).toBe(true)
    const grown = await broker.ask(CreatePartitions, 3, {
      topics: [{ name: 'a', count: 21, assignments: null }],
      timeoutMs: 1000,
      validateOnly: false,
    })
    expect(grown).toMatchObject({ throttleTimeMs: 9000, results: [{ errorCode: code }] })
    const older = await create(5, 'c', 1)
    expect(older).toMatchObject({ throttleTimeMs: 10_000, topics: [{ errorCode: 0 }] })
  })

  test('a share of the thread that is tiny makes its client wait a window at most', async () => {
    await limit('request_percentage', 0.000001)
    const exchange = beginProduce(1)
    expect(answerOf(Produce, 9, exchange).throttleTimeMs).toBe(1000)
    expect(exchange.throttleTimeMs).toBe(1000)
  })
})

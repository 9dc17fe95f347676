import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fetch } from '../../../src/protocol/apis/01-fetch.ts'
import { batches } from '../../../src/protocol/records/batch.ts'
import type { EncodableOf } from '../../../src/protocol/schema.ts'
import type { TopicImage } from '../../../src/storage/metadata-store.ts'
import { batchOf, valuesOf } from '../../storage/batches.ts'
import { answerOf, settled, startTestBroker, type TestBroker } from '../test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

type Request = EncodableOf<typeof Fetch.request>
type Wanted = Request['topics'][number]['partitions'][number]

const wanted = (change: Partial<Wanted> = {}): Wanted => ({
  partition: 0,
  fetchOffset: 0,
  partitionMaxBytes: 1_000_000,
  ...change,
})

function request(
  topic: Pick<TopicImage, 'name' | 'topicId'>,
  partitions: Wanted[],
  change: Partial<Request> = {},
): Request {
  return {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic: topic.name, topicId: topic.topicId, partitions }],
    ...change,
  }
}

async function append(topic: TopicImage, values: string[], partition = 0) {
  const { topicId } = topic
  const batch = batchOf({ values })
  const options = { nowMs: broker.clock.nowMs() }
  await broker.broker.engine.log.append([{ topicId, partition, batch, origin: 'client' }], options)
  return batch.byteLength
}

async function fetchOne(topic: TopicImage, change: Partial<Wanted> = {}, version = 12) {
  const response = await broker.ask(Fetch, version, request(topic, [wanted(change)]))
  return response.responses[0]!.partitions[0]!
}

const NO_TOPIC = { name: 'nowhere', topicId: '0123456789abcdef' }

describe('what is there', () => {
  test('comes in all versions, by name or by id, in the format that the version knows', async () => {
    const topic = broker.createTopic('t')
    await append(topic, ['a', 'b'])
    for (let version = 0; version <= 18; version++) {
      const { records, highWatermark, errorCode } = await fetchOne(topic, {}, version)
      expect({ version, errorCode, highWatermark }).toEqual({
        version,
        errorCode: 0,
        highWatermark: 2,
      })
      const formats = [...batches(records!)].map(({ magic }) => magic)
      expect(formats).toEqual(version < 2 ? [0, 0] : version < 4 ? [1, 1] : [2])
    }
  })

  test('tells watermarks and the log start; the isolation level decides on aborted transactions', async () => {
    const topic = broker.createTopic('t')
    await append(topic, ['a'])
    expect(await fetchOne(topic)).toMatchObject({
      highWatermark: 1,
      lastStableOffset: 1,
      logStartOffset: 0,
      abortedTransactions: null,
      preferredReadReplica: -1,
    })
    const { responses } = await broker.ask(
      Fetch,
      12,
      request(topic, [wanted()], { isolationLevel: 1 }),
    )
    expect(responses[0]!.partitions[0]!.abortedTransactions).toEqual([])
  })

  test('the first batch comes whole over all limits, the next partitions keep to what is left', async () => {
    const topic = broker.createTopic('t', 3)
    const sizes = []
    for (const partition of [0, 1, 2]) {
      sizes.push(await append(topic, ['x'.repeat(1000)], partition))
    }
    const all = [0, 1, 2].map((partition) => wanted({ partition, partitionMaxBytes: 10 }))
    const { responses } = await broker.ask(Fetch, 12, request(topic, all, { maxBytes: 10 }))
    expect(responses[0]!.partitions.map(({ records }) => records!.byteLength)).toEqual([
      sizes[0],
      0,
      0,
    ])
  })

  test('buffers go back when the response is sent, and only then', async () => {
    const topic = broker.createTopic('t')
    await append(topic, ['x'.repeat(20_000)])
    const exchange = broker.begin(Fetch, 12, request(topic, [wanted()]))
    const first = answerOf(Fetch, 12, exchange)
    expect(valuesOf(first.responses[0]!.partitions[0]!.records!)[0]!.value).toBe('x'.repeat(20_000))
  })
})

test('while clients hold a lot of unsent records, fetches get small and go on', async () => {
  const topic = broker.createTopic('t', 4)
  for (const partition of [0, 1, 2, 3]) await append(topic, ['x'.repeat(60_000)], partition)
  const all = [0, 1, 2, 3].map((partition) => wanted({ partition }))
  const ask = async () => {
    const { responses } = await broker.ask(Fetch, 12, request(topic, all))
    return responses[0]!.partitions.filter(({ records }) => records!.byteLength > 0).length
  }
  expect(await ask()).toBe(4)
  const letGo = broker.broker.fetches.hold(256 * 1024 * 1024)
  expect(await ask()).toBe(1)
  letGo()
  expect(await ask()).toBe(4)
})

describe('errors', () => {
  test('unknown names, ids and partitions', async () => {
    const topic = broker.createTopic('t')
    const ask = async (version: number, where: typeof NO_TOPIC, partition: number) => {
      const { responses } = await broker.ask(
        Fetch,
        version,
        request(where, [wanted({ partition })]),
      )
      const { errorCode, highWatermark, records } = responses[0]!.partitions[0]!
      return [errorCode, highWatermark, records!.byteLength]
    }
    expect(await ask(12, NO_TOPIC, 0)).toEqual([3, -1, 0])
    expect(await ask(13, NO_TOPIC, 0)).toEqual([100, -1, 0])
    expect(await ask(13, topic, 1)).toEqual([3, -1, 0])
  })

  test.each([
    ['an offset beyond the end', { fetchOffset: 2 }, 1],
    ['a negative offset', { fetchOffset: -1 }, 1],
    ['an old leader epoch', { currentLeaderEpoch: -2 }, 0],
    ['a leader epoch to come', { currentLeaderEpoch: 1 }, 75],
    ['a negative size', { partitionMaxBytes: -1 }, -1],
    ['a last epoch above those of the log', { lastFetchedEpoch: 5 }, 1],
  ])('%s', async (_name, change, errorCode) => {
    const topic = broker.createTopic('t')
    await append(topic, ['a'])
    expect(await fetchOne(topic, change)).toMatchObject({ errorCode })
  })

  test('an offset above the end of its last epoch has diverged', async () => {
    const topic = broker.createTopic('t')
    await append(topic, ['a'])
    expect(await fetchOne(topic, { lastFetchedEpoch: 0, fetchOffset: 9 })).toMatchObject({
      errorCode: 0,
      divergingEpoch: { epoch: 0, endOffset: 1 },
    })
  })

  test('replicas are not served, debugging consumers are', async () => {
    const topic = broker.createTopic('t')
    const code = async (replicaId: number) => {
      const { responses } = await broker.ask(Fetch, 12, request(topic, [wanted()], { replicaId }))
      return responses[0]!.partitions[0]!.errorCode
    }
    expect([await code(1), await code(7), await code(-2)]).toEqual([6, 6, 0])
  })

  test('an unknown isolation level fails the request, up to version 12 at every partition', async () => {
    const topic = broker.createTopic('t')
    const change = { isolationLevel: 2, sessionId: 0 }
    const old = await broker.ask(Fetch, 12, request(topic, [wanted()], change))
    expect(old.errorCode).toBe(-1)
    expect(old.responses[0]!.partitions[0]!.errorCode).toBe(-1)
    const now = await broker.ask(Fetch, 13, request(topic, [wanted()], change))
    expect(now).toMatchObject({ errorCode: -1, responses: [] })
  })
})

describe('a long poll', () => {
  const poll = (topic: TopicImage, change: Partial<Request> = {}) =>
    broker.begin(Fetch, 12, request(topic, [wanted()], { maxWaitMs: 500, ...change }))

  function values(exchange: ReturnType<typeof poll>): string[] {
    const { responses } = answerOf(Fetch, 12, exchange)
    return responses.flatMap(({ partitions }) =>
      partitions.flatMap(({ records }) => valuesOf(records!).map(({ value }) => value)),
    )
  }

  test('is answered by an append', async () => {
    const topic = broker.createTopic('t')
    const exchange = poll(topic)
    expect(exchange.state).toBe('pending')
    await append(topic, ['fresh'])
    await settled(exchange)
    expect(values(exchange)).toEqual(['fresh'])
    expect(broker.broker.timers.size).toBe(0)
  })

  test('waits until there are minBytes', async () => {
    const topic = broker.createTopic('t')
    const size = await append(topic, ['one'])
    const exchange = poll(topic, { minBytes: 2 * size })
    await append(topic, ['two'])
    await settled(exchange)
    expect(values(exchange)).toEqual(['one', 'two'])
  })

  test('ends at maxWaitMs with what there is', async () => {
    const topic = broker.createTopic('t')
    await append(topic, ['few'])
    const exchange = poll(topic, { minBytes: 1_000_000 })
    broker.clock.advance(499)
    expect(broker.broker.fetches.size).toBe(1)
    broker.clock.advance(1)
    await settled(exchange)
    expect(values(exchange)).toEqual(['few'])
  })

  test('does not wait when a partition has an error', async () => {
    const topic = broker.createTopic('t')
    const partitions = [wanted(), wanted({ partition: 5 })]
    const exchange = broker.begin(Fetch, 12, request(topic, partitions, { maxWaitMs: 500 }))
    expect(exchange.state).toBe('ready')
  })

  test('of a topic that is deleted ends with UNKNOWN_TOPIC_OR_PARTITION, by id too', async () => {
    const topic = broker.createTopic('t')
    const exchange = broker.begin(Fetch, 13, request(topic, [wanted()], { maxWaitMs: 500 }))
    broker.metadata.deleteTopic(topic.topicId)
    await settled(exchange)
    expect(answerOf(Fetch, 13, exchange).responses[0]!.partitions[0]!.errorCode).toBe(3)
  })

  test('of a client that left holds nothing', async () => {
    const topic = broker.createTopic('t')
    const exchange = poll(topic)
    broker.peer.close()
    exchange.sent()
    await settled(exchange)
    expect(broker.broker.fetches.size).toBe(0)
    expect(broker.broker.timers.size).toBe(0)
  })

  test('ends when the broker stops', async () => {
    const topic = broker.createTopic('t')
    const exchange = poll(topic)
    broker.broker.fetches.stop()
    await settled(exchange)
    expect(values(exchange)).toEqual([])
  })
})

describe('sessions on the wire', () => {
  test('tell news only, from whatever connection', async () => {
    const topic = broker.createTopic('t', 2)
    const both = [wanted(), wanted({ partition: 1 })]
    const open = await broker.ask(Fetch, 12, request(topic, both, { sessionEpoch: 0 }))
    expect(open.sessionId).toBeGreaterThan(0)
    expect(open.responses[0]!.partitions).toHaveLength(2)
    const { sessionId } = open
    await append(topic, ['a'], 1)
    const next = await broker.ask(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [],
      sessionId,
      sessionEpoch: 1,
    })
    expect(next.sessionId).toBe(sessionId)
    expect(next.responses[0]!.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([1])
  })

  test('that are gone are a top-level error', async () => {
    const gone = { maxWaitMs: 0, minBytes: 1, topics: [], sessionId: 5, sessionEpoch: 5 }
    expect(await broker.ask(Fetch, 12, gone)).toMatchObject({ errorCode: 70, responses: [] })
  })
})

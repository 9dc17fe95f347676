import { afterEach, describe, expect, test } from 'vitest'
import { randomUuid, ZERO_UUID } from '../../../src/base/uuid.ts'
import { CreateTopics } from '../../../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../../../src/protocol/apis/20-delete-topics.ts'
import { CreatePartitions } from '../../../src/protocol/apis/37-create-partitions.ts'
import { DescribeTopicPartitions } from '../../../src/protocol/apis/75-describe-topic-partitions.ts'
import { ConfigResourceType } from '../../../src/storage/metadata-store.ts'
import { startTestBroker, type TestBroker } from '../test-broker.ts'

/** Codes and messages are those of Apache Kafka 4.3.1, asked on the wire. */

interface Topic {
  readonly name: string
  readonly numPartitions?: number
  readonly replicationFactor?: number
  readonly assignments?: readonly (readonly [partition: number, brokers: readonly number[]])[]
  readonly configs?: Readonly<Record<string, string | null>>
}

let broker: TestBroker
afterEach(() => broker.close())

async function start(settings: Record<string, string> = {}): Promise<void> {
  broker = await startTestBroker({ settings })
}

async function create(topics: readonly Topic[], { validateOnly = false, version = 7 } = {}) {
  const { topics: results } = await broker.ask(CreateTopics, version, {
    topics: topics.map(({ name, assignments = [], configs = {}, ...counts }) => ({
      name,
      numPartitions: counts.numPartitions ?? (assignments.length > 0 ? -1 : 1),
      replicationFactor: counts.replicationFactor ?? (assignments.length > 0 ? -1 : 1),
      assignments: assignments.map(([partitionIndex, brokerIds]) => ({
        partitionIndex,
        brokerIds,
      })),
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    validateOnly,
  })
  return results
}

/** What creating one topic is answered with. */
async function refusal(topic: Partial<Topic>): Promise<[number, string | null]> {
  const [result] = await create([{ name: 'orders', ...topic }])
  return [result!.errorCode, result!.errorMessage]
}

describe('CreateTopics', () => {
  test('creates what is asked, with its configs, and tells the effective ones by name', async () => {
    await start()
    const [result] = await create([
      { name: 'orders', numPartitions: 3, configs: { 'retention.ms': ' 7 ', preallocate: 'TRUE' } },
    ])
    expect(result).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      numPartitions: 3,
      replicationFactor: 1,
    })
    const { image } = broker.metadata
    const topic = image.topicsByName.get('orders')!
    expect(topic.topicId).toBe(result!.topicId)
    expect(topic.partitions).toHaveLength(3)
    expect(topic.partitions[2]).toMatchObject({
      replicas: [1],
      isr: [1],
      leader: 1,
      leaderEpoch: 0,
    })
    expect(image.configs(ConfigResourceType.TOPIC, 'orders').get('retention.ms')).toBe(' 7 ')
    const configs = result!.configs!
    expect(configs.map(({ name }) => name)).toEqual(configs.map(({ name }) => name).sort())
    expect(configs).toHaveLength(33)
    expect(configs).toContainEqual({
      name: 'retention.ms',
      value: ' 7 ',
      readOnly: false,
      configSource: 1,
      isSensitive: false,
    })
    expect(configs).toContainEqual({
      name: 'segment.ms',
      value: '604800000',
      readOnly: false,
      configSource: 5,
      isSensitive: false,
    })
  })

  test('-1 takes the defaults of the broker', async () => {
    await start({ 'num.partitions': '4' })
    const [result] = await create([{ name: 'a', numPartitions: -1, replicationFactor: -1 }])
    expect(result).toMatchObject({ numPartitions: 4, replicationFactor: 1 })
  })

  test('a setting of the file shows in what a topic falls back to', async () => {
    await start({ 'log.retention.hours': '100' })
    const [result] = await create([{ name: 'a' }])
    expect(result!.configs!.find(({ name }) => name === 'retention.ms')).toMatchObject({
      value: '360000000',
      configSource: 4,
    })
  })

  test('validating only checks the same and stores nothing', async () => {
    await start()
    const [good, bad] = await create([{ name: 'a' }, { name: 'b', numPartitions: 0 }], {
      validateOnly: true,
    })
    expect([good!.errorCode, bad!.errorCode]).toEqual([0, 37])
    expect(good!.topicId).not.toBe(ZERO_UUID)
    expect(broker.metadata.image.topicsByName.size).toBe(0)
  })

  test('names twice and reserved names are refused, and the others created', async () => {
    await start()
    const results = await create([
      { name: 'twice' },
      { name: '__cluster_metadata' },
      { name: 'twice' },
      { name: 'once' },
    ])
    expect(
      results.map(({ name, errorCode, errorMessage }) => [name, errorCode, errorMessage]),
    ).toEqual([
      ['once', 0, null],
      ['twice', 42, 'Duplicate topic name.'],
      ['__cluster_metadata', 42, 'Creation of internal topic __cluster_metadata is prohibited.'],
    ])
    expect([...broker.metadata.image.topicsByName.keys()]).toEqual(['once'])
  })

  const LONG = 'a'.repeat(250)
  test.each([
    ['', 'Topic name is invalid: the empty string is not allowed'],
    ['.', "Topic name is invalid: '.' is not allowed"],
    ['..', "Topic name is invalid: '..' is not allowed"],
    [
      'a b',
      "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
    [
      LONG,
      `Topic name is invalid: the length of '${LONG}' is longer than the max allowed length 249`,
    ],
  ])('the name %j is refused', async (name, message) => {
    await start()
    expect(await refusal({ name })).toEqual([17, message])
  })

  test('a name of 249 characters is fine', async () => {
    await start()
    expect(await refusal({ name: 'a'.repeat(249) })).toEqual([0, null])
  })

  test('names that differ in points and underscores only collide; existing ones come first', async () => {
    await start()
    await create([{ name: 'a.b_c' }])
    expect(await refusal({ name: 'a_b.c' })).toEqual([
      17,
      "Topic 'a_b.c' collides with existing topic: a.b_c",
    ])
    expect(await refusal({ name: 'a.b_c', numPartitions: 0 })).toEqual([
      36,
      "Topic 'a.b_c' already exists.",
    ])
    expect(await refusal({ name: 'a-b-c' })).toEqual([0, null])
  })

  const PARTITIONS = 'Number of partitions was set to an invalid non-positive value.'
  const FACTOR = 'Replication factor must be larger than 0, or -1 to use the default value.'
  test.each<[Partial<Topic>, number, string]>([
    [{ numPartitions: 0 }, 37, PARTITIONS],
    [{ numPartitions: -2 }, 37, PARTITIONS],
    [{ replicationFactor: 0 }, 38, FACTOR],
    [{ replicationFactor: -2 }, 38, FACTOR],
    [{ numPartitions: 0, replicationFactor: 0 }, 38, FACTOR],
    [{ numPartitions: 0, replicationFactor: 3 }, 37, PARTITIONS],
    [
      { replicationFactor: 3 },
      38,
      'Unable to replicate the partition 3 time(s): The target replication factor of 3 cannot be ' +
        'reached because only 1 broker(s) are registered or some brokers have all their log ' +
        'directories cordoned.',
    ],
  ])('counts %j are refused', async (topic, code, message) => {
    await start()
    expect(await refusal(topic)).toEqual([code, message])
  })

  test.each<[Partial<Topic>, number, string]>([
    [
      { assignments: [[0, [1]]], numPartitions: 1 },
      42,
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    ],
    [
      { assignments: [[0, [1]]], replicationFactor: 1 },
      42,
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    ],
    [
      { assignments: [[1, [1]]] },
      39,
      'partitions should be a consecutive 0-based integer sequence',
    ],
    [
      {
        assignments: [
          [0, [1]],
          [0, [1]],
        ],
      },
      39,
      'Found multiple manual partition assignments for partition 0',
    ],
    [
      { assignments: [[0, []]] },
      39,
      'The manual partition assignment includes an empty replica list.',
    ],
    [
      { assignments: [[0, [2]]] },
      39,
      'The manual partition assignment includes broker 2, but no such broker is registered.',
    ],
    [
      { assignments: [[0, [1, 1]]] },
      39,
      'The manual partition assignment includes the broker 1 more than once.',
    ],
  ])('the assignment %j is refused', async (topic, code, message) => {
    await start()
    expect(await refusal(topic)).toEqual([code, message])
  })

  test('a good assignment is taken as it is', async () => {
    await start()
    const [result] = await create([
      {
        name: 'a',
        assignments: [
          [1, [1]],
          [0, [1]],
        ],
      },
    ])
    expect(result).toMatchObject({ errorCode: 0, numPartitions: 2, replicationFactor: 1 })
  })

  test.each<[Record<string, string | null>, string]>([
    [{ foo: '1' }, 'Unknown topic config name: foo'],
    [{ '': '1' }, 'Unknown topic config name: '],
    [
      { 'retention.ms': 'x' },
      'Invalid value x for configuration retention.ms: Not a number of type LONG',
    ],
    [
      { 'retention.ms': null, foo: null },
      'Null value not supported for topic configs: retention.ms,foo',
    ],
    [
      { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' },
      'conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)',
    ],
    [
      { 'remote.storage.enable': 'true' },
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    ],
    [
      { 'segment.bytes': '14' },
      'Invalid value 14 for configuration segment.bytes: Value must be at least 1048576',
    ],
  ])('the configs %j are refused', async (configs, message) => {
    await start()
    expect(await refusal({ configs })).toEqual([40, message])
  })

  test('more than 10,000 partitions in a request refuse all of it, existing topics too', async () => {
    await start()
    await create([{ name: 'a' }])
    const results = await create([
      { name: 'b', numPartitions: 9_999 },
      { name: 'c', numPartitions: 2 },
      { name: 'a' },
    ])
    for (const { errorCode, errorMessage } of results) {
      expect([errorCode, errorMessage]).toEqual([
        44,
        'Excessively large number of partitions per request.',
      ])
    }
  })

  test('the limits of one broker hold', async () => {
    await start({ 'dohle.topics.max': '2', 'dohle.partitions.max': '5' })
    const results = await create([
      { name: 'a', numPartitions: 6 },
      { name: 'b', numPartitions: 5 },
      { name: 'c' },
    ])
    expect(results.map(({ errorCode }) => errorCode)).toEqual([44, 0, 44])
  })

  test('versions before 5 have no configs, and the answer is the same', async () => {
    await start()
    const [result] = await create([{ name: 'a' }], { version: 4 })
    expect(result).toMatchObject({ name: 'a', errorCode: 0, errorMessage: null })
  })
})

describe('automatic creation', () => {
  test('internal topics get their own counts and configs', async () => {
    await start({
      'offsets.topic.num.partitions': '5',
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
    })
    await broker.broker.topics.autoCreate('__consumer_offsets')
    await broker.broker.topics.autoCreate('__transaction_state')
    const { image } = broker.metadata
    expect(image.topicsByName.get('__consumer_offsets')!.partitions).toHaveLength(5)
    expect(
      Object.fromEntries(image.configs(ConfigResourceType.TOPIC, '__transaction_state')),
    ).toEqual({
      'cleanup.policy': 'compact',
      'compression.type': 'uncompressed',
      'min.insync.replicas': '1',
      'segment.bytes': '104857600',
      'unclean.leader.election.enable': 'false',
    })
  })

  test('with Kafka’s replication factor of 3 one broker cannot hold them', async () => {
    await start()
    expect(await broker.broker.topics.autoCreate('__consumer_offsets')).toBe(38)
  })
})

describe('DeleteTopics', () => {
  async function remove(
    topics: readonly { name?: string | null; topicId?: string }[],
    version = 6,
  ): Promise<unknown[]> {
    const { responses } = await broker.ask(DeleteTopics, version, {
      topics: topics.map(({ name = null, topicId = ZERO_UUID }) => ({ name, topicId })),
      topicNames: version < 6 ? topics.map(({ name }) => name ?? '') : [],
      timeoutMs: 1000,
    })
    return responses.map(({ name, errorCode, errorMessage }) => [name, errorCode, errorMessage])
  }

  test('by name and by id, with the configs', async () => {
    await start()
    await create([{ name: 'a', configs: { 'retention.ms': '5' } }, { name: 'b' }, { name: 'c' }])
    const { image } = broker.metadata
    const { topicId } = image.topicsByName.get('b')!
    expect(await remove([{ name: 'a' }, { topicId }])).toEqual([
      ['b', 0, null],
      ['a', 0, null],
    ])
    expect([...image.topicsByName.keys()]).toEqual(['c'])
    expect(image.configuredNames(ConfigResourceType.TOPIC)).toEqual([])
    await create([{ name: 'b' }])
    expect(image.topicsByName.get('b')!.topicId).not.toBe(topicId)
  })

  test('unknown, doubled and contradictory entries get their errors, the others go', async () => {
    await start()
    await create([{ name: 'a' }, { name: 'b' }])
    const { topicId } = broker.metadata.image.topicsByName.get('b')!
    const results = await remove([
      { name: 'nope' },
      { topicId: randomUuid() },
      {},
      { name: 'x', topicId },
      { name: 'twice' },
      { name: 'twice' },
      { name: 'a' },
    ])
    expect(results).toEqual([
      [null, 42, 'Neither topic name nor id were specified.'],
      ['x', 42, 'You may not specify both topic name and topic id.'],
      ['twice', 42, 'Duplicate topic name.'],
      [null, 100, 'This server does not host this topic ID.'],
      ['nope', 3, 'This server does not host this topic-partition.'],
      ['a', 0, null],
    ])
  })

  test('a topic given by name and by id is answered once, and stays', async () => {
    await start()
    await create([{ name: 'a' }])
    const { topicId } = broker.metadata.image.topicsByName.get('a')!
    expect(await remove([{ name: 'a' }, { topicId }])).toEqual([
      ['a', 42, 'The provided topic name maps to an ID that was already supplied.'],
    ])
    expect(broker.metadata.image.topicsByName.has('a')).toBe(true)
  })

  test.each([
    [1, 42],
    [2, 42],
    [3, 73],
    [6, 73],
  ])('may be turned off: version %i answers %i', async (version, code) => {
    await start({ 'delete.topic.enable': 'false' })
    await create([{ name: 'a' }])
    expect(await remove([{ name: 'a' }], version)).toEqual([['a', code, null]])
    expect(broker.metadata.image.topicsByName.has('a')).toBe(true)
  })
})

describe('CreatePartitions', () => {
  async function grow(
    topics: readonly { name: string; count: number; brokers?: readonly (readonly number[])[] }[],
    validateOnly = false,
  ): Promise<unknown[]> {
    const { results } = await broker.ask(CreatePartitions, 3, {
      topics: topics.map(({ name, count, brokers }) => ({
        name,
        count,
        assignments: brokers ? brokers.map((brokerIds) => ({ brokerIds })) : null,
      })),
      timeoutMs: 1000,
      validateOnly,
    })
    return results.map(({ name, errorCode, errorMessage }) => [name, errorCode, errorMessage])
  }

  test('adds partitions behind those that are there', async () => {
    await start()
    await create([{ name: 'a' }])
    expect(await grow([{ name: 'a', count: 3 }], true)).toEqual([['a', 0, null]])
    const partitions = () => broker.metadata.image.topicsByName.get('a')!.partitions
    expect(partitions()).toHaveLength(1)
    expect(await grow([{ name: 'a', count: 3 }])).toEqual([['a', 0, null]])
    expect(partitions().map(({ partition, leader }) => [partition, leader])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ])
  })

  test.each<[number, (readonly number[])[] | undefined, number, string | null]>([
    [2, undefined, 37, 'Topic already has 2 partition(s).'],
    [1, undefined, 37, 'The topic a currently has 2 partition(s); 1 would not be an increase.'],
    [-1, undefined, 37, 'The topic a currently has 2 partition(s); -1 would not be an increase.'],
    [
      4,
      [[1]],
      39,
      'Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.',
    ],
    [
      3,
      [[2]],
      39,
      'The manual partition assignment includes broker 2, but no such broker is registered.',
    ],
    [3, [[]], 39, 'The manual partition assignment includes an empty replica list.'],
    [3, [[1, 1]], 39, 'The manual partition assignment includes the broker 1 more than once.'],
    [20_000, undefined, 44, 'Excessively large number of partitions per request.'],
    [3, [[1]], 0, null],
  ])('to %i with %j', async (count, brokers, code, message) => {
    await start()
    await create([{ name: 'a', numPartitions: 2 }])
    expect(await grow([{ name: 'a', count, ...(brokers && { brokers }) }])).toEqual([
      ['a', code, message],
    ])
  })

  test('unknown and doubled topics', async () => {
    await start()
    expect(
      await grow([
        { name: 'nope', count: 2 },
        { name: 'b', count: 2 },
        { name: 'b', count: 3 },
      ]),
    ).toEqual([
      ['b', 42, 'Duplicate topic name.'],
      ['nope', 3, null],
    ])
  })
})

describe('DescribeTopicPartitions', () => {
  type Cursor = { topicName: string; partitionIndex: number }

  async function page(names: readonly string[], limit: number, cursor: Cursor | null = null) {
    const { topics, nextCursor } = await broker.ask(DescribeTopicPartitions, 0, {
      topics: names.map((name) => ({ name })),
      responsePartitionLimit: limit,
      cursor,
    })
    const found = topics.map(({ name, errorCode, partitions }) => [
      name,
      errorCode,
      partitions.map(({ partitionIndex }) => partitionIndex),
    ])
    return { found, nextCursor }
  }

  async function someTopics(): Promise<void> {
    await start()
    await create([
      { name: 'b', numPartitions: 2 },
      { name: 'a', numPartitions: 3 },
      { name: 'c', numPartitions: 1 },
    ])
  }

  test('goes through the topics by name, page by page', async () => {
    await someTopics()
    expect(await page(['c', 'a', 'b', 'b'], 2)).toEqual({
      found: [['a', 0, [0, 1]]],
      nextCursor: { topicName: 'a', partitionIndex: 2 },
    })
    expect(await page(['c', 'a', 'b'], 3, { topicName: 'a', partitionIndex: 2 })).toEqual({
      found: [
        ['a', 0, [2]],
        ['b', 0, [0, 1]],
      ],
      nextCursor: { topicName: 'c', partitionIndex: 0 },
    })
    expect(await page(['c', 'a', 'b'], 3, { topicName: 'c', partitionIndex: 0 })).toEqual({
      found: [['c', 0, [0]]],
      nextCursor: null,
    })
  })

  test('no names mean all topics, and a limit below 1 means 1', async () => {
    await someTopics()
    expect(await page([], 0)).toEqual({
      found: [['a', 0, [0]]],
      nextCursor: { topicName: 'a', partitionIndex: 1 },
    })
  })

  test('unknown and illegal names have their errors', async () => {
    await someTopics()
    expect((await page(['nope', 'a b'], 9)).found).toEqual([
      ['a b', 17, []],
      ['nope', 3, []],
    ])
  })

  test('a cursor outside of the list refuses all; one beyond the end shows nothing', async () => {
    await someTopics()
    for (const cursor of [
      { topicName: 'c', partitionIndex: 0 },
      { topicName: 'a', partitionIndex: -1 },
    ]) {
      expect((await page(['b', 'a'], 9, cursor)).found).toEqual([
        ['b', 42, []],
        ['a', 42, []],
      ])
    }
    expect(await page(['a'], 9, { topicName: 'a', partitionIndex: 7 })).toEqual({
      found: [['a', 0, []]],
      nextCursor: null,
    })
  })
})

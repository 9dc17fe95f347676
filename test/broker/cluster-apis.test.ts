import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AlterReplicaLogDirs } from '../../src/protocol/apis/34-alter-replica-log-dirs.ts'
import { DescribeLogDirs } from '../../src/protocol/apis/35-describe-log-dirs.ts'
import { ElectLeaders } from '../../src/protocol/apis/43-elect-leaders.ts'
import { AlterPartitionReassignments } from '../../src/protocol/apis/45-alter-partition-reassignments.ts'
import { ListPartitionReassignments } from '../../src/protocol/apis/46-list-partition-reassignments.ts'
import { DescribeQuorum } from '../../src/protocol/apis/55-describe-quorum.ts'
import { UpdateFeatures } from '../../src/protocol/apis/57-update-features.ts'
import { UnregisterBroker } from '../../src/protocol/apis/64-unregister-broker.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'

/** Codes and messages are those of Apache Kafka 4.3.1 on one node, asked on the wire. */

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
  broker.createTopic('orders', 3)
})
afterEach(() => broker.close())

describe('DescribeLogDirs', () => {
  test('tells the sizes of what is asked for and is there', async () => {
    const { errorCode, results } = await broker.ask(DescribeLogDirs, 4, {
      topics: [
        { topic: 'orders', partitions: [0, 7] },
        { topic: 'nope', partitions: [0] },
      ],
    })
    expect(errorCode).toBe(0)
    expect(results).toMatchObject([
      {
        errorCode: 0,
        logDir: '/data',
        topics: [
          {
            name: 'orders',
            partitions: [{ partitionIndex: 0, partitionSize: 0, offsetLag: 0, isFutureKey: false }],
          },
        ],
      },
    ])
  })

  test('null means all topics, none means none', async () => {
    const all = await broker.ask(DescribeLogDirs, 5, { topics: null })
    expect(all.results[0]!.topics[0]!.partitions).toHaveLength(3)
    const none = await broker.ask(DescribeLogDirs, 1, { topics: [] })
    expect(none.results[0]!.topics).toEqual([])
  })
})

test('a replica is where it is asked to be, or cannot go there', async () => {
  const { results } = await broker.ask(AlterReplicaLogDirs, 2, {
    dirs: [
      { path: '/data', topics: [{ name: 'orders', partitions: [0, 9] }] },
      { path: '/elsewhere', topics: [{ name: 'orders', partitions: [1, 9] }] },
    ],
  })
  expect(results).toEqual([
    {
      topicName: 'orders',
      partitions: [
        { partitionIndex: 0, errorCode: 0 },
        { partitionIndex: 9, errorCode: 57 },
        { partitionIndex: 1, errorCode: 57 },
      ],
    },
  ])
})

describe('ElectLeaders', () => {
  test.each([0, 1])('type %i: nothing to elect, unknown partitions are named', async (type) => {
    const { errorCode, replicaElectionResults } = await broker.ask(ElectLeaders, 2, {
      electionType: type,
      topicPartitions: [
        { topic: 'orders', partitions: [0, 9] },
        { topic: 'nope', partitions: [0] },
      ],
    })
    expect(errorCode).toBe(0)
    const results = replicaElectionResults.flatMap(({ partitionResult }) =>
      partitionResult.map((one) => [one.errorCode, one.errorMessage]),
    )
    expect(results).toEqual([
      [84, 'Leader election not needed for topic partition.'],
      [3, 'No such partition as orders-9'],
      [3, 'No such topic as nope'],
    ])
  })

  test('for all, topics come without results', async () => {
    const { replicaElectionResults } = await broker.ask(ElectLeaders, 2, {
      electionType: 0,
      topicPartitions: null,
    })
    expect(replicaElectionResults).toEqual([{ topic: 'orders', partitionResult: [] }])
  })

  test('an unknown type is refused', async () => {
    const { errorCode, replicaElectionResults } = await broker.ask(ElectLeaders, 2, {
      electionType: 5,
      topicPartitions: [{ topic: 'orders', partitions: [0] }],
    })
    expect(errorCode).toBe(42)
    expect(replicaElectionResults[0]!.partitionResult[0]).toMatchObject({
      errorCode: 42,
      errorMessage: 'Unknown election type 5',
    })
  })

  test('a request for nothing is not looked at, whatever its type', async () => {
    const request = { electionType: 5, topicPartitions: [] }
    expect(await broker.ask(ElectLeaders, 2, request)).toMatchObject({ errorCode: 0 })
  })
})

describe('reassignments', () => {
  test('to where the replica is, nothing changes; the rest is refused', async () => {
    const { errorCode, responses } = await broker.ask(AlterPartitionReassignments, 1, {
      topics: [
        {
          name: 'orders',
          partitions: [
            { partitionIndex: 0, replicas: [1] },
            { partitionIndex: 1, replicas: [2] },
            { partitionIndex: 2, replicas: null },
            { partitionIndex: 9, replicas: [1] },
          ],
        },
        { name: 'nope', partitions: [{ partitionIndex: 0, replicas: [1] }] },
      ],
    })
    expect(errorCode).toBe(0)
    const results = responses.flatMap(({ partitions }) =>
      partitions.map((one) => [one.errorCode, one.errorMessage]),
    )
    expect(results).toEqual([
      [0, null],
      [39, 'The manual partition assignment includes broker 2, but no such broker is registered.'],
      [85, null],
      [3, 'Unable to find partition orders:9.'],
      [3, 'Unable to find a topic named nope.'],
    ])
    const [partition] = broker.metadata.image.topicsByName.get('orders')!.partitions
    expect(partition).toMatchObject({ replicas: [1], partitionEpoch: 0 })
  })

  test('a request for nothing is answered without what it says of factors', async () => {
    const request = { allowReplicationFactorChange: false, topics: [] }
    expect(await broker.ask(AlterPartitionReassignments, 1, request)).toMatchObject({
      allowReplicationFactorChange: true,
      errorMessage: '',
    })
    const topics = [{ name: 'orders', partitions: [] }]
    expect(await broker.ask(AlterPartitionReassignments, 1, { ...request, topics })).toMatchObject({
      allowReplicationFactorChange: false,
      errorMessage: null,
    })
  })

  test('none is ever in progress', async () => {
    const { errorCode, topics } = await broker.ask(ListPartitionReassignments, 0, { topics: null })
    expect([errorCode, topics]).toEqual([0, []])
  })
})

describe('DescribeQuorum', () => {
  const ask = (topicName: string, partitionIndex: number) =>
    broker.ask(DescribeQuorum, 2, { topics: [{ topicName, partitions: [{ partitionIndex }] }] })

  test('shows this node as the only voter, caught up', async () => {
    const { image } = broker.metadata
    image.quorum = {
      leaderId: 1,
      leaderEpoch: 4,
      voters: [
        {
          voterId: 1,
          directoryId: 'd'.repeat(16),
          listeners: [{ name: 'CONTROLLER', host: 'h', port: 9093 }],
        },
      ],
    }
    const { topics, nodes } = await ask('__cluster_metadata', 0)
    expect(topics[0]!.partitions[0]).toMatchObject({
      errorCode: 0,
      errorMessage: '',
      leaderId: 1,
      leaderEpoch: 4,
      highWatermark: image.offset + 1,
      currentVoters: [{ replicaId: 1, logEndOffset: image.offset + 1 }],
      observers: [],
    })
    expect(nodes).toEqual([
      { nodeId: 1, listeners: [{ name: 'CONTROLLER', host: 'h', port: 9093 }] },
    ])
  })

  test.each([
    ['orders', 0],
    ['__cluster_metadata', 1],
  ])('%s-%i is unknown', async (topic, partition) => {
    const { errorCode, topics, nodes } = await ask(topic, partition)
    expect([errorCode, nodes]).toEqual([0, []])
    expect(topics[0]!.partitions[0]).toMatchObject({
      errorCode: 3,
      errorMessage: 'This server does not host this topic-partition.',
    })
  })
})

describe('UpdateFeatures', () => {
  beforeEach(async () => {
    for (const [name, featureLevel] of [
      ['metadata.version', 30],
      ['group.version', 1],
    ] as const) {
      await broker.metadata.commit([{ type: 'FeatureLevelRecord', value: { name, featureLevel } }])
    }
  })

  const PREFIX = 'The update failed for all features since the following feature had an error: '
  const update = (feature: string, maxVersionLevel: number, upgradeType: number, version = 2) =>
    broker.ask(UpdateFeatures, version, {
      featureUpdates: [{ feature, maxVersionLevel, upgradeType }],
    })

  test.each<[string, number, number, string]>([
    [
      'group.version',
      0,
      1,
      "Invalid update version 0 for feature group.version. Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    ],
    [
      'group.version',
      5,
      1,
      'Invalid update version 5 for feature group.version. Local controller 1 only supports versions 0-1',
    ],
    [
      'foo',
      1,
      1,
      'Invalid update version 1 for feature foo. Local controller 1 does not support this feature.',
    ],
    [
      'group.version',
      -1,
      2,
      'Invalid update version -1 for feature group.version. A feature version cannot be less than 0.',
    ],
    [
      'group.version',
      1,
      9,
      'Invalid update version 1 for feature group.version. The controller does not support the given upgrade type.',
    ],
    [
      'metadata.version',
      29,
      2,
      'Unsupported metadata.version downgrade from 30 to 29. Refusing to perform the requested downgrade because it might delete metadata information.',
    ],
    [
      'metadata.version',
      29,
      3,
      'Unsupported metadata.version downgrade from 30 to 29. Unsafe metadata downgrade is not supported in this version.',
    ],
    [
      'metadata.version',
      6,
      3,
      'Invalid update version 6 for feature metadata.version. Local controller 1 only supports versions 7-30',
    ],
  ])('%s to %i with type %i is refused', async (feature, level, type, message) => {
    const { errorCode, errorMessage } = await update(feature, level, type)
    expect([errorCode, errorMessage]).toEqual([95, PREFIX + message])
  })

  test('level 0 of an unknown feature is supported, but the feature is not found', async () => {
    const { errorMessage } = await update('nonsense', 0, 3)
    const why = 'Invalid update version 0 for feature nonsense. Feature nonsense not found.'
    expect(errorMessage).toBe(PREFIX + why)
  })

  test('levels go down when asked so, and up again', async () => {
    expect((await update('group.version', 0, 2)).errorCode).toBe(0)
    expect(broker.metadata.image.features.has('group.version')).toBe(false)
    const { errorCode, results } = await update('group.version', 1, 1, 1)
    expect([errorCode, results]).toEqual([
      0,
      [{ feature: 'group.version', errorCode: 0, errorMessage: 'NONE' }],
    ])
    expect(broker.metadata.image.features.get('group.version')).toBe(1)
  })
})

describe('UnregisterBroker', () => {
  test('an unknown broker is refused', async () => {
    const { errorCode, errorMessage } = await broker.ask(UnregisterBroker, 0, { brokerId: 9 })
    expect([errorCode, errorMessage]).toEqual([102, 'Broker ID 9 is not currently registered'])
  })

  test('one that lives is registered again at once', async () => {
    const { errorCode } = await broker.ask(UnregisterBroker, 0, { brokerId: 1 })
    expect(errorCode).toBe(0)
    const { image } = broker.metadata
    expect(image.brokers.get(1)).toMatchObject({ fenced: false, brokerEpoch: image.offset })
  })
})

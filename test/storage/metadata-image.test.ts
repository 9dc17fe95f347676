import { describe, expect, test } from 'vitest'
import { randomUuid } from '../../src/base/uuid.ts'
import { decodeRecord, encodeRecord } from '../../src/storage/metadata-codec.ts'
import { MetadataReplayError, MetadataState } from '../../src/storage/metadata-image.ts'
import type { MetadataRecord } from '../../src/storage/metadata-record.ts'
import { ConfigResourceType } from '../../src/storage/metadata-store.ts'

const topicId = randomUuid()
const directory = randomUuid()

function replay(records: readonly MetadataRecord[], state = new MetadataState()): MetadataState {
  for (const record of records) {
    state.replay(decodeRecord(encodeRecord(record)), state.offset + 1)
  }
  return state
}

/** All there is to compare, in an order of its own. */
function contentOf(state: MetadataState): unknown {
  return [...state.snapshotRecords()]
}

function topic(name = 'orders', id = topicId): MetadataRecord {
  return { type: 'TopicRecord', value: { name, topicId: id } }
}

function partition(partitionId: number, id = topicId): MetadataRecord {
  return {
    type: 'PartitionRecord',
    value: {
      partitionId,
      topicId: id,
      replicas: [1, 2],
      isr: [1, 2],
      removingReplicas: [],
      addingReplicas: [],
      leader: 1,
      leaderEpoch: 3,
      partitionEpoch: 7,
      directories: [directory, directory],
    },
  }
}

function config(name: string, value: string | null, resourceName = 'orders'): MetadataRecord {
  const resourceType = ConfigResourceType.TOPIC
  return { type: 'ConfigRecord', value: { resourceType, resourceName, name, value } }
}

function broker(brokerId: number, fenced = false): MetadataRecord {
  return {
    type: 'RegisterBrokerRecord',
    value: {
      brokerId,
      incarnationId: directory,
      brokerEpoch: 5,
      endPoints: [{ name: 'PLAINTEXT', host: 'localhost', port: 9092, securityProtocol: 0 }],
      features: [{ name: 'group.version', minSupportedVersion: 0, maxSupportedVersion: 1 }],
      rack: 'a',
      fenced,
      logDirs: [directory],
    },
  }
}

const acl = (id: string): MetadataRecord => ({
  type: 'AccessControlEntryRecord',
  value: {
    id,
    resourceType: 2,
    resourceName: 'orders',
    patternType: 3,
    principal: 'User:alice',
    host: '*',
    operation: 3,
    permissionType: 3,
  },
})

const quota = (key: string, value: number, remove = false): MetadataRecord => ({
  type: 'ClientQuotaRecord',
  value: {
    entity: [
      { entityType: 'user', entityName: 'alice' },
      { entityType: 'client-id', entityName: null },
    ],
    key,
    value,
    remove,
  },
})

const scram = (name: string, mechanism: number): MetadataRecord => ({
  type: 'UserScramCredentialRecord',
  value: {
    name,
    mechanism,
    salt: Buffer.from('salt'),
    storedKey: Buffer.from('stored'),
    serverKey: Buffer.from('server'),
    iterations: 4096,
  },
})

/** One of everything. */
const everything: MetadataRecord[] = [
  { type: 'FeatureLevelRecord', value: { name: 'metadata.version', featureLevel: 30 } },
  { type: 'FeatureLevelRecord', value: { name: 'group.version', featureLevel: 1 } },
  broker(1),
  broker(2, true),
  {
    type: 'RegisterControllerRecord',
    value: {
      controllerId: 1,
      incarnationId: directory,
      zkMigrationReady: false,
      endPoints: [],
      features: [],
    },
  },
  topic(),
  config('retention.ms', '5'),
  partition(0),
  partition(1),
  quota('producer_byte_rate', 1024),
  quota('consumer_byte_rate', 2048),
  { type: 'ProducerIdsRecord', value: { brokerId: 1, brokerEpoch: 5, nextProducerId: 3000 } },
  acl(randomUuid()),
  scram('alice', 1),
  scram('alice', 2),
  {
    type: 'DelegationTokenRecord',
    value: {
      owner: 'User:alice',
      requester: 'User:alice',
      renewers: ['User:bob'],
      issueTimestamp: 1,
      maxTimestamp: 2,
      expirationTimestamp: 3,
      tokenId: 'token',
    },
  },
  { type: 'ZkMigrationStateRecord', value: { zkMigrationState: 4 } },
]

test('a snapshot of the state, replayed, is the state', () => {
  const state = replay(everything)
  const copy = replay([...state.snapshotRecords()])
  expect(contentOf(copy)).toEqual(contentOf(state))
  expect(contentOf(state)).toHaveLength(everything.length)
  expect(copy.nextProducerId).toBe(3000)
  expect(copy.partitionCount).toBe(2)
  expect(copy.brokers.get(2)?.fenced).toBe(true)
})

describe('topics', () => {
  test('deletion takes the configs and the partitions along', () => {
    const state = replay([topic(), config('retention.ms', '5'), partition(0)])
    replay([{ type: 'RemoveTopicRecord', value: { topicId } }], state)
    expect(contentOf(state)).toEqual([])
    expect(state.partitionCount).toBe(0)
    expect(state.configs(ConfigResourceType.TOPIC, 'orders').size).toBe(0)
  })

  test('a change of leader raises the leader epoch; any change raises the partition epoch', () => {
    const state = replay([topic(), partition(0)])
    const change = { partitionId: 0, topicId }
    replay([{ type: 'PartitionChangeRecord', value: { ...change, isr: [1] } }], state)
    const find = () => state.topicsById.get(topicId)!.partitions[0]!
    expect(find()).toMatchObject({ isr: [1], leader: 1, leaderEpoch: 3, partitionEpoch: 8 })
    replay([{ type: 'PartitionChangeRecord', value: { ...change, leader: -1 } }], state)
    expect(find()).toMatchObject({ leader: -1, leaderEpoch: 4, partitionEpoch: 9 })
  })

  test('new replicas keep the directories of those that stay', () => {
    const state = replay([topic(), partition(0)])
    const value = { partitionId: 0, topicId, replicas: [2, 3] }
    replay([{ type: 'PartitionChangeRecord', value }], state)
    const { directories } = state.topicsById.get(topicId)!.partitions[0]!
    expect(directories).toEqual([directory, '\0'.repeat(16)])
  })

  test('a record of a topic or partition that is not there is refused', () => {
    expect(() => replay([partition(0)])).toThrow(MetadataReplayError)
    expect(() => replay([topic(), partition(1)])).toThrow(MetadataReplayError)
    const value = { partitionId: 0, topicId }
    expect(() => replay([topic(), { type: 'PartitionChangeRecord', value }])).toThrow(
      MetadataReplayError,
    )
  })

  test('a name that was deleted and created again is another topic', () => {
    const other = randomUuid()
    const state = replay([
      topic(),
      { type: 'RemoveTopicRecord', value: { topicId } },
      topic('orders', other),
    ])
    expect(state.topicsByName.get('orders')?.topicId).toBe(other)
  })
})

describe('transactions', () => {
  const begin: MetadataRecord = { type: 'BeginTransactionRecord', value: { name: 'x' } }

  test('records take effect at the end, all at once', () => {
    const state = replay([begin, topic(), partition(0)])
    expect(state.topicsById.size).toBe(0)
    expect(state.offset).toBe(2)
    replay([{ type: 'EndTransactionRecord', value: {} }], state)
    expect(state.topicsById.size).toBe(1)
  })

  test('an abort drops them', () => {
    const state = replay([begin, topic(), { type: 'AbortTransactionRecord', value: {} }])
    expect(state.topicsById.size).toBe(0)
    expect(state.inTransaction).toBe(false)
  })

  test('an end without a beginning, and a beginning in another, are refused', () => {
    expect(() => replay([{ type: 'EndTransactionRecord', value: {} }])).toThrow(MetadataReplayError)
    expect(() => replay([begin, begin])).toThrow(MetadataReplayError)
  })
})

describe('removals', () => {
  test('a null config, a quota without values, level 0 and credentials leave nothing', () => {
    const id = randomUuid()
    const state = replay([
      config('retention.ms', '5'),
      config('retention.ms', null),
      quota('producer_byte_rate', 1),
      quota('producer_byte_rate', 0, true),
      { type: 'FeatureLevelRecord', value: { name: 'group.version', featureLevel: 1 } },
      { type: 'FeatureLevelRecord', value: { name: 'group.version', featureLevel: 0 } },
      scram('alice', 1),
      { type: 'RemoveUserScramCredentialRecord', value: { name: 'alice', mechanism: 1 } },
      acl(id),
      { type: 'RemoveAccessControlEntryRecord', value: { id } },
      broker(1),
      { type: 'UnregisterBrokerRecord', value: { brokerId: 1, brokerEpoch: 5 } },
    ])
    expect(contentOf(state)).toEqual([])
    expect(state.configuredNames(ConfigResourceType.TOPIC)).toEqual([])
  })
})

test('the configs of a resource are another map after each change, and never change themselves', () => {
  const state = replay([config('retention.ms', '5')])
  const before = state.configs(ConfigResourceType.TOPIC, 'orders')
  replay([config('retention.ms', '6')], state)
  expect(before.get('retention.ms')).toBe('5')
  expect(state.configs(ConfigResourceType.TOPIC, 'orders').get('retention.ms')).toBe('6')
})

test('a registration changes field by field', () => {
  const state = replay([broker(1)])
  const value = { brokerId: 1, brokerEpoch: 5 }
  replay([{ type: 'BrokerRegistrationChangeRecord', value: { ...value, fenced: 1 } }], state)
  expect(state.brokers.get(1)).toMatchObject({ fenced: true, inControlledShutdown: false })
  const change = { ...value, inControlledShutdown: 1 }
  replay([{ type: 'BrokerRegistrationChangeRecord', value: change }], state)
  expect(state.brokers.get(1)).toMatchObject({ fenced: true, inControlledShutdown: true })
})

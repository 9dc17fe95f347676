import { afterEach, beforeEach, expect, test } from 'vitest'
import { OffsetCommit } from '../../src/protocol/apis/08-offset-commit.ts'
import { OffsetFetch } from '../../src/protocol/apis/09-offset-fetch.ts'
import { FindCoordinator } from '../../src/protocol/apis/10-find-coordinator.ts'
import { CreateTopics } from '../../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../../src/protocol/apis/20-delete-topics.ts'
import { DescribeAcls } from '../../src/protocol/apis/29-describe-acls.ts'
import { DescribeConfigs } from '../../src/protocol/apis/32-describe-configs.ts'
import { DescribeLogDirs } from '../../src/protocol/apis/35-describe-log-dirs.ts'
import { ConfigResourceType } from '../../src/storage/metadata-store.ts'
import { GroupBroker } from './group-broker.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'

/** Versions that Kafka 4 answers no more, and clients from before Kafka 2.0 know no later ones of. */

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

test.each([0, 1])('topics are made in version %i and deleted in version 0', async (version) => {
  const created = await broker.ask(CreateTopics, version, {
    topics: [
      { name: 'orders', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] },
      { name: 'a b', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ],
    timeoutMs: 1000,
    validateOnly: false,
  })
  expect(created.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
    ['orders', 0],
    ['a b', 17],
  ])
  expect(broker.metadata.image.topicsByName.get('orders')?.partitions).toHaveLength(2)
  const deleted = await broker.ask(DeleteTopics, 0, { topicNames: ['orders'], timeoutMs: 1000 })
  expect(deleted.responses).toMatchObject([{ name: 'orders', errorCode: 0 }])
  expect(broker.metadata.image.topicsByName.size).toBe(0)
})

test('version 0 of DescribeConfigs says only whether a value is the default', async () => {
  broker.createTopic('orders', 1, { 'retention.ms': '1000' })
  const { results } = await broker.ask(DescribeConfigs, 0, {
    resources: [
      {
        resourceType: ConfigResourceType.TOPIC,
        resourceName: 'orders',
        configurationKeys: ['retention.ms', 'segment.bytes'],
      },
    ],
  })
  expect(results[0]?.configs.map(({ name, value, isDefault }) => [name, value, isDefault])).toEqual(
    [
      ['segment.bytes', '1073741824', true],
      ['retention.ms', '1000', false],
    ],
  )
})

test('version 0 of DescribeAcls and DescribeLogDirs is answered', async () => {
  const filter = { resourceTypeFilter: 1, resourceNameFilter: null, principalFilter: null }
  const acls = { ...filter, hostFilter: null, operation: 1, permissionType: 1 }
  expect(await broker.ask(DescribeAcls, 0, acls)).toMatchObject({ errorCode: 54 })
  broker.createTopic('orders')
  const { results } = await broker.ask(DescribeLogDirs, 0, { topics: null })
  expect(results[0]?.topics).toMatchObject([{ name: 'orders' }])
})

test.each([0, 1])('offsets that version %i of OffsetCommit stored are found', async (version) => {
  const groups = await GroupBroker.start()
  await groups.send(FindCoordinator, 0, { key: 'g' })
  groups.createTopic('t', 2)
  const partition = { partitionIndex: 1, committedOffset: 7, committedMetadata: 'm' }
  const stored = await groups.send(OffsetCommit, version, {
    groupId: 'g',
    topics: [{ name: 't', partitions: [partition] }],
  })
  expect(stored.topics[0]?.partitions).toEqual([{ partitionIndex: 1, errorCode: 0 }])
  const { topics } = await groups.send(OffsetFetch, 0, {
    groupId: 'g',
    topics: [{ name: 't', partitionIndexes: [0, 1] }],
  })
  expect(topics[0]?.partitions).toMatchObject([
    { partitionIndex: 0, committedOffset: -1, errorCode: 0 },
    { partitionIndex: 1, committedOffset: 7, metadata: 'm', errorCode: 0 },
  ])
})

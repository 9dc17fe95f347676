import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../src/client/cluster.ts'
import { describeConfigs } from '../../src/client/config-admin.ts'
import {
  commitOffsets,
  committedOffsets,
  deleteGroup,
  describeGroup,
  listGroups,
} from '../../src/client/group-admin.ts'
import { EARLIEST, listOffsets } from '../../src/client/list-offsets.ts'
import { createTopic, deleteTopic } from '../../src/client/topic-admin.ts'
import { ListOffsets } from '../../src/protocol/apis/02-list-offsets.ts'
import { Metadata } from '../../src/protocol/apis/03-metadata.ts'
import { OffsetCommit } from '../../src/protocol/apis/08-offset-commit.ts'
import { OffsetFetch } from '../../src/protocol/apis/09-offset-fetch.ts'
import { FindCoordinator } from '../../src/protocol/apis/10-find-coordinator.ts'
import { DescribeGroups } from '../../src/protocol/apis/15-describe-groups.ts'
import { ListGroups } from '../../src/protocol/apis/16-list-groups.ts'
import { ApiVersions } from '../../src/protocol/apis/18-api-versions.ts'
import { CreateTopics } from '../../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../../src/protocol/apis/20-delete-topics.ts'
import { DescribeConfigs } from '../../src/protocol/apis/32-describe-configs.ts'
import { DeleteGroups } from '../../src/protocol/apis/42-delete-groups.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { FakeBroker } from './fake-broker.ts'

let broker: FakeBroker
let cluster: Cluster
beforeEach(async () => {
  broker = await FakeBroker.start()
  broker.withTopics({ orders: 2, users: 1 })
  cluster = new Cluster({ bootstrap: [broker.address], retryTimeoutMs: 2_000 })
})
afterEach(async () => {
  cluster.close()
  await broker.stop()
})

/** The broker knows this API up to this version, besides Metadata. */
function upTo(...known: [api: { key: number }, maxVersion: number][]) {
  const always: [{ key: number }, number][] = [
    [ApiVersions, 4],
    [Metadata, 5],
  ]
  broker.versions = [...always, ...known].map(([{ key }, maxVersion]) => ({
    apiKey: key,
    minVersion: 0,
    maxVersion,
  }))
}

describe('the cluster', () => {
  it('tries the brokers it is given in turn', async () => {
    const gone = await FakeBroker.start()
    const { address } = gone
    await gone.stop()
    const both = new Cluster({ bootstrap: [address, broker.address] })
    expect((await both.describe()).clusterId).toBe('cluster')
    both.close()
    const none = new Cluster({ bootstrap: [address] })
    await expect(none.describe()).rejects.toMatchObject({ fault: 'unreachable' })
  })

  it('knows topics in the order of their names, and says when there is none', async () => {
    expect((await cluster.allTopics()).map(({ name }) => name)).toEqual(['orders', 'users'])
    expect((await cluster.topic('orders')).partitions.map(({ leaderId }) => leaderId)).toEqual([
      1, 1,
    ])
    await expect(cluster.topic('nope')).rejects.toMatchObject({
      errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      message: 'nope: This server does not host this topic-partition.',
    })
    expect(broker.requests(Metadata).every((one) => !one.allowAutoTopicCreation)).toBe(true)
  })

  it('asks once for all partitions of a leader, and reads metadata anew when one has moved', async () => {
    let moved = 1
    broker.on(ListOffsets, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: moved-- > 0 ? ErrorCode.NOT_LEADER_OR_FOLLOWER : 0,
          offset: 10 + partitionIndex,
        })),
      })),
    }))
    const partitions = [1, 0].map((partition) => ({ topic: 'orders', partition }))
    expect(await listOffsets(cluster, partitions, EARLIEST)).toEqual([11, 10])
    expect(broker.requests(ListOffsets)).toHaveLength(2)
    expect(broker.requests(Metadata)).toHaveLength(2)
  })

  it('repeats in the words of the broker what it refuses', async () => {
    broker.on(CreateTopics, ({ topics }) => ({
      topics: topics.map(({ name }) => ({
        name,
        errorCode: ErrorCode.TOPIC_ALREADY_EXISTS,
        errorMessage: `Topic '${name}' already exists.`,
      })),
    }))
    await expect(createTopic(cluster, { name: 'orders' })).rejects.toMatchObject({
      errorCode: ErrorCode.TOPIC_ALREADY_EXISTS,
      message: "Topic 'orders' already exists.",
    })
    expect(broker.requests(CreateTopics)[0]!.topics[0]).toMatchObject({
      numPartitions: -1,
      replicationFactor: -1,
    })
  })

  it('names a code that it does not know by its number', async () => {
    broker.on(DescribeConfigs, () => ({
      throttleTimeMs: 0,
      results: [
        {
          errorCode: 999,
          errorMessage: 'odd',
          resourceType: 2,
          resourceName: 'orders',
          configs: [],
        },
      ],
    }))
    await expect(describeConfigs(cluster, { type: 'topic', name: 'orders' })).rejects.toThrow(
      'odd (code 999)',
    )
  })
})

describe('old brokers', () => {
  it('make topics with counts and delete them by name', async () => {
    upTo([CreateTopics, 2], [DeleteTopics, 3])
    broker.on(CreateTopics, ({ topics }) => ({
      topics: topics.map(({ name }) => ({ name, errorCode: 0 })),
    }))
    broker.on(DeleteTopics, ({ topicNames }) => ({
      responses: topicNames.map((name) => ({ name, errorCode: 0 })),
    }))
    await createTopic(cluster, { name: 'new' })
    await deleteTopic(cluster, 'new')
    expect(broker.requests(CreateTopics)[0]!.topics[0]!.numPartitions).toBe(1)
    expect(broker.requests(DeleteTopics)[0]!.topicNames).toEqual(['new'])
  })

  it('are asked for one coordinator, and the offsets of one group, at a time', async () => {
    upTo([FindCoordinator, 1], [OffsetFetch, 3], [OffsetCommit, 2])
    broker.on(FindCoordinator, () => ({ errorCode: 0, nodeId: 1, ...broker.address }))
    broker.on(OffsetFetch, () => ({
      topics: [
        {
          name: 'orders',
          partitions: [
            { partitionIndex: 0, committedOffset: 5, metadata: '', errorCode: 0 },
            { partitionIndex: 1, committedOffset: -1, metadata: '', errorCode: 0 },
          ],
        },
      ],
    }))
    broker.on(OffsetCommit, ({ topics }) => ({
      topics: topics.map(({ name }) => ({
        name,
        partitions: [{ partitionIndex: 0, errorCode: 0 }],
      })),
    }))
    expect(await committedOffsets(cluster, 'g')).toEqual([
      { topic: 'orders', partition: 0, offset: 5, metadata: '' },
    ])
    await commitOffsets(cluster, 'g', [{ topic: 'orders', partition: 0, offset: 9 }])
    expect(broker.requests(OffsetCommit)[0]).toMatchObject({
      groupId: 'g',
      generationIdOrMemberEpoch: -1,
      topics: [{ partitions: [{ partitionIndex: 0, committedOffset: 9 }] }],
    })
  })

  it('describe a group that is not there as dead', async () => {
    upTo([FindCoordinator, 1], [DescribeGroups, 1])
    broker.on(FindCoordinator, () => ({ errorCode: 0, nodeId: 1, ...broker.address }))
    broker.on(DescribeGroups, ({ groups }) => ({
      groups: groups.map((groupId) => ({
        errorCode: 0,
        groupId,
        groupState: 'Dead',
        protocolType: '',
        protocolData: '',
        members: [],
      })),
    }))
    await expect(describeGroup(cluster, 'g')).rejects.toMatchObject({
      errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
    })
  })
})

describe('groups', () => {
  it('are those of all brokers', async () => {
    const other = await FakeBroker.start()
    broker.on(Metadata, () => ({
      brokers: [
        { nodeId: 1, ...broker.address, rack: null },
        { nodeId: 2, ...other.address, rack: null },
      ],
      clusterId: 'cluster',
      controllerId: 1,
      topics: [],
    }))
    const group = (groupId: string) => ({ groupId, protocolType: 'consumer', groupState: 'Empty' })
    broker.on(ListGroups, () => ({ errorCode: 0, groups: [group('b')] }))
    other.on(ListGroups, () => ({ errorCode: 0, groups: [group('a'), group('b')] }))
    expect((await listGroups(cluster)).map(({ groupId }) => groupId)).toEqual(['a', 'b'])
    await other.stop()
  })

  it('are looked for again while their coordinator is not there', async () => {
    let absent = 2
    broker.on(FindCoordinator, ({ coordinatorKeys }) => ({
      coordinators: coordinatorKeys.map((key) => ({
        key,
        nodeId: 1,
        ...broker.address,
        errorCode: absent-- > 0 ? ErrorCode.COORDINATOR_NOT_AVAILABLE : 0,
        errorMessage: null,
      })),
    }))
    broker.on(DeleteGroups, ({ groupsNames }) => ({
      throttleTimeMs: 0,
      results: groupsNames.map((groupId) => ({ groupId, errorCode: 0 })),
    }))
    await deleteGroup(cluster, 'g')
    expect(broker.requests(FindCoordinator)).toHaveLength(3)
    expect(broker.requests(DeleteGroups)).toEqual([{ groupsNames: ['g'] }])
  })
})

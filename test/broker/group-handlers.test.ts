import { describe, expect, test } from 'vitest'
import { formatUuid, ZERO_UUID } from '../../src/base/uuid.ts'
import { OffsetCommit } from '../../src/protocol/apis/08-offset-commit.ts'
import { OffsetFetch } from '../../src/protocol/apis/09-offset-fetch.ts'
import { FindCoordinator } from '../../src/protocol/apis/10-find-coordinator.ts'
import { JoinGroup } from '../../src/protocol/apis/11-join-group.ts'
import { Heartbeat } from '../../src/protocol/apis/12-heartbeat.ts'
import { LeaveGroup } from '../../src/protocol/apis/13-leave-group.ts'
import { SyncGroup } from '../../src/protocol/apis/14-sync-group.ts'
import { DescribeGroups } from '../../src/protocol/apis/15-describe-groups.ts'
import { ListGroups } from '../../src/protocol/apis/16-list-groups.ts'
import { DeleteGroups } from '../../src/protocol/apis/42-delete-groups.ts'
import { OffsetDelete } from '../../src/protocol/apis/47-offset-delete.ts'
import { ConsumerGroupHeartbeat } from '../../src/protocol/apis/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from '../../src/protocol/apis/69-consumer-group-describe.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { GroupBroker } from './group-broker.ts'

const join = {
  groupId: 'g',
  sessionTimeoutMs: 30_000,
  rebalanceTimeoutMs: 60_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.from('m') }],
}

function commit(offset: number, topics = [{ name: 't', partitions: [0] }], facts: object = {}) {
  return {
    groupId: 'g',
    memberId: '',
    ...facts,
    topics: topics.map(({ name, partitions }) => ({
      name,
      topicId: name.padEnd(16, '.'),
      partitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: offset,
        committedMetadata: 'hello',
      })),
    })),
  }
}

/** A broker whose coordinator topic is there. */
async function ready(settings = {}): Promise<GroupBroker> {
  const broker = await GroupBroker.start(settings)
  await broker.send(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })
  broker.createTopic('t', 2)
  return broker
}

/** A stable group of one member; answers its id. */
async function stableGroup(broker: GroupBroker): Promise<string> {
  const { memberId, generationId } = await broker.send(JoinGroup, 3, join)
  const assignments = [{ memberId, assignment: Buffer.from('a') }]
  await broker.send(SyncGroup, 4, { groupId: 'g', generationId, memberId, assignments })
  return memberId
}

describe('FindCoordinator', () => {
  test('makes the topic and answers the coordinator the first time, in every version', async () => {
    const broker = await GroupBroker.start()
    for (const version of [0, 1, 2, 3]) {
      const answer = await broker.send(FindCoordinator, version, { key: 'g' })
      expect(answer).toMatchObject({ errorCode: 0, nodeId: 1, host: 'localhost', port: 9092 })
      expect(answer.errorMessage).toBe(version === 0 ? null : 'NONE')
    }
    for (const version of [4, 5, 6]) {
      const coordinatorKeys = ['g', 'h']
      const answer = await broker.send(FindCoordinator, version, { keyType: 0, coordinatorKeys })
      expect(answer.coordinators).toEqual(
        coordinatorKeys.map((key) => ({
          key,
          nodeId: 1,
          host: 'localhost',
          port: 9092,
          errorCode: 0,
          errorMessage: '',
        })),
      )
    }
    expect(await broker.send(Heartbeat, 4, beat('nobody'))).toMatchObject({ errorCode: 25 })
  })

  test('finds the coordinators of transactions, and of share partitions from version 6 on', async () => {
    const broker = await GroupBroker.start()
    const find = async (version: number, keyType: number, key: string) => {
      const request = version < 4 ? { key, keyType } : { keyType, coordinatorKeys: [key] }
      const answer = await broker.send(FindCoordinator, version, request)
      return version < 4 ? answer.errorCode : answer.coordinators[0]?.errorCode
    }
    const shareKey = `g:x:${formatUuid('abcdefghijklmnop')}:3`
    expect(await find(3, 1, 'tx')).toBe(0)
    expect(await find(6, 1, 'tx')).toBe(0)
    expect(await find(6, 2, shareKey)).toBe(0)
    expect(await find(5, 2, shareKey)).toBe(ErrorCode.INVALID_REQUEST)
    expect(await find(6, 2, 'g')).toBe(ErrorCode.INVALID_REQUEST)
    expect(await find(6, 9, 'g')).toBe(ErrorCode.INVALID_REQUEST)
    expect(await find(1, 9, 'g')).toBe(ErrorCode.INVALID_REQUEST)
  })

  test('has no coordinator while the topic cannot be made', async () => {
    const broker = await GroupBroker.start()
    broker.uncreatable.add('__consumer_offsets')
    const answer = await broker.send(FindCoordinator, 1, { key: 'g' })
    expect(answer).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      nodeId: -1,
      host: '',
      port: -1,
    })
  })
})

function beat(memberId: string, generationId = 1, groupId = 'g') {
  return { groupId, generationId, memberId }
}

describe('before there is a coordinator', () => {
  test('every group request says NOT_COORDINATOR where its version has room for it', async () => {
    const broker = await GroupBroker.start()
    broker.createTopic('t')
    const code = ErrorCode.NOT_COORDINATOR
    expect(await broker.send(JoinGroup, 9, { ...join, memberId: 'm' })).toMatchObject({
      errorCode: code,
      memberId: 'm',
      generationId: -1,
      protocolName: null,
    })
    expect(await broker.send(JoinGroup, 0, join)).toMatchObject({
      errorCode: code,
      protocolName: '',
    })
    const sync = { groupId: 'g', generationId: 1, memberId: 'm', assignments: [] }
    expect(await broker.send(SyncGroup, 3, sync)).toMatchObject({ errorCode: code })
    expect(await broker.send(Heartbeat, 4, beat('m'))).toMatchObject({ errorCode: code })
    expect(await broker.send(LeaveGroup, 2, { groupId: 'g', memberId: 'm' })).toMatchObject({
      errorCode: code,
    })
    expect((await broker.send(OffsetCommit, 9, commit(5))).topics).toEqual([
      { name: 't', topicId: ZERO_UUID, partitions: [{ partitionIndex: 0, errorCode: code }] },
    ])
    const topics = [{ name: 't', partitionIndexes: [0] }]
    const v1 = await broker.send(OffsetFetch, 1, { groupId: 'g', topics })
    expect(v1.topics[0]?.partitions[0]).toMatchObject({ errorCode: code, committedOffset: -1 })
    const v2 = await broker.send(OffsetFetch, 2, { groupId: 'g', topics })
    expect(v2).toMatchObject({ errorCode: code, topics: [] })
    const v8 = await broker.send(OffsetFetch, 8, { groups: [{ groupId: 'g', topics }] })
    expect(v8.groups).toMatchObject([{ groupId: 'g', errorCode: code, topics: [] }])
    const described = await broker.send(DescribeGroups, 6, { groups: ['g'] })
    expect(described.groups).toMatchObject([{ groupId: 'g', errorCode: code }])
    const deleted = await broker.send(DeleteGroups, 2, { groupsNames: ['g'] })
    expect(deleted.results).toMatchObject([{ groupId: 'g', errorCode: code }])
    expect(await broker.send(OffsetDelete, 0, { groupId: 'g', topics: [] })).toMatchObject({
      errorCode: code,
    })
    expect(await broker.send(ListGroups, 5, {})).toMatchObject({ errorCode: 0, groups: [] })
  })

  test('while it is being loaded requests say so, and heartbeats are fine', async () => {
    const broker = await ready()
    const memberId = await stableGroup(broker)
    await broker.reopen()
    const loading = broker.broker.groups.start()
    expect(await broker.send(Heartbeat, 4, beat(memberId))).toMatchObject({ errorCode: 0 })
    expect(await broker.send(ListGroups, 5, {})).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    })
    expect(await broker.send(JoinGroup, 9, join)).toMatchObject({
      errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    })
    await loading
    expect(await broker.send(Heartbeat, 4, beat(memberId))).toMatchObject({ errorCode: 0 })
  })
})

describe('membership', () => {
  test('two members join, sync, beat and leave in the oldest and in the newest versions', async () => {
    for (const [joinVersion, syncVersion, leaveVersion] of [
      [0, 0, 0],
      [2, 2, 2],
      [6, 4, 4],
      [9, 5, 5],
    ] as const) {
      const broker = await ready()
      const joinAs = async (memberId: string) => {
        const answer = await broker.send(JoinGroup, joinVersion, { ...join, memberId })
        if (answer.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) return answer
        return broker.send(JoinGroup, joinVersion, { ...join, memberId: answer.memberId })
      }
      const first = await joinAs('')
      expect(first).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId })
      expect(first.memberId).toMatch(/^app-[0-9a-f-]{36}$/)
      const joining = joinAs('')
      await turn()
      const again = await joinAs(first.memberId)
      const second = await joining
      expect(again.members.map(({ memberId }) => memberId).sort()).toEqual(
        [first.memberId, second.memberId].sort(),
      )
      expect(second.members).toEqual([])
      const protocol = { protocolType: 'consumer', protocolName: 'range' }
      const syncAs = (memberId: string, assignments: { memberId: string; assignment: Buffer }[]) =>
        broker.send(SyncGroup, syncVersion, {
          groupId: 'g',
          generationId: 2,
          memberId,
          assignments,
          ...(syncVersion >= 5 && protocol),
        })
      const following = syncAs(second.memberId, [])
      const leading = await syncAs(first.memberId, [
        { memberId: second.memberId, assignment: Buffer.from('part of second') },
      ])
      expect(leading).toMatchObject({ errorCode: 0, assignment: Buffer.alloc(0) })
      expect(await following).toMatchObject({
        errorCode: 0,
        assignment: Buffer.from('part of second'),
        ...(syncVersion >= 5 && protocol),
      })
      expect(await broker.send(Heartbeat, 0, beat(second.memberId, 2))).toMatchObject({
        errorCode: 0,
      })
      const left = await broker.send(LeaveGroup, leaveVersion, {
        groupId: 'g',
        ...(leaveVersion < 3
          ? { memberId: second.memberId }
          : { members: [{ memberId: second.memberId, groupInstanceId: null }] }),
      })
      expect(left.errorCode).toBe(0)
      expect(await broker.send(Heartbeat, 4, beat(first.memberId, 2))).toMatchObject({
        errorCode: ErrorCode.REBALANCE_IN_PROGRESS,
      })
      const unknown = await broker.send(LeaveGroup, 1, { groupId: 'g', memberId: second.memberId })
      expect(unknown.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID)
      const many = await broker.send(LeaveGroup, 5, {
        groupId: 'g',
        members: [{ memberId: second.memberId, groupInstanceId: null }],
      })
      expect(many).toMatchObject({
        errorCode: 0,
        members: [{ memberId: second.memberId, errorCode: ErrorCode.UNKNOWN_MEMBER_ID }],
      })
    }
  })

  test('a sync of version 5 must say which protocol it believes in', async () => {
    const broker = await ready()
    const memberId = await stableGroup(broker)
    const sync = { groupId: 'g', generationId: 1, memberId, assignments: [] }
    for (const protocol of [{ protocolType: 'consumer' }, { protocolName: 'range' }, {}]) {
      const answer = await broker.send(SyncGroup, 5, { ...sync, ...protocol })
      expect(answer.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    }
    expect(await broker.send(SyncGroup, 4, sync)).toMatchObject({ errorCode: 0 })
  })

  test('a group and its offsets are there after a restart', async () => {
    const broker = await ready()
    const memberId = await stableGroup(broker)
    const facts = { memberId, generationIdOrMemberEpoch: 1 }
    await broker.send(OffsetCommit, 9, commit(42, undefined, facts))
    await broker.restart()
    expect(await broker.send(Heartbeat, 4, beat(memberId))).toMatchObject({ errorCode: 0 })
    const { groups } = await broker.send(OffsetFetch, 8, {
      groups: [{ groupId: 'g', topics: null }],
    })
    expect(groups[0]?.topics).toMatchObject([
      { name: 't', partitions: [{ partitionIndex: 0, committedOffset: 42, metadata: 'hello' }] },
    ])
    broker.fixture.clock.advance(30_000)
    const { groups: described } = await broker.send(DescribeGroups, 6, { groups: ['g'] })
    expect(described).toMatchObject([{ groupState: 'Empty', members: [] }])
  })
})

describe('offsets', () => {
  test('of partitions that do not exist are refused one by one', async () => {
    const broker = await ready()
    const topics = [
      { name: 't', partitions: [0, 7, 1] },
      { name: 'unknown', partitions: [0] },
    ]
    for (const version of [2, 5, 8, 9]) {
      const answer = await broker.send(OffsetCommit, version, commit(version, topics))
      const codes = new Map(
        answer.topics.flatMap(({ name, partitions }) =>
          partitions.map((one) => [`${name}/${one.partitionIndex}`, one.errorCode]),
        ),
      )
      expect(Object.fromEntries(codes)).toEqual({ 't/0': 0, 't/7': 3, 't/1': 0, 'unknown/0': 3 })
      expect(answer.topics.map(({ name }) => name).sort()).toEqual(['t', 'unknown'])
    }
    expect(await broker.send(OffsetDelete, 0, { groupId: '', topics: [] })).toMatchObject({
      errorCode: 24,
    })
    const { topics: deleted } = await broker.send(OffsetDelete, 0, {
      groupId: 'g',
      topics: [
        { name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 7 }] },
        { name: 'unknown', partitions: [{ partitionIndex: 0 }] },
      ],
    })
    expect(deleted).toEqual([
      {
        name: 't',
        partitions: [
          { partitionIndex: 7, errorCode: 3 },
          { partitionIndex: 0, errorCode: 0 },
        ],
      },
      { name: 'unknown', partitions: [{ partitionIndex: 0, errorCode: 3 }] },
    ])
    const all = await broker.send(OffsetFetch, 7, { groupId: 'g', topics: null })
    expect(all.topics).toMatchObject([{ name: 't', partitions: [{ partitionIndex: 1 }] }])
  })

  test('are committed and fetched by topic id from version 10 on', async () => {
    const broker = await ready()
    const topics = [
      { name: 't', partitions: [1] },
      { name: 'unknown', partitions: [0] },
    ]
    const committed = await broker.send(OffsetCommit, 10, commit(9, topics))
    const tId = 't'.padEnd(16, '.')
    const unknownId = 'unknown'.padEnd(16, '.')
    expect(committed.topics).toMatchObject([
      { topicId: unknownId, partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }] },
      { topicId: tId, partitions: [{ errorCode: 0 }] },
    ])
    const fetch = async (asked: { topicId: string; partitionIndexes: number[] }[] | null) => {
      const group = { groupId: 'g', topics: asked }
      const { groups } = await broker.send(OffsetFetch, 10, { groups: [group] })
      return groups[0]!.topics
    }
    expect(
      await fetch([
        { topicId: tId, partitionIndexes: [1, 0] },
        { topicId: unknownId, partitionIndexes: [0] },
      ]),
    ).toMatchObject([
      { topicId: tId, partitions: [{ committedOffset: 9 }, { committedOffset: -1 }] },
      { topicId: unknownId, partitions: [{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }] },
    ])
    expect(await fetch(null)).toMatchObject([{ topicId: tId, partitions: [{ partitionIndex: 1 }] }])

    // The topic is deleted and made again: its old offset is gone with it.
    broker.fixture.metadata.deleteTopic(tId)
    broker.fixture.metadata.createTopic('t', 'another-topic-id', 2)
    expect(await fetch([{ topicId: 'another-topic-id', partitionIndexes: [1] }])).toMatchObject([
      { partitions: [{ committedOffset: -1, errorCode: 0 }] },
    ])
    expect(await fetch(null)).toEqual([])
  })

  test('of several groups come in one answer', async () => {
    const broker = await ready()
    await broker.send(OffsetCommit, 9, { ...commit(1), groupId: 'one' })
    await broker.send(OffsetCommit, 9, { ...commit(2), groupId: 'two' })
    const groups = ['one', 'two', 'none'].map((groupId) => ({ groupId, topics: null }))
    const answer = await broker.send(OffsetFetch, 9, { groups })
    const offsets = answer.groups.map(
      ({ groupId, topics }) => `${groupId} ${topics[0]?.partitions[0]?.committedOffset}`,
    )
    expect(offsets).toEqual(['one 1', 'two 2', 'none undefined'])
  })
})

describe('consumer groups', () => {
  const consumerJoin = {
    groupId: 'k',
    memberId: 'A',
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ['t'],
    topicPartitions: [],
  }

  test('a member is assigned its partitions by the broker, and described', async () => {
    const broker = await ready()
    const joined = await broker.send(ConsumerGroupHeartbeat, 1, consumerJoin)
    const topicId = 't'.padEnd(16, '.')
    expect(joined).toMatchObject({
      errorCode: 0,
      memberId: 'A',
      memberEpoch: 2,
      heartbeatIntervalMs: 5_000,
      assignment: { topicPartitions: [{ topicId, partitions: [0, 1] }] },
    })
    const beat = { groupId: 'k', memberId: 'A', memberEpoch: 2 }
    expect(await broker.send(ConsumerGroupHeartbeat, 0, beat)).toMatchObject({
      errorCode: 0,
      assignment: null,
    })
    const groupIds = ['k', 'unknown', '']
    const asked = { groupIds, includeAuthorizedOperations: true }
    const { groups } = await broker.send(ConsumerGroupDescribe, 1, asked)
    expect(groups).toMatchObject([
      {
        errorCode: 0,
        groupState: 'Stable',
        groupEpoch: 2,
        assignmentEpoch: 2,
        assignorName: 'uniform',
        authorizedOperations: 3400,
        members: [
          {
            memberId: 'A',
            memberEpoch: 2,
            clientId: 'app',
            clientHost: '/127.0.0.1',
            subscribedTopicNames: ['t'],
            assignment: { topicPartitions: [{ topicId, topicName: 't', partitions: [0, 1] }] },
            memberType: 1,
          },
        ],
      },
      { errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: 'Group unknown not found.' },
      { errorCode: ErrorCode.INVALID_GROUP_ID, errorMessage: null },
    ])
    const typesFilter = ['consumer']
    expect((await broker.send(ListGroups, 5, { typesFilter })).groups).toMatchObject([
      { groupId: 'k', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' },
    ])
  })

  test('a group and its members are there after a restart, and see new partitions', async () => {
    const broker = await ready()
    await broker.send(ConsumerGroupHeartbeat, 1, consumerJoin)
    const facts = { groupId: 'k', memberId: 'A', generationIdOrMemberEpoch: 2 }
    await broker.send(OffsetCommit, 9, commit(42, undefined, facts))
    await broker.restart()
    const beat = { groupId: 'k', memberId: 'A', memberEpoch: 2 }
    expect(await broker.send(ConsumerGroupHeartbeat, 1, beat)).toMatchObject({
      errorCode: 0,
      memberEpoch: 2,
    })
    const group = { groupId: 'k', memberId: 'A', memberEpoch: 2, topics: null }
    const fetched = await broker.send(OffsetFetch, 9, { groups: [group] })
    expect(fetched.groups[0]?.topics[0]?.partitions[0]?.committedOffset).toBe(42)
    broker.growTopic('t', 3)
    broker.fixture.clock.advance(1_000)
    expect(await broker.send(ConsumerGroupHeartbeat, 1, beat)).toMatchObject({
      memberEpoch: 3,
      assignment: { topicPartitions: [{ partitions: [0, 1, 2] }] },
    })
  })

  test('keep to the configs of their group', async () => {
    const broker = await ready()
    broker.configure('k', 'consumer.heartbeat.interval.ms', '7000')
    broker.configure('k', 'consumer.session.timeout.ms', '50000')
    const { heartbeatIntervalMs } = await broker.send(ConsumerGroupHeartbeat, 1, consumerJoin)
    expect(heartbeatIntervalMs).toBe(7_000)
    const members = async () => {
      const { groups } = await broker.send(ConsumerGroupDescribe, 1, {
        groupIds: ['k'],
        includeAuthorizedOperations: false,
      })
      return groups[0]!.members.length
    }
    broker.fixture.clock.advance(49_999)
    expect(await members()).toBe(1)
    broker.fixture.clock.advance(1)
    expect(await members()).toBe(0)
  })

  test('are refused where the feature or the protocol is switched off', async () => {
    const off = await ready({ 'group.coordinator.rebalance.protocols': 'classic' })
    expect(await off.send(ConsumerGroupHeartbeat, 1, consumerJoin)).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
    })
    const old = await ready()
    const name = 'group.version'
    old.fixture.metadata.commit([{ type: 'FeatureLevelRecord', value: { name, featureLevel: 0 } }])
    expect(await old.send(ConsumerGroupHeartbeat, 1, consumerJoin)).toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
    })
    const { groups } = await old.send(ConsumerGroupDescribe, 1, {
      groupIds: ['k'],
      includeAuthorizedOperations: false,
    })
    expect(groups).toMatchObject([{ errorCode: ErrorCode.UNSUPPORTED_VERSION }])
  })
})

describe('administration', () => {
  test('groups of all partitions are listed, described and deleted', async () => {
    const broker = await ready()
    const memberId = await stableGroup(broker)
    for (const groupId of ['one', 'two', 'three']) {
      await broker.send(OffsetCommit, 9, { ...commit(1), groupId })
    }
    const { groups } = await broker.send(ListGroups, 5, { typesFilter: ['Classic'] })
    expect(groups.map(({ groupId }) => groupId).sort()).toEqual(['g', 'one', 'three', 'two'])
    const stable = await broker.send(ListGroups, 4, { statesFilter: ['stable'] })
    expect(stable.groups).toMatchObject([
      { groupId: 'g', protocolType: 'consumer', groupState: 'Stable' },
    ])

    const asked = { groups: ['g', 'unknown'], includeAuthorizedOperations: true }
    const v6 = await broker.send(DescribeGroups, 6, asked)
    expect(v6.groups).toMatchObject([
      {
        errorCode: 0,
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [{ memberId, clientId: 'app', clientHost: '/127.0.0.1' }],
        authorizedOperations: 3400,
      },
      {
        errorCode: ErrorCode.GROUP_ID_NOT_FOUND,
        errorMessage: 'Group unknown not found.',
        groupState: 'Dead',
      },
    ])
    const v5 = await broker.send(DescribeGroups, 5, { groups: ['unknown'] })
    expect(v5.groups).toMatchObject([
      { errorCode: 0, groupState: 'Dead', authorizedOperations: -2147483648 },
    ])

    const groupsNames = ['one', 'g', 'unknown', 'one']
    const { results } = await broker.send(DeleteGroups, 2, { groupsNames })
    expect(results).toMatchObject([
      { groupId: 'one', errorCode: 0 },
      { groupId: 'g', errorCode: ErrorCode.NON_EMPTY_GROUP },
      { groupId: 'unknown', errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
    ])
  })

  test('the topic of groups that is deleted takes its groups with it', async () => {
    const broker = await ready()
    await stableGroup(broker)
    broker.fixture.metadata.deleteTopic('consumer-offsets')
    expect(await broker.send(ListGroups, 5, {})).toMatchObject({ errorCode: 0, groups: [] })
    expect(await broker.send(JoinGroup, 3, join)).toMatchObject({
      errorCode: ErrorCode.NOT_COORDINATOR,
    })
  })
})

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

import { OffsetCommit } from '../protocol/apis/08-offset-commit.ts'
import { OffsetFetch } from '../protocol/apis/09-offset-fetch.ts'
import { DescribeGroups } from '../protocol/apis/15-describe-groups.ts'
import { ListGroups } from '../protocol/apis/16-list-groups.ts'
import { DeleteGroups } from '../protocol/apis/42-delete-groups.ts'
import { ConsumerGroupDescribe } from '../protocol/apis/69-consumer-group-describe.ts'
import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import { assignedPartitionsOf } from './assigned-partitions.ts'
import { brokerError, throwIfError } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'
import { byTopic, type TopicPartition } from './list-offsets.ts'

export interface GroupListing {
  readonly groupId: string
  /** `consumer`, `connect`, ...; empty for groups that only keep offsets. */
  readonly protocolType: string
  /** Empty from brokers before 2.6. */
  readonly state: string
  /** `Classic`, `Consumer`, ...; empty from brokers before 3.7. */
  readonly type: string
}

export interface GroupMemberInfo {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly assignment: readonly TopicPartition[]
}

export interface GroupDescription {
  readonly groupId: string
  readonly state: string
  /** Which protocol its members speak. */
  readonly type: 'classic' | 'consumer'
  readonly protocolType: string
  readonly assignor: string
  /** The broker that coordinates it. */
  readonly coordinator: string
  readonly members: readonly GroupMemberInfo[]
}

export interface CommittedOffset extends TopicPartition {
  readonly offset: number
  readonly metadata: string
}

/** Those of all brokers, sorted by name. */
export async function listGroups(cluster: Cluster): Promise<GroupListing[]> {
  const { nodes } = await cluster.describe()
  const groups = new Map<string, GroupListing>()
  for (const { nodeId } of nodes) {
    await cluster.retry(async () => {
      const response = await (await cluster.node(nodeId)).request(ListGroups, {})
      throwIfError(response.errorCode)
      for (const { groupId, protocolType, groupState: state, groupType: type } of response.groups) {
        groups.set(groupId, { groupId, protocolType, state, type })
      }
    })
  }
  return [...groups.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
}

/** Throws GROUP_ID_NOT_FOUND, also from brokers that describe unknown groups as dead. */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  return await cluster.retry(async () => {
    const connection = await cluster.coordinator(groupId)
    const described =
      (await describeConsumerGroup(connection, groupId)) ??
      (await describeClassicGroup(connection, groupId))
    const { host, port } = connection.address
    return { ...described, coordinator: `${host}:${port}` }
  })
}

type Described = Omit<GroupDescription, 'coordinator'>

/** Undefined when the group does not speak the protocol of KIP-848, or the broker does not. */
async function describeConsumerGroup(
  connection: Connection,
  groupId: string,
): Promise<Described | undefined> {
  if (!connection.supports(ConsumerGroupDescribe)) return undefined
  const request = { groupIds: [groupId], includeAuthorizedOperations: false }
  const response = await connection.request(ConsumerGroupDescribe, request)
  const group = response.groups[0]
  const isOther =
    group?.errorCode === ErrorCode.GROUP_ID_NOT_FOUND ||
    group?.errorCode === ErrorCode.UNSUPPORTED_VERSION
  if (!group || isOther) return undefined
  throwIfError(group.errorCode, group.errorMessage)
  return {
    groupId,
    state: group.groupState,
    type: 'consumer',
    protocolType: 'consumer',
    assignor: group.assignorName,
    members: group.members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
      memberId,
      instanceId,
      clientId,
      clientHost,
      assignment: assignment.topicPartitions.flatMap(({ topicName: topic, partitions }) =>
        partitions.map((partition) => ({ topic, partition })),
      ),
    })),
  }
}

async function describeClassicGroup(connection: Connection, groupId: string): Promise<Described> {
  const response = await connection.request(DescribeGroups, { groups: [groupId] })
  const group = response.groups[0]
  if (!group) throw new KafkaError('GROUP_ID_NOT_FOUND')
  throwIfError(group.errorCode, group.errorMessage)
  if (group.groupState === 'Dead') {
    throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  }
  return {
    groupId,
    state: group.groupState,
    type: 'classic',
    protocolType: group.protocolType,
    assignor: group.protocolData,
    members: group.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      assignment:
        group.protocolType === 'consumer' ? assignedPartitionsOf(member.memberAssignment) : [],
    })),
  }
}

/** All that a group has committed, or that of some partitions; those without are left out. */
export async function committedOffsets(
  cluster: Cluster,
  groupId: string,
  partitions: readonly TopicPartition[] | null = null,
): Promise<CommittedOffset[]> {
  return await cluster.retry(async () => {
    const connection = await cluster.coordinator(groupId)
    // Version 10 names topics by id.
    const maxVersion = 9
    const topics =
      partitions &&
      byTopic(partitions).map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
    const isBatched = connection.versionOf(OffsetFetch, maxVersion) >= 8
    const request = isBatched ? { groups: [{ groupId, topics }] } : { groupId, topics }
    const response = await connection.request(OffsetFetch, request, { maxVersion })
    const answer = isBatched ? response.groups[0] : response
    if (!answer) throw new KafkaError('UNKNOWN_SERVER_ERROR', 'an answer without the group')
    throwIfError(answer.errorCode)
    const found: CommittedOffset[] = []
    for (const { name: topic, partitions: answers } of answer.topics) {
      for (const { partitionIndex: partition, committedOffset, metadata, errorCode } of answers) {
        throwIfError(errorCode)
        if (committedOffset < 0) continue
        found.push({ topic, partition, offset: committedOffset, metadata: metadata ?? '' })
      }
    }
    return found
  })
}

/** Who commits; nobody when left out, which groups allow that have no members. */
export interface Membership {
  readonly memberId: string
  readonly generationId: number
}

export async function commitOffsets(
  cluster: Cluster,
  groupId: string,
  offsets: readonly (TopicPartition & { readonly offset: number })[],
  membership: Membership = { memberId: '', generationId: -1 },
): Promise<void> {
  const byName = new Map(offsets.map((one) => [`${one.topic}/${one.partition}`, one.offset]))
  await cluster.retry(async () => {
    const connection = await cluster.coordinator(groupId)
    const request = {
      groupId,
      memberId: membership.memberId,
      generationIdOrMemberEpoch: membership.generationId,
      topics: byTopic(offsets).map(([name, numbers]) => ({
        name,
        partitions: numbers.map((partitionIndex) => ({
          partitionIndex,
          committedOffset: byName.get(`${name}/${partitionIndex}`)!,
          committedMetadata: '',
        })),
      })),
    }
    const response = await connection.request(OffsetCommit, request, { maxVersion: 9 })
    const failed = response.topics
      .flatMap(({ partitions }) => partitions)
      .find(({ errorCode }) => errorCode !== ErrorCode.NONE)
    if (failed) throw brokerError(failed.errorCode)
  })
}

export async function deleteGroup(cluster: Cluster, groupId: string): Promise<void> {
  await cluster.retry(async () => {
    const connection = await cluster.coordinator(groupId)
    const response = await connection.request(DeleteGroups, { groupsNames: [groupId] })
    const answer = response.results[0]
    throwIfError(answer?.errorCode ?? -1, answer?.errorMessage)
  })
}

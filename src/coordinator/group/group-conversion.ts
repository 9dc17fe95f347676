import { KafkaError } from '../../protocol/error-code.ts'
import { type ClassicGroup, groupMetadata, selectProtocol } from './classic-group.ts'
import type { ClassicMember } from './classic-member.ts'
import {
  ConsumerChange,
  epochRecord,
  hashOfTopics,
  targetEpochRecord,
  targetRecord,
} from './consumer-change.ts'
import { ConsumerGroup, isConsumerRecord } from './consumer-group.ts'
import {
  type ConsumerMember,
  descriptionRecord,
  MemberState,
  newConsumerMember,
  placeRecord,
  sortedNames,
} from './consumer-member.ts'
import { readAssignment, readSubscription, writeAssignment } from './consumer-protocol.ts'
import type { GroupContext, TopicsView } from './group-context.ts'
import type { GroupRecord } from './group-records.ts'
import {
  type AssignedPartitions,
  assignedFrom,
  noPartitions,
  type TopicPartitions,
  targetFrom,
  topicPartitionsOf,
} from './partition-sets.ts'

/** Changing the protocol of a group whose members go on (KIP-848; groups.md section 9). */

type Direction = 'upgrade' | 'downgrade'

function allows(context: GroupContext, direction: Direction): boolean {
  const policy = context.settings.groupConsumerMigrationPolicy.toLowerCase()
  return policy === 'bidirectional' || policy === direction
}

/**
 * The consumer group that a classic group becomes when a member of the consumer protocol joins it,
 * with the records that make it. Throws KafkaError GROUP_ID_NOT_FOUND when it cannot.
 */
export function upgrade(classic: ClassicGroup, context: GroupContext): ConsumerChange {
  const { groupId } = classic
  const refuse = (reason: string) =>
    new KafkaError(
      'GROUP_ID_NOT_FOUND',
      `Cannot upgrade classic group ${groupId} to consumer group because ${reason}.`,
    )
  if (!allows(context, 'upgrade')) throw refuse('the online upgrade is disabled')
  if (classic.protocolType !== 'consumer') {
    throw refuse('the group does not use the consumer embedded protocol')
  }
  if (classic.members.size > context.settings.groupConsumerMaxSize) {
    throw refuse('the group size exceeds the consumer group maximum size')
  }
  const members: ConsumerMember[] = []
  for (const member of classic.members.values()) {
    const upgraded = upgradedMember(classic, member, context.topics)
    if (upgraded === 'malformed') throw refuse('the embedded consumer protocol is malformed')
    if (upgraded === 'custom') {
      throw refuse(
        'an unsupported custom assignor is in use. Please refer to the documentation or switch to ' +
          'a default assignor before re-attempting the upgrade',
      )
    }
    members.push(upgraded)
  }
  const records = upgradeRecords(classic, members, context)
  const group = new ConsumerGroup(groupId)
  for (const record of records) if (isConsumerRecord(record)) group.replay(record)
  return new ConsumerChange(group, records)
}

/** The generation becomes the epoch of the group, the assignment everyone's target. */
function upgradeRecords(
  classic: ClassicGroup,
  members: readonly ConsumerMember[],
  { topics }: GroupContext,
): GroupRecord[] {
  const { groupId } = classic
  const epoch = Math.max(classic.generationId, classic.storedGeneration)
  const hash = hashOfTopics(members, (member) => member.subscribedTopicNames, topics)
  return [
    ...classic.tombstones(),
    ...members.map((member) => descriptionRecord(groupId, member)),
    epochRecord(groupId, epoch, hash),
    ...members.map(({ memberId, assigned }) =>
      targetRecord(groupId, memberId, targetFrom(topicPartitionsOf(assigned))),
    ),
    targetEpochRecord(groupId, epoch, 0),
    ...members.map((member) => placeRecord(groupId, member)),
  ]
}

function upgradedMember(
  classic: ClassicGroup,
  member: ClassicMember,
  topics: TopicsView,
): ConsumerMember | 'malformed' | 'custom' {
  const name = classic.protocolName ?? member.protocols.keys().next().value ?? ''
  const subscription = readSubscription(member.metadata(name))
  const assignment =
    member.assignment.length === 0
      ? { assignedPartitions: [], userData: null }
      : readAssignment(member.assignment)
  if (!subscription || !assignment) return 'malformed'
  if ((assignment.userData?.length ?? 0) > 0) return 'custom'
  const { generationId } = classic
  const assigned = topicPartitionsByName(assignment.assignedPartitions, topics)
  return {
    ...newConsumerMember(member.memberId),
    instanceId: member.groupInstanceId,
    rackId: subscription.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    subscribedTopicNames: sortedNames(subscription.topics),
    classic: {
      sessionTimeoutMs: member.sessionTimeoutMs,
      supportedProtocols: Array.from(member.protocols, ([protocol, metadata]) => ({
        name: protocol,
        metadata,
      })),
    },
    memberEpoch: generationId,
    previousMemberEpoch: generationId,
    state: MemberState.STABLE,
    assigned: assignedFrom(assigned, generationId),
    pendingRevocation: noPartitions,
  }
}

/** By topic id; topics that are not there are left out. */
export function topicPartitionsByName(
  partitions: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
  topics: TopicsView,
): TopicPartitions[] {
  return partitions.flatMap(({ topic, partitions: ofTopic }) => {
    const view = topics.byName(topic)
    return view ? [{ topicId: view.topicId, partitions: ofTopic }] : []
  })
}

/** Whether a group without any of `leaving` may go back: all that stay speak the classic protocol. */
export function canDowngrade(staying: readonly ConsumerMember[], context: GroupContext): boolean {
  return (
    staying.length > 0 &&
    staying.every(({ classic }) => classic !== null) &&
    allows(context, 'downgrade') &&
    staying.length <= context.settings.groupMaxSize
  )
}

/** Records that make a consumer group the classic group of those who stay, about to rebalance. */
export function downgradeRecords(
  change: ConsumerChange,
  staying: readonly ConsumerMember[],
  context: GroupContext,
  nowMs: number,
): GroupRecord[] {
  const { group, groupId, groupEpoch } = change
  const protocol = selectProtocol(
    staying.map(({ classic }) => ({
      protocols: new Map(classic!.supportedProtocols.map((one) => [one.name, one])),
    })),
  )
  const members = staying.map((member) => {
    const { supportedProtocols, sessionTimeoutMs } = member.classic!
    const metadata = supportedProtocols.find(({ name }) => name === protocol)?.metadata
    const subscription = metadata ?? Buffer.alloc(0)
    return {
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: sessionTimeoutMs,
      subscription,
      assignment: classicAssignment(member.assigned, subscription, context.topics),
    }
  })
  return [
    ...group.tombstones(),
    groupMetadata(groupId, {
      protocolType: 'consumer',
      // One ahead of what members know until the rebalance: after a restart in between they must
      // notice that this generation is none of theirs, or it would stay as if it were whole.
      generation: groupEpoch + 1,
      protocol: protocol ?? null,
      leader: members[0]?.memberId ?? null,
      currentStateTimestamp: nowMs,
      members,
    }),
  ]
}

/** What a member has, as SyncGroup tells it. */
export function classicAssignment(
  assigned: AssignedPartitions,
  metadata: Buffer,
  topics: TopicsView,
): Buffer {
  const partitions = topicPartitionsOf(assigned).flatMap(({ topicId, partitions: ofTopic }) => {
    const topic = topics.byId(topicId)
    return topic ? [{ topic: topic.name, partitions: ofTopic }] : []
  })
  return writeAssignment(metadata, partitions)
}

import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { Join } from './classic-join.ts'
import { MEMBER_ID_REQUIRED_SINCE } from './classic-join.ts'
import { noBytes, type SyncResponse } from './classic-member.ts'
import type { HeartbeatRequest, SyncRequest } from './classic-requests.ts'
import type { ConsumerChange } from './consumer-change.ts'
import { type Evolved, evolve } from './consumer-evolution.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { checkRoom, succeed } from './consumer-heartbeat.ts'
import {
  type ConsumerMember,
  MemberState,
  newConsumerMember,
  sortedNames,
} from './consumer-member.ts'
import { findEither, findStaticMember } from './consumer-membership.ts'
import { readSubscription } from './consumer-protocol.ts'
import type { GroupContext } from './group-context.ts'
import { classicAssignment, topicPartitionsByName } from './group-conversion.ts'

/**
 * Members that speak the classic protocol inside a consumer group (groups.md section 9): a join is
 * a heartbeat, the member epoch is their generation, and they never lead. All throw KafkaError.
 */

/** Undefined: the member is to come back with `memberId`. */
export interface ClassicJoinOutcome {
  readonly memberId: string
  readonly evolved: Evolved | undefined
}

export function joinConsumerGroup(
  change: ConsumerChange,
  join: Join,
  context: GroupContext,
): ClassicJoinOutcome {
  const { request, client, protocols, nowMs } = join
  const { groupInstanceId } = request
  const isUnknown = request.memberId === ''
  const memberId = isUnknown ? context.randomUuidText() : request.memberId
  checkRoom(change.group, memberId, context)
  checkProtocols(change.group, join)
  if (isUnknown && groupInstanceId === null && client.apiVersion >= MEMBER_ID_REQUIRED_SINCE) {
    return { memberId, evolved: undefined }
  }
  const [metadata] = protocols.values()
  const subscription = readSubscription(metadata ?? noBytes)
  if (!subscription) throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL')
  const member = joiningMember(change, memberId, groupInstanceId, isUnknown)
  const described: ConsumerMember = {
    ...member,
    instanceId: groupInstanceId ?? member.instanceId,
    rackId: subscription.rackId ?? member.rackId,
    rebalanceTimeoutMs:
      client.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs,
    subscribedTopicNames: sortedNames(subscription.topics),
    clientId: client.clientId,
    clientHost: client.clientHost,
    classic: {
      sessionTimeoutMs: request.sessionTimeoutMs,
      supportedProtocols: Array.from(protocols, ([name, bytes]) => ({ name, metadata: bytes })),
    },
  }
  const owned = topicPartitionsByName(subscription.ownedPartitions, context.topics)
  const evolved = evolve(change, member, described, { owned, context, nowMs })
  return { memberId, evolved }
}

function checkProtocols(group: ConsumerGroup, { request, protocols }: Join): void {
  const classics = [...group.members.values()].flatMap(({ classic }) => classic ?? [])
  const isSupported = (name: string) =>
    classics.every(({ supportedProtocols }) => supportedProtocols.some((one) => one.name === name))
  if (request.protocolType !== 'consumer' || ![...protocols.keys()].some(isSupported)) {
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL')
  }
}

function joiningMember(
  change: ConsumerChange,
  memberId: string,
  instanceId: string | null,
  isUnknown: boolean,
): ConsumerMember {
  const { group } = change
  if (instanceId !== null && !isUnknown) return findStaticMember(group, memberId, instanceId)
  const former = instanceId === null ? undefined : group.staticMember(instanceId)
  if (former) return succeed(change, former, memberId, 0)
  return group.members.get(memberId) ?? newConsumerMember(memberId)
}

/** The member, if it speaks the classic protocol and is where it believes to be. */
function classicMember(
  group: ConsumerGroup,
  request: SyncRequest | HeartbeatRequest,
): ConsumerMember {
  const member = findEither(group, request.memberId, request.groupInstanceId)
  if (!member.classic) throw new KafkaError('UNKNOWN_MEMBER_ID')
  if (request.generationId !== member.memberEpoch) throw new KafkaError('ILLEGAL_GENERATION')
  return member
}

export interface ClassicBeat {
  readonly member: ConsumerMember
  /** It must join again to learn what it shall give up or may have. */
  readonly mustRejoin: boolean
}

export function beatInConsumerGroup(group: ConsumerGroup, request: HeartbeatRequest): ClassicBeat {
  const member = classicMember(group, request)
  const mustRejoin =
    member.memberEpoch < group.groupEpoch ||
    member.state === MemberState.UNREVOKED_PARTITIONS ||
    (member.state === MemberState.UNRELEASED_PARTITIONS && !group.waitsForOthers(member))
  return { member, mustRejoin }
}

export interface ClassicSync {
  readonly member: ConsumerMember
  /** Undefined: the group is ahead; it must join again. */
  readonly response: SyncResponse | undefined
}

export function syncInConsumerGroup(
  group: ConsumerGroup,
  request: SyncRequest,
  context: GroupContext,
): ClassicSync {
  const member = classicMember(group, request)
  const { supportedProtocols } = member.classic!
  const { protocolType, protocolName } = request
  const chosen = supportedProtocols[0]
  if (
    (protocolType !== null && protocolType !== 'consumer') ||
    (protocolName !== null && protocolName !== chosen?.name)
  ) {
    throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL')
  }
  if (group.groupEpoch > member.memberEpoch && member.state !== MemberState.UNREVOKED_PARTITIONS) {
    return { member, response: undefined }
  }
  const metadata = chosen?.metadata ?? noBytes
  const assignment = classicAssignment(member.assigned, metadata, context.topics)
  return {
    member,
    response: { errorCode: ErrorCode.NONE, protocolType, protocolName, assignment },
  }
}

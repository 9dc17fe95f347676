import type { ConsumerGroupHeartbeat } from '../../protocol/apis/68-consumer-group-heartbeat.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { ConsumerChange } from './consumer-change.ts'
import { evolve } from './consumer-evolution.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import {
  type ConsumerMember,
  LEFT_FOR_NOW_EPOCH,
  newConsumerMember,
  sortedNames,
} from './consumer-member.ts'
import { findMember, findStaticMember } from './consumer-membership.ts'
import type { Client, GroupContext } from './group-context.ts'
import { isSubset, samePartitions, topicPartitionsOf } from './partition-sets.ts'
import { assignorNames } from './target-assignment.ts'

export type ConsumerHeartbeatRequest = RequestOf<typeof ConsumerGroupHeartbeat>
export type ConsumerHeartbeatResponse = ResponseOf<typeof ConsumerGroupHeartbeat>

/** From here on members bring their own id. */
const MEMBER_ID_REQUIRED_SINCE = 1

/** What is wrong with the request itself, in Kafka's words and order. Throws KafkaError. */
export function checkConsumerHeartbeat(
  request: ConsumerHeartbeatRequest,
  apiVersion: number,
  context: GroupContext,
): void {
  const { memberEpoch, memberId, instanceId } = request
  const refuse = (problem: string) => {
    throw new KafkaError('INVALID_REQUEST', problem)
  }
  if (
    memberId === '' &&
    (apiVersion >= MEMBER_ID_REQUIRED_SINCE || memberEpoch > 0 || memberEpoch === -1)
  ) {
    refuse("MemberId can't be empty.")
  }
  if (request.groupId === '') refuse("GroupId can't be empty.")
  if (instanceId === '') refuse("InstanceId can't be empty.")
  if (request.rackId === '') refuse("RackId can't be empty.")
  if (memberEpoch === 0) checkJoin(request, refuse)
  else if (memberEpoch === LEFT_FOR_NOW_EPOCH) {
    if (instanceId === null) refuse("InstanceId can't be null.")
  } else if (memberEpoch < LEFT_FOR_NOW_EPOCH) refuse('MemberEpoch is invalid.')
  const { serverAssignor } = request
  const names = assignorNames(context)
  if (serverAssignor !== null && !names.includes(serverAssignor)) {
    const supported = `Supported assignors: ${names.join(', ')}.`
    const problem = `ServerAssignor ${serverAssignor} is not supported. ${supported}`
    throw new KafkaError('UNSUPPORTED_ASSIGNOR', problem)
  }
}

function checkJoin(request: ConsumerHeartbeatRequest, refuse: (problem: string) => void): void {
  if (request.rebalanceTimeoutMs === -1) {
    refuse('RebalanceTimeoutMs must be provided in first request.')
  }
  if (request.topicPartitions?.length !== 0) {
    refuse('TopicPartitions must be empty when (re-)joining.')
  }
  if (request.subscribedTopicNames === null && request.subscribedTopicRegex === null) {
    const names = 'Either SubscribedTopicNames or SubscribedTopicRegex'
    refuse(`${names} must be non-null when (re-)joining.`)
  }
}

export interface ConsumerHeartbeat {
  readonly request: ConsumerHeartbeatRequest
  readonly client: Client
  readonly context: GroupContext
  readonly nowMs: number
}

/** What a join or a regular heartbeat brings about, to be written before it is answered. */
export interface HeartbeatOutcome {
  readonly change: ConsumerChange
  readonly member: ConsumerMember
  readonly response: ConsumerHeartbeatResponse
  readonly resolveRegexes: boolean
}

/** A join or regular heartbeat, step by step as in groups.md section 7. Throws KafkaError. */
export function heartbeatConsumerGroup(
  change: ConsumerChange,
  heartbeat: ConsumerHeartbeat,
): HeartbeatOutcome {
  const { request, client, context, nowMs } = heartbeat
  const memberId = request.memberId === '' ? context.randomUuidText() : request.memberId
  checkRoom(change.group, memberId, context)
  const member = currentMember(change, memberId, request)
  const described: ConsumerMember = {
    ...member,
    instanceId: request.instanceId ?? member.instanceId,
    rackId: request.rackId ?? member.rackId,
    rebalanceTimeoutMs:
      request.rebalanceTimeoutMs === -1 ? member.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    serverAssignor: request.serverAssignor ?? member.serverAssignor,
    subscribedTopicNames: request.subscribedTopicNames
      ? sortedNames(request.subscribedTopicNames)
      : member.subscribedTopicNames,
    subscribedTopicRegex: request.subscribedTopicRegex ?? member.subscribedTopicRegex,
    clientId: client.clientId,
    clientHost: client.clientHost,
    classic: null,
  }
  const owned = request.topicPartitions
  const evolved = evolve(change, member, described, { owned, context, nowMs })
  const response = {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    memberId,
    memberEpoch: evolved.member.memberEpoch,
    heartbeatIntervalMs: context.groupConfig(request.groupId).consumerHeartbeatIntervalMs,
    assignment: showsAssignment(request, member, evolved.member)
      ? { topicPartitions: topicPartitionsOf(evolved.member.assigned) }
      : null,
  }
  return { change, response, ...evolved }
}

export function checkRoom(group: ConsumerGroup, memberId: string, context: GroupContext): void {
  const { groupConsumerMaxSize } = context.settings
  if (group.members.size < groupConsumerMaxSize || group.members.has(memberId)) return
  const problem = `its maximum capacity of ${groupConsumerMaxSize} members.`
  throw new KafkaError('GROUP_MAX_SIZE_REACHED', `The consumer group has reached ${problem}`)
}

function currentMember(
  change: ConsumerChange,
  memberId: string,
  request: ConsumerHeartbeatRequest,
): ConsumerMember {
  const { memberEpoch, instanceId, topicPartitions } = request
  const joins = memberEpoch === 0
  if (instanceId === null) {
    const known = change.group.members.get(memberId)
    if (!known && joins) return newConsumerMember(memberId)
    const member = findMember(change.group, memberId)
    if (!joins) checkEpoch(member, memberEpoch, topicPartitions)
    return member
  }
  if (!joins) {
    const member = findStaticMember(change.group, memberId, instanceId)
    checkEpoch(member, memberEpoch, topicPartitions)
    return member
  }
  const former = change.group.staticMember(instanceId)
  if (!former) return change.group.members.get(memberId) ?? newConsumerMember(memberId)
  if (former.memberEpoch !== LEFT_FOR_NOW_EPOCH) {
    throw new KafkaError(
      'UNRELEASED_INSTANCE_ID',
      `Static member ${memberId} with instance id ${instanceId} cannot join the group because the ` +
        `instance id is owned by ${former.memberId} member.`,
    )
  }
  return succeed(change, former, memberId, 0)
}

/** A static member is back under another id: it takes over all that the old one had. */
export function succeed(
  change: ConsumerChange,
  former: ConsumerMember,
  memberId: string,
  memberEpoch: number,
): ConsumerMember {
  const member = { ...former, memberId, memberEpoch, previousMemberEpoch: 0 }
  const target = change.target(former.memberId)
  change.remove(former.memberId)
  change.describe(member)
  change.aim(memberId, target)
  change.place(member)
  return member
}

/** An epoch behind by one is fine when the answer that raised it may have been lost. */
function checkEpoch(
  member: ConsumerMember,
  memberEpoch: number,
  owned: ConsumerHeartbeatRequest['topicPartitions'],
): void {
  if (memberEpoch === member.memberEpoch) return
  const isLostAnswer =
    memberEpoch === member.previousMemberEpoch && owned !== null && isSubset(owned, member.assigned)
  if (memberEpoch < member.memberEpoch && isLostAnswer) return
  const how = memberEpoch > member.memberEpoch ? 'greater' : 'smaller'
  throw new KafkaError(
    'FENCED_MEMBER_EPOCH',
    `The consumer group member has a ${how} member epoch (${memberEpoch}) than the one known by ` +
      `the group coordinator (${member.memberEpoch}). The member must abandon all its partitions ` +
      'and rejoin.',
  )
}

/** A member that says everything is told everything; others only what has changed. */
function showsAssignment(
  request: ConsumerHeartbeatRequest,
  before: ConsumerMember,
  after: ConsumerMember,
): boolean {
  const isFull =
    request.rebalanceTimeoutMs !== -1 &&
    (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
    request.topicPartitions !== null
  return request.memberEpoch === 0 || isFull || !samePartitions(before.assigned, after.assigned)
}

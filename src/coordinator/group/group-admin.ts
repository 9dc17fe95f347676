import type { DescribeGroups } from '../../protocol/apis/15-describe-groups.ts'
import type { ListGroups } from '../../protocol/apis/16-list-groups.ts'
import type { ConsumerGroupDescribe } from '../../protocol/apis/69-consumer-group-describe.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { ClassicGroup } from './classic-group.ts'
import { noBytes } from './classic-member.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { Group } from './group.ts'
import type { GroupContext } from './group-context.ts'
import { type TopicPartitions, topicPartitionsOf, union } from './partition-sets.ts'
import { preferredAssignor } from './target-assignment.ts'

export type DescribedGroup = ResponseOf<typeof DescribeGroups>['groups'][number]
export type ListedGroup = ResponseOf<typeof ListGroups>['groups'][number]

/** From this version of DescribeGroups on a group that is not there is an error. */
const NOT_FOUND_SINCE = 6

/** groups.md section 5. The metadata are shown while the assignment was made of them: when stable. */
export function describeClassicGroup(
  group: Group | undefined,
  groupId: string,
  apiVersion: number,
): DescribedGroup {
  if (!(group instanceof ClassicGroup)) {
    const what = group ? 'is not a classic group' : 'not found'
    return describeNothing(groupId, apiVersion, `Group ${groupId} ${what}.`)
  }
  const stable = group.state === 'Stable'
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: (stable && group.protocolName) || '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      memberMetadata: stable ? member.metadata(group.protocolName) : noBytes,
      memberAssignment: member.assignment,
    })),
  }
}

function describeNothing(
  groupId: string,
  apiVersion: number,
  errorMessage: string,
): DescribedGroup {
  const nothing = { groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
  return apiVersion >= NOT_FOUND_SINCE
    ? { ...nothing, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage }
    : { ...nothing, errorCode: ErrorCode.NONE }
}

export type DescribedConsumerGroup = ResponseOf<typeof ConsumerGroupDescribe>['groups'][number]

const MemberType = { CLASSIC: 0, CONSUMER: 1 } as const

/** groups.md section 7, "ConsumerGroupDescribe". Throws KafkaError. */
export function describeConsumerGroup(
  group: Group | undefined,
  groupId: string,
  context: GroupContext,
): DescribedConsumerGroup {
  if (!(group instanceof ConsumerGroup)) {
    const what = group ? 'is not a consumer group' : 'not found'
    throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} ${what}.`)
  }
  const named = (partitions: readonly TopicPartitions[]) => ({
    topicPartitions: partitions.flatMap(({ topicId, partitions: ofTopic }) => {
      const topic = context.topics.byId(topicId)
      return topic ? [{ topicId, topicName: topic.name, partitions: ofTopic }] : []
    }),
  })
  const members = [...group.members.values()]
  return {
    errorCode: ErrorCode.NONE,
    groupId,
    groupState: group.state,
    groupEpoch: group.groupEpoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: preferredAssignor(members, context),
    members: members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      // What it still has to give up, it has.
      assignment: named(topicPartitionsOf(union(member.assigned, member.pendingRevocation))),
      targetAssignment: named(
        Array.from(group.target(member.memberId), ([topicId, partitions]) => ({
          topicId,
          partitions,
        })),
      ),
      memberType: member.classic ? MemberType.CLASSIC : MemberType.CONSUMER,
    })),
  }
}

/** Which groups to list, in any case of letters; empty means all. */
export interface ListFilter {
  readonly statesFilter: readonly string[]
  readonly typesFilter: readonly string[]
}

export function listGroups(groups: Iterable<Group>, filter: ListFilter): ListedGroup[] {
  const states = new Set(filter.statesFilter.map((state) => state.toLowerCase()))
  const types = new Set(filter.typesFilter.map((type) => type.toLowerCase()))
  const listed: ListedGroup[] = []
  for (const group of groups) {
    if (states.size > 0 && !states.has(group.state.toLowerCase())) continue
    if (types.size > 0 && !types.has(group.type)) continue
    listed.push({
      groupId: group.groupId,
      protocolType: group.protocolType ?? '',
      groupState: group.state,
      groupType: group.type,
    })
  }
  return listed
}

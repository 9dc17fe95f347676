import type { CurrentAssignmentValue, GroupRecord, MemberMetadataValue } from './group-records.ts'
import {
  type AssignedPartitions,
  assignedFrom,
  noPartitions,
  sameAssigned,
  withEpochs,
} from './partition-sets.ts'

/** Where a member stands on the way to its target assignment (groups.md sections 6 and 8). */
export const MemberState = {
  /** Has what it shall have. */
  STABLE: 0,
  /** Must first say that it gave up what is pending revocation. */
  UNREVOKED_PARTITIONS: 1,
  /** Waits for others to give up what it shall have. */
  UNRELEASED_PARTITIONS: 2,
  /** Written by a newer broker. */
  UNKNOWN: 127,
} as const

/** Epochs of members that left. */
const LEFT_EPOCH = -1
/** A static member that will be back: it keeps its place until its session ends. */
export const LEFT_FOR_NOW_EPOCH = -2

/** What a member has that speaks the classic protocol inside a consumer group. */
export interface ClassicFacet {
  readonly sessionTimeoutMs: number
  readonly supportedProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

/** A member of a consumer group. Never changed: a change makes another one. */
export interface ConsumerMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly rackId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  /** Sorted, each once. */
  readonly subscribedTopicNames: readonly string[]
  /** '' for none. */
  readonly subscribedTopicRegex: string
  readonly serverAssignor: string | null
  /** Null for a member of the consumer protocol. */
  readonly classic: ClassicFacet | null
  readonly memberEpoch: number
  readonly previousMemberEpoch: number
  readonly state: number
  readonly assigned: AssignedPartitions
  readonly pendingRevocation: AssignedPartitions
}

export function newConsumerMember(memberId: string): ConsumerMember {
  return {
    memberId,
    instanceId: null,
    rackId: null,
    clientId: '',
    clientHost: '',
    rebalanceTimeoutMs: -1,
    subscribedTopicNames: [],
    subscribedTopicRegex: '',
    serverAssignor: null,
    classic: null,
    memberEpoch: 0,
    previousMemberEpoch: -1,
    state: MemberState.STABLE,
    assigned: noPartitions,
    pendingRevocation: noPartitions,
  }
}

export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort()
}

export function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index])
}

/** Whether both say the same of themselves: what MemberMetadata records hold. */
export function sameDescription(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.instanceId === other.instanceId &&
    one.rackId === other.rackId &&
    one.clientId === other.clientId &&
    one.clientHost === other.clientHost &&
    one.rebalanceTimeoutMs === other.rebalanceTimeoutMs &&
    sameNames(one.subscribedTopicNames, other.subscribedTopicNames) &&
    one.subscribedTopicRegex === other.subscribedTopicRegex &&
    one.serverAssignor === other.serverAssignor &&
    sameFacet(one.classic, other.classic)
  )
}

function sameFacet(one: ClassicFacet | null, other: ClassicFacet | null): boolean {
  if (one === null || other === null) return one === other
  const others = other.supportedProtocols
  return (
    one.sessionTimeoutMs === other.sessionTimeoutMs &&
    one.supportedProtocols.length === others.length &&
    one.supportedProtocols.every(({ name, metadata }, index) => {
      const protocol = others[index]!
      return name === protocol.name && metadata.equals(protocol.metadata)
    })
  )
}

/** Whether both stand at the same place: what CurrentMemberAssignment records hold. */
export function samePlace(one: ConsumerMember, other: ConsumerMember): boolean {
  return (
    one.memberEpoch === other.memberEpoch &&
    one.previousMemberEpoch === other.previousMemberEpoch &&
    one.state === other.state &&
    sameAssigned(one.assigned, other.assigned) &&
    sameAssigned(one.pendingRevocation, other.pendingRevocation)
  )
}

export function descriptionRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return {
    type: 'ConsumerGroupMemberMetadata',
    key: { groupId, memberId: member.memberId },
    value: {
      instanceId: member.instanceId,
      rackId: member.rackId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      rebalanceTimeoutMs: member.rebalanceTimeoutMs,
      serverAssignor: member.serverAssignor,
      classicMemberMetadata: member.classic,
    },
  }
}

export function describedBy(member: ConsumerMember, value: MemberMetadataValue): ConsumerMember {
  return {
    ...member,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: sortedNames(value.subscribedTopicNames),
    subscribedTopicRegex: value.subscribedTopicRegex ?? '',
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic: value.classicMemberMetadata,
  }
}

export function placeRecord(groupId: string, member: ConsumerMember): GroupRecord {
  return {
    type: 'ConsumerGroupCurrentMemberAssignment',
    key: { groupId, memberId: member.memberId },
    value: {
      memberEpoch: member.memberEpoch,
      previousMemberEpoch: member.previousMemberEpoch,
      state: member.state,
      assignedPartitions: withEpochs(member.assigned),
      partitionsPendingRevocation: withEpochs(member.pendingRevocation),
    },
  }
}

/** `value` null: the record was deleted. */
export function placedBy(
  member: ConsumerMember,
  value: CurrentAssignmentValue | null,
): ConsumerMember {
  if (value === null) {
    return {
      ...member,
      memberEpoch: LEFT_EPOCH,
      previousMemberEpoch: LEFT_EPOCH,
      state: MemberState.STABLE,
      assigned: noPartitions,
      pendingRevocation: noPartitions,
    }
  }
  const { memberEpoch, previousMemberEpoch, state } = value
  return {
    ...member,
    memberEpoch,
    previousMemberEpoch,
    state: state >= 0 && state <= 2 ? state : MemberState.UNKNOWN,
    assigned: assignedFrom(value.assignedPartitions, memberEpoch),
    pendingRevocation: assignedFrom(value.partitionsPendingRevocation, memberEpoch),
  }
}

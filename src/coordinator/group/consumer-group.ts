import type { Uuid } from '../../base/uuid.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import {
  type ConsumerMember,
  describedBy,
  MemberState,
  newConsumerMember,
  placedBy,
} from './consumer-member.ts'
import type { Committer, CommitterTopic, Group } from './group.ts'
import type { CommittedOffset } from './group-offsets.ts'
import type { GroupRecord } from './group-records.ts'
import {
  type AssignedPartitions,
  noPartitions,
  type TargetPartitions,
  targetFrom,
  union,
} from './partition-sets.ts'

/** As responses name it. Assigning: the target is older than the group. */
export type ConsumerState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable'

/** The topics that a regular expression stood for when it was last looked at. */
export interface ResolvedRegex {
  readonly topics: ReadonlySet<string>
  /** Of the metadata it was resolved against. */
  readonly version: number
  readonly timestampMs: number
}

/** From here on OffsetCommit carries member epochs. */
const MEMBER_EPOCH_SINCE = 9

/**
 * A group whose assignment the broker computes (KIP-848; groups.md sections 6 to 8). Everything
 * here changes only by `replay`, but what is marked volatile.
 */
export class ConsumerGroup implements Group {
  readonly type = 'consumer'
  readonly protocolType = 'consumer'
  readonly groupId: string
  /** Rises with every change of members, subscriptions or topics. */
  groupEpoch = 1
  /** The group epoch that the target assignment was computed for. */
  assignmentEpoch = 1
  assignmentTimestampMs = 0
  /** Of the subscribed topics, as `groupEpoch` knows them. */
  metadataHash = 0
  readonly #members = new Map<string, ConsumerMember>()
  /** Group instance id to member id. */
  readonly #staticMembers = new Map<string, string>()
  readonly #targets = new Map<string, TargetPartitions>()
  readonly #regexes = new Map<string, ResolvedRegex>()
  /** The member that has a partition, or has not given it up yet. */
  readonly #owners = new Map<Uuid, Map<number, string>>()
  /** Volatile: the metadata that subscriptions were last compared with. */
  checkedVersion = -1
  /** Volatile: classic members that were told to join again. */
  readonly rejoining = new Set<string>()
  /** Volatile: regular expressions are about to be resolved. */
  resolvingRegexes = false

  constructor(groupId: string) {
    this.groupId = groupId
  }

  get members(): ReadonlyMap<string, ConsumerMember> {
    return this.#members
  }

  get isEmpty(): boolean {
    return this.#members.size === 0
  }

  get regexes(): ReadonlyMap<string, ResolvedRegex> {
    return this.#regexes
  }

  get state(): ConsumerState {
    if (this.isEmpty) return 'Empty'
    if (this.groupEpoch > this.assignmentEpoch) return 'Assigning'
    for (const member of this.#members.values()) {
      if (!isReconciled(member, this.assignmentEpoch)) return 'Reconciling'
    }
    return 'Stable'
  }

  staticMember(instanceId: string): ConsumerMember | undefined {
    return this.#members.get(this.#staticMembers.get(instanceId) ?? '')
  }

  target(memberId: string): TargetPartitions {
    return this.#targets.get(memberId) ?? noPartitions
  }

  isFree(topicId: Uuid, partition: number): boolean {
    return !this.#owners.get(topicId)?.has(partition)
  }

  /** Whether something that `member` shall have is not given up by another yet. */
  waitsForOthers(member: ConsumerMember): boolean {
    for (const [topicId, partitions] of this.target(member.memberId)) {
      const assigned = member.assigned.get(topicId)
      for (const partition of partitions) {
        if (!assigned?.has(partition) && !this.isFree(topicId, partition)) return true
      }
    }
    return false
  }

  /** Topics by name, also those that its regular expression stands for. */
  subscribedTopics(member: ConsumerMember): ReadonlySet<string> {
    const names = new Set(member.subscribedTopicNames)
    for (const name of this.#regexes.get(member.subscribedTopicRegex)?.topics ?? []) names.add(name)
    return names
  }

  isSubscribedTo(topic: string): boolean {
    for (const member of this.#members.values()) {
      if (member.subscribedTopicNames.includes(topic)) return true
    }
    for (const { topics } of this.#regexes.values()) if (topics.has(topic)) return true
    return false
  }

  /** groups.md section 7, "Offsets in consumer groups". */
  checkOffsetCommit(committer: Committer): ErrorCode {
    const { memberId, generationIdOrMemberEpoch: epoch, transactional, apiVersion } = committer
    if (epoch < 0 && this.isEmpty) return ErrorCode.NONE
    if (transactional && epoch === -1 && memberId === '' && committer.groupInstanceId === null) {
      return ErrorCode.NONE
    }
    const member = this.#members.get(memberId)
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID
    if (!transactional && !member.classic && apiVersion < MEMBER_EPOCH_SINCE) {
      return ErrorCode.UNSUPPORTED_VERSION
    }
    if (epoch === member.memberEpoch) return ErrorCode.NONE
    const stale = member.classic ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH
    if (epoch > member.memberEpoch) return stale
    // A commit may be on its way while the epoch rises: what the member had all along counts.
    const owned = union(member.assigned, member.pendingRevocation)
    return committer.topics.every((topic) => wasAssigned(topic, owned, epoch))
      ? ErrorCode.NONE
      : stale
  }

  checkOffsetFetch(memberId: string | null, memberEpoch: number): ErrorCode {
    if (memberId === null) {
      // An epoch of nobody: Kafka fails on it, and answers so.
      return memberEpoch < 0 ? ErrorCode.NONE : ErrorCode.UNKNOWN_SERVER_ERROR
    }
    const member = this.#members.get(memberId)
    if (!member) return ErrorCode.UNKNOWN_MEMBER_ID
    if (member.memberEpoch === memberEpoch) return ErrorCode.NONE
    return member.classic ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH
  }

  checkOffsetDelete(): ErrorCode {
    return ErrorCode.NONE
  }

  retentionBaseMs(offset: CommittedOffset): number {
    return offset.commitTimestampMs
  }

  tombstones(): GroupRecord[] {
    const { groupId } = this
    const members = [...this.#members.keys()].map((memberId) => ({ groupId, memberId }))
    return [
      ...members.map((key) => deleted({ type: 'ConsumerGroupCurrentMemberAssignment', key })),
      ...members.map((key) => deleted({ type: 'ConsumerGroupTargetAssignmentMember', key })),
      deleted({ type: 'ConsumerGroupTargetAssignmentMetadata', key: { groupId } }),
      ...[...this.#regexes.keys()].map((regularExpression) =>
        deleted({ type: 'ConsumerGroupRegularExpression', key: { groupId, regularExpression } }),
      ),
      ...members.map((key) => deleted({ type: 'ConsumerGroupMemberMetadata', key })),
      deleted({ type: 'ConsumerGroupPartitionMetadata', key: { groupId } }),
      deleted({ type: 'ConsumerGroupMetadata', key: { groupId } }),
    ]
  }

  /** A record of this group, but the one that deletes the group itself. */
  replay(record: ConsumerGroupRecord): void {
    switch (record.type) {
      case 'ConsumerGroupMetadata':
        this.groupEpoch = record.value?.epoch ?? this.groupEpoch
        this.metadataHash = record.value?.metadataHash ?? 0
        break
      case 'ConsumerGroupMemberMetadata': {
        const { memberId } = record.key
        const member = this.#members.get(memberId) ?? newConsumerMember(memberId)
        this.#setMember(memberId, record.value && describedBy(member, record.value))
        break
      }
      case 'ConsumerGroupTargetAssignmentMetadata':
        this.assignmentEpoch = record.value?.assignmentEpoch ?? this.assignmentEpoch
        this.assignmentTimestampMs = record.value?.assignmentTimestamp ?? 0
        break
      case 'ConsumerGroupTargetAssignmentMember':
        if (record.value === null) this.#targets.delete(record.key.memberId)
        else this.#targets.set(record.key.memberId, targetFrom(record.value.topicPartitions))
        break
      case 'ConsumerGroupCurrentMemberAssignment': {
        const member = this.#members.get(record.key.memberId)
        // A member that is not there any more has nothing to give up.
        if (!member && record.value === null) break
        const placed = member ?? newConsumerMember(record.key.memberId)
        this.#setMember(record.key.memberId, placedBy(placed, record.value))
        break
      }
      case 'ConsumerGroupRegularExpression':
        this.#replayRegex(record)
        break
      case 'ConsumerGroupPartitionMetadata':
        break
    }
  }

  #replayRegex(record: ConsumerGroupRecord & { type: 'ConsumerGroupRegularExpression' }): void {
    const { regularExpression } = record.key
    if (record.value === null) this.#regexes.delete(regularExpression)
    else {
      const { topics, version, timestamp } = record.value
      const resolved = { topics: new Set(topics), version, timestampMs: timestamp }
      this.#regexes.set(regularExpression, resolved)
    }
  }

  #setMember(memberId: string, member: ConsumerMember | null): void {
    const former = this.#members.get(memberId)
    if (former) {
      this.#release(former)
      const { instanceId } = former
      if (instanceId !== null && this.#staticMembers.get(instanceId) === memberId) {
        this.#staticMembers.delete(instanceId)
      }
    }
    if (member === null) this.#members.delete(memberId)
    else {
      this.#members.set(memberId, member)
      if (member.instanceId !== null) this.#staticMembers.set(member.instanceId, memberId)
      this.#take(member)
    }
  }

  #release({ memberId, assigned, pendingRevocation }: ConsumerMember): void {
    for (const [topicId, partitions] of [...assigned, ...pendingRevocation]) {
      const owners = this.#owners.get(topicId)
      for (const partition of partitions.keys()) {
        if (owners?.get(partition) === memberId) owners.delete(partition)
      }
      if (owners?.size === 0) this.#owners.delete(topicId)
    }
  }

  #take({ memberId, assigned, pendingRevocation }: ConsumerMember): void {
    for (const [topicId, partitions] of [...assigned, ...pendingRevocation]) {
      let owners = this.#owners.get(topicId)
      if (!owners) {
        owners = new Map()
        this.#owners.set(topicId, owners)
      }
      for (const partition of partitions.keys()) owners.set(partition, memberId)
    }
  }
}

export function isReconciled(member: ConsumerMember, assignmentEpoch: number): boolean {
  return member.state === MemberState.STABLE && member.memberEpoch === assignmentEpoch
}

function wasAssigned(
  { topicId, partitions }: CommitterTopic,
  owned: AssignedPartitions,
  epoch: number,
): boolean {
  const epochs = owned.get(topicId)
  return partitions.every(({ partitionIndex }) => {
    const assignmentEpoch = epochs?.get(partitionIndex)
    return assignmentEpoch !== undefined && epoch >= assignmentEpoch
  })
}

export type ConsumerGroupRecord = Extract<GroupRecord, { key: { groupId: string } }>

export function isConsumerRecord(record: GroupRecord): record is ConsumerGroupRecord {
  return record.type !== 'OffsetCommit' && record.type !== 'GroupMetadata'
}

type Deleted<R> = R extends GroupRecord ? Pick<R, 'type' | 'key'> : never

/** The tombstone of a record. */
export function deleted(record: Deleted<GroupRecord>): GroupRecord {
  return { ...record, value: null } as GroupRecord
}

import type { ConsumerGroup } from './consumer-group.ts'
import { deleted } from './consumer-group.ts'
import { type ConsumerMember, descriptionRecord, placeRecord } from './consumer-member.ts'
import type { TopicsView, TopicView } from './group-context.ts'
import type { GroupRecord } from './group-records.ts'
import type { TargetPartitions } from './partition-sets.ts'

/**
 * A consumer group with changes that are decided and not yet written: reading sees them, the group
 * itself does not. `records` are what makes them true.
 */
export class ConsumerChange {
  readonly group: ConsumerGroup
  readonly records: GroupRecord[]
  groupEpoch: number
  assignmentEpoch: number
  metadataHash: number
  readonly #members = new Map<string, ConsumerMember | null>()
  readonly #targets = new Map<string, TargetPartitions>()

  /** `records` come first, such as those that make the group out of one of another type. */
  constructor(group: ConsumerGroup, records: GroupRecord[] = []) {
    this.group = group
    this.records = records
    this.groupEpoch = group.groupEpoch
    this.assignmentEpoch = group.assignmentEpoch
    this.metadataHash = group.metadataHash
  }

  get groupId(): string {
    return this.group.groupId
  }

  /** Members as they will be. */
  members(): ConsumerMember[] {
    const members: ConsumerMember[] = []
    for (const member of this.group.members.values()) {
      const changed = this.#members.get(member.memberId)
      if (changed !== null) members.push(changed ?? member)
    }
    for (const [memberId, member] of this.#members) {
      if (member !== null && !this.group.members.has(memberId)) members.push(member)
    }
    return members
  }

  target(memberId: string): TargetPartitions {
    return this.#targets.get(memberId) ?? this.group.target(memberId)
  }

  describe(member: ConsumerMember): void {
    this.#members.set(member.memberId, member)
    this.records.push(descriptionRecord(this.groupId, member))
  }

  place(member: ConsumerMember): void {
    this.#members.set(member.memberId, member)
    this.records.push(placeRecord(this.groupId, member))
  }

  /** The member is gone, with all that was kept about it. */
  remove(memberId: string): void {
    this.#members.set(memberId, null)
    const key = { groupId: this.groupId, memberId }
    this.records.push(
      deleted({ type: 'ConsumerGroupCurrentMemberAssignment', key }),
      deleted({ type: 'ConsumerGroupTargetAssignmentMember', key }),
      deleted({ type: 'ConsumerGroupMemberMetadata', key }),
    )
  }

  aim(memberId: string, target: TargetPartitions): void {
    this.#targets.set(memberId, target)
    this.records.push(targetRecord(this.groupId, memberId, target))
  }

  finishTarget(nowMs: number): void {
    this.assignmentEpoch = this.groupEpoch
    this.records.push(targetEpochRecord(this.groupId, this.groupEpoch, nowMs))
  }

  raiseEpoch(metadataHash: number): void {
    this.groupEpoch++
    this.metadataHash = metadataHash
    this.records.push(epochRecord(this.groupId, this.groupEpoch, metadataHash))
  }

  /** Of the topics that members will subscribe to, regular expressions as they stand. */
  hashOfTopics(topics: TopicsView): number {
    const topicsOf = (member: ConsumerMember) => this.group.subscribedTopics(member)
    return hashOfTopics(this.members(), topicsOf, topics)
  }

  /** How many members subscribe by a regular expression, as it will be. */
  regexSubscribers(regex: string): number {
    return this.members().filter((member) => member.subscribedTopicRegex === regex).length
  }

  forgetRegex(regularExpression: string): void {
    const key = { groupId: this.groupId, regularExpression }
    this.records.push(deleted({ type: 'ConsumerGroupRegularExpression', key }))
  }
}

export function epochRecord(groupId: string, epoch: number, metadataHash: number): GroupRecord {
  return { type: 'ConsumerGroupMetadata', key: { groupId }, value: { epoch, metadataHash } }
}

export function targetRecord(
  groupId: string,
  memberId: string,
  target: TargetPartitions,
): GroupRecord {
  const topicPartitions = Array.from(target, ([topicId, partitions]) => ({ topicId, partitions }))
  const key = { groupId, memberId }
  return { type: 'ConsumerGroupTargetAssignmentMember', key, value: { topicPartitions } }
}

export function targetEpochRecord(
  groupId: string,
  assignmentEpoch: number,
  assignmentTimestamp: number,
): GroupRecord {
  const value = { assignmentEpoch, assignmentTimestamp }
  return { type: 'ConsumerGroupTargetAssignmentMetadata', key: { groupId }, value }
}

/**
 * What the topics that `members` subscribe to look like: another number when one of them comes,
 * goes, is made anew or grows; 0 when there is none. 53 bits of FNV-1a over names, ids and counts.
 */
export function hashOfTopics(
  members: readonly ConsumerMember[],
  topicsOf: (member: ConsumerMember) => Iterable<string>,
  topics: TopicsView,
): number {
  const names = new Set<string>()
  for (const member of members) for (const name of topicsOf(member)) names.add(name)
  const known: TopicView[] = []
  for (const name of [...names].sort()) {
    const topic = topics.byName(name)
    if (topic) known.push(topic)
  }
  return known.length === 0 ? 0 : hashOf(known)
}

function hashOf(topics: readonly TopicView[]): number {
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  const add = (value: number) => {
    low = Math.imul(low ^ value, 0x01000193)
    high = Math.imul(high ^ value, 0x85ebca6b) ^ (high >>> 13)
  }
  for (const { name, topicId, partitionCount } of topics) {
    for (const text of [name, topicId]) {
      for (let index = 0; index < text.length; index++) add(text.charCodeAt(index))
      add(0x10000)
    }
    add(partitionCount)
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0) || 1
}

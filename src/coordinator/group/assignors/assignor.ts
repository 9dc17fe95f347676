import type { Uuid } from '../../../base/uuid.ts'
import type { TargetPartitions } from '../partition-sets.ts'

export interface AssignorMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly subscribedTopicIds: ReadonlySet<Uuid>
  /** Its target so far; may name topics and partitions that are gone. */
  readonly assigned: TargetPartitions
}

export interface AssignorInput {
  readonly members: readonly AssignorMember[]
  /** 0 for a topic that is gone. */
  partitionCount(topicId: Uuid): number
}

/** The target of every member, by member id. Pure: the same input gives the same output. */
export type Assignor = (input: AssignorInput) => ReadonlyMap<string, TargetPartitions>

/** Partitions in the making. */
export type Drafts = Map<string, Map<Uuid, number[]>>

export function give(drafts: Drafts, memberId: string, topicId: Uuid, partition: number): void {
  const topics = drafts.get(memberId)!
  const partitions = topics.get(topicId)
  if (partitions) partitions.push(partition)
  else topics.set(topicId, [partition])
}

export function finished(drafts: Drafts): ReadonlyMap<string, TargetPartitions> {
  for (const topics of drafts.values()) {
    for (const partitions of topics.values()) partitions.sort((one, other) => one - other)
  }
  return drafts
}

export function byMemberId(one: AssignorMember, other: AssignorMember): number {
  return one.memberId < other.memberId ? -1 : 1
}

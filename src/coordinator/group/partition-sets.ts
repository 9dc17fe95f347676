import type { Uuid } from '../../base/uuid.ts'

/** What a member has: partitions by topic id, each with the epoch at which it was assigned. */
export type AssignedPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>

/** What a member shall have: partitions by topic id, ascending. */
export type TargetPartitions = ReadonlyMap<Uuid, readonly number[]>

/** As requests and responses carry partitions. */
export interface TopicPartitions {
  readonly topicId: Uuid
  readonly partitions: readonly number[]
}

export const noPartitions: ReadonlyMap<Uuid, never> = new Map<Uuid, never>()

export function sameAssigned(one: AssignedPartitions, other: AssignedPartitions): boolean {
  if (one === other) return true
  if (one.size !== other.size) return false
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId)
    if (others?.size !== partitions.size) return false
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false
  }
  return true
}

/** Whether both have the same partitions, whenever they got them. */
export function samePartitions(one: AssignedPartitions, other: AssignedPartitions): boolean {
  if (one.size !== other.size) return false
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId)
    if (others?.size !== partitions.size) return false
    for (const partition of partitions.keys()) if (!others.has(partition)) return false
  }
  return true
}

export function sameTarget(one: TargetPartitions, other: TargetPartitions): boolean {
  if (one.size !== other.size) return false
  for (const [topicId, partitions] of one) {
    const others = other.get(topicId)
    if (others?.length !== partitions.length) return false
    if (!partitions.every((partition, index) => others[index] === partition)) return false
  }
  return true
}

export function topicPartitionsOf(assigned: AssignedPartitions): TopicPartitions[] {
  return Array.from(assigned, ([topicId, partitions]) => ({
    topicId,
    partitions: [...partitions.keys()].sort((one, other) => one - other),
  }))
}

/** With the epochs, as CurrentMemberAssignment records carry them. */
export function withEpochs(assigned: AssignedPartitions) {
  return topicPartitionsOf(assigned).map(({ topicId, partitions }) => ({
    topicId,
    partitions,
    assignmentEpochs: partitions.map((partition) => assigned.get(topicId)!.get(partition)!),
  }))
}

/** `defaultEpoch` for partitions of records from before there were epochs. */
export function assignedFrom(
  topics: readonly (TopicPartitions & { readonly assignmentEpochs?: readonly number[] | null })[],
  defaultEpoch: number,
): AssignedPartitions {
  const assigned = new Map<Uuid, Map<number, number>>()
  for (const { topicId, partitions, assignmentEpochs } of topics) {
    if (partitions.length === 0) continue
    const epochs = new Map<number, number>()
    for (const [index, partition] of partitions.entries()) {
      epochs.set(partition, assignmentEpochs?.[index] ?? defaultEpoch)
    }
    assigned.set(topicId, epochs)
  }
  return assigned
}

export function targetFrom(topics: readonly TopicPartitions[]): TargetPartitions {
  return new Map(
    topics
      .filter(({ partitions }) => partitions.length > 0)
      .map(({ topicId, partitions }) => [
        topicId,
        [...partitions].sort((one, other) => one - other),
      ]),
  )
}

/** Both together; a partition stands in one of them only. */
export function union(one: AssignedPartitions, other: AssignedPartitions): AssignedPartitions {
  if (one.size === 0) return other
  if (other.size === 0) return one
  const both = new Map(one)
  for (const [topicId, partitions] of other) {
    both.set(topicId, new Map([...(both.get(topicId) ?? []), ...partitions]))
  }
  return both
}

/** Whether every one of `topics` is in `assigned`. */
export function isSubset(
  topics: readonly TopicPartitions[],
  assigned: AssignedPartitions,
): boolean {
  return topics.every(({ topicId, partitions }) => {
    const epochs = assigned.get(topicId)
    return partitions.every((partition) => epochs?.has(partition) ?? false)
  })
}

/** Whether any of `topics` is in `assigned`. */
export function overlaps(
  topics: readonly TopicPartitions[],
  assigned: AssignedPartitions,
): boolean {
  return topics.some(({ topicId, partitions }) => {
    const epochs = assigned.get(topicId)
    return epochs !== undefined && partitions.some((partition) => epochs.has(partition))
  })
}

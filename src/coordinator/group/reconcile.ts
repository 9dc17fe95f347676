import type { Uuid } from '../../base/uuid.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { isReconciled } from './consumer-group.ts'
import { type ConsumerMember, MemberState } from './consumer-member.ts'
import {
  type AssignedPartitions,
  noPartitions,
  overlaps,
  type TargetPartitions,
  type TopicPartitions,
} from './partition-sets.ts'

export interface Reconciliation {
  readonly group: ConsumerGroup
  readonly assignmentEpoch: number
  readonly target: TargetPartitions
  readonly subscribedTopicIds: ReadonlySet<Uuid>
  /** What it subscribes to changed just now: what it is not subscribed to any more goes at once. */
  readonly subscriptionChanged: boolean
  /** What the member says it has; null when it does not say. */
  readonly owned: readonly TopicPartitions[] | null
}

/**
 * Takes a member one step towards its target: give up first, then get what others gave up (KIP-848;
 * groups.md section 8). The same member when there is nothing to do.
 */
export function reconcile(member: ConsumerMember, facts: Reconciliation): ConsumerMember {
  const { assignmentEpoch, subscriptionChanged, owned } = facts
  switch (member.state) {
    case MemberState.STABLE:
      if (!isReconciled(member, assignmentEpoch)) return advance(member, member.memberEpoch, facts)
      return subscriptionChanged ? dropUnsubscribed(member, facts) : member
    case MemberState.UNREVOKED_PARTITIONS: {
      const current = subscriptionChanged ? dropUnsubscribed(member, facts) : member
      if (stillOwns(current.pendingRevocation, owned)) return current
      return advance(current, current.memberEpoch, facts)
    }
    case MemberState.UNRELEASED_PARTITIONS:
      return advance(member, member.memberEpoch, facts)
    default:
      // Written by a newer broker: begin again, once the member says that it has nothing.
      return owned?.length === 0 ? advance(member, assignmentEpoch, facts) : member
  }
}

/** Who does not say what it has may still have it. */
function stillOwns(pending: AssignedPartitions, owned: readonly TopicPartitions[] | null): boolean {
  return owned === null || overlaps(owned, pending)
}

type Partitions = Map<Uuid, Map<number, number>>

function advance(
  member: ConsumerMember,
  memberEpoch: number,
  facts: Reconciliation,
): ConsumerMember {
  const { group, assignmentEpoch, target, subscribedTopicIds, owned } = facts
  const kept: Partitions = new Map()
  const revoked: Partitions = new Map()
  const added: Partitions = new Map()
  let unreleased = false
  for (const topicId of new Set([...target.keys(), ...member.assigned.keys()])) {
    const wanted = subscribedTopicIds.has(topicId) ? (target.get(topicId) ?? []) : []
    const current = member.assigned.get(topicId) ?? new Map<number, number>()
    const wantedSet = new Set(wanted)
    for (const [partition, epoch] of current) {
      put(wantedSet.has(partition) ? kept : revoked, topicId, partition, epoch)
    }
    for (const partition of wanted) {
      if (current.has(partition)) continue
      if (group.isFree(topicId, partition)) put(added, topicId, partition, assignmentEpoch)
      else unreleased = true
    }
  }
  if (revoked.size > 0 && stillOwns(revoked, owned)) {
    return {
      ...atEpoch(member, memberEpoch),
      state: MemberState.UNREVOKED_PARTITIONS,
      assigned: kept,
      pendingRevocation: revoked,
    }
  }
  for (const [topicId, partitions] of added) {
    for (const [partition, epoch] of partitions) put(kept, topicId, partition, epoch)
  }
  return {
    ...atEpoch(member, assignmentEpoch),
    state: unreleased ? MemberState.UNRELEASED_PARTITIONS : MemberState.STABLE,
    assigned: kept,
    pendingRevocation: noPartitions,
  }
}

function atEpoch(member: ConsumerMember, memberEpoch: number): ConsumerMember {
  return { ...member, memberEpoch, previousMemberEpoch: member.memberEpoch }
}

/** Moves what the member is not subscribed to any more from assigned to pending revocation. */
function dropUnsubscribed(member: ConsumerMember, facts: Reconciliation): ConsumerMember {
  const kept: Partitions = new Map()
  const pending: Partitions = new Map()
  for (const [topicId, partitions] of member.pendingRevocation) {
    pending.set(topicId, new Map(partitions))
  }
  let dropped = false
  for (const [topicId, partitions] of member.assigned) {
    if (facts.subscribedTopicIds.has(topicId)) {
      kept.set(topicId, new Map(partitions))
      continue
    }
    dropped = true
    for (const [partition, epoch] of partitions) put(pending, topicId, partition, epoch)
  }
  if (!dropped) return member
  const isWaiting = stillOwns(pending, facts.owned)
  return {
    ...member,
    state: isWaiting ? MemberState.UNREVOKED_PARTITIONS : member.state,
    assigned: kept,
    pendingRevocation: isWaiting ? pending : noPartitions,
  }
}

function put(partitions: Partitions, topicId: Uuid, partition: number, epoch: number): void {
  const ofTopic = partitions.get(topicId)
  if (ofTopic) ofTopic.set(partition, epoch)
  else partitions.set(topicId, new Map([[partition, epoch]]))
}

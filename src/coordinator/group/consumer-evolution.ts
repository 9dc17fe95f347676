import type { ConsumerChange } from './consumer-change.ts'
import { isReconciled } from './consumer-group.ts'
import { type ConsumerMember, sameDescription, sameNames, samePlace } from './consumer-member.ts'
import type { GroupContext } from './group-context.ts'
import type { TopicPartitions } from './partition-sets.ts'
import { reconcile } from './reconcile.ts'
import { followRegex } from './regex-subscription.ts'
import { subscribedTopicIds, updateTarget } from './target-assignment.ts'

export interface EvolutionFacts {
  readonly owned: readonly TopicPartitions[] | null
  readonly context: GroupContext
  readonly nowMs: number
}

export interface Evolved {
  readonly member: ConsumerMember
  /** Regular expressions are to be resolved once this is written. */
  readonly resolveRegexes: boolean
}

/**
 * The common way of all members, whichever protocol they speak (groups.md section 7, steps 5 to 8):
 * what it says of itself, the group's epoch, the target, and the member's next step towards it.
 * Throws KafkaError.
 */
export function evolve(
  change: ConsumerChange,
  member: ConsumerMember,
  described: ConsumerMember,
  { owned, context, nowMs }: EvolutionFacts,
): Evolved {
  const regex = followRegex(change, member, described, context, nowMs)
  const namesChanged = !sameNames(member.subscribedTopicNames, described.subscribedTopicNames)
  if (!sameDescription(member, described)) change.describe(described)
  followTopics(change, namesChanged || regex.isResolvedAnew, context)
  if (change.groupEpoch > change.assignmentEpoch && mayAssign(change, context, nowMs)) {
    updateTarget(change, context, nowMs)
  }
  const subscriptionChanged = namesChanged || regex.isChanged
  if (!subscriptionChanged && isReconciled(described, change.assignmentEpoch)) {
    return { member: described, resolveRegexes: regex.resolve }
  }
  const reconciled = reconcile(described, {
    group: change.group,
    assignmentEpoch: change.assignmentEpoch,
    target: change.target(described.memberId),
    subscribedTopicIds: subscribedTopicIds(change.group, described, context.topics),
    subscriptionChanged,
    owned,
  })
  if (!samePlace(described, reconciled)) change.place(reconciled)
  return { member: reconciled, resolveRegexes: regex.resolve }
}

/** Another subscription, or other topics under the same one: another group epoch. */
function followTopics(change: ConsumerChange, isChanged: boolean, context: GroupContext): void {
  const { topics } = context
  if (!isChanged && change.group.checkedVersion === topics.version) return
  const metadataHash = change.hashOfTopics(topics)
  if (isChanged || metadataHash !== change.metadataHash) change.raiseEpoch(metadataHash)
}

/** Several changes within the interval make one assignment. */
function mayAssign(change: ConsumerChange, context: GroupContext, nowMs: number): boolean {
  const { assignmentTimestampMs } = change.group
  const elapsedMs = nowMs - assignmentTimestampMs
  const { consumerAssignmentIntervalMs } = context.groupConfig(change.groupId)
  return elapsedMs < 0 || elapsedMs >= consumerAssignmentIntervalMs
}

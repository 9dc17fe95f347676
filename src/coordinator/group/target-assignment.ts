import type { Uuid } from '../../base/uuid.ts'
import type { Assignor } from './assignors/assignor.ts'
import { rangeAssignor } from './assignors/range-assignor.ts'
import { uniformAssignor } from './assignors/uniform-assignor.ts'
import type { ConsumerChange } from './consumer-change.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerMember } from './consumer-member.ts'
import type { GroupContext, TopicsView } from './group-context.ts'
import { noPartitions, sameTarget } from './partition-sets.ts'

const assignors: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', uniformAssignor],
  ['range', rangeAssignor],
])

/** Kafka lets `group.consumer.assignors` name its classes, too. */
const namesByClass = new Map([
  ['org.apache.kafka.coordinator.group.assignor.UniformAssignor', 'uniform'],
  ['org.apache.kafka.coordinator.group.assignor.RangeAssignor', 'range'],
])

/** Those that are switched on and known, the default first. */
export function assignorNames(context: GroupContext): readonly string[] {
  const names = context.settings.groupConsumerAssignors
    .map((name) => namesByClass.get(name) ?? name)
    .filter((name) => assignors.has(name))
  return names.length > 0 ? names : ['uniform']
}

/** The one that most members ask for. */
export function preferredAssignor(
  members: Iterable<ConsumerMember>,
  context: GroupContext,
): string {
  const names = assignorNames(context)
  const votes = new Map<string, number>()
  for (const { serverAssignor } of members) {
    if (serverAssignor === null || !names.includes(serverAssignor)) continue
    votes.set(serverAssignor, (votes.get(serverAssignor) ?? 0) + 1)
  }
  let preferred = names[0]!
  for (const [name, count] of votes) if (count > (votes.get(preferred) ?? 0)) preferred = name
  return preferred
}

export function subscribedTopicIds(
  group: ConsumerGroup,
  member: ConsumerMember,
  topics: TopicsView,
): ReadonlySet<Uuid> {
  const ids = new Set<Uuid>()
  for (const name of group.subscribedTopics(member)) {
    const topic = topics.byName(name)
    if (topic) ids.add(topic.topicId)
  }
  return ids
}

/** Computes the target for the group as it will be, and writes what differs. */
export function updateTarget(change: ConsumerChange, context: GroupContext, nowMs: number): void {
  const { topics } = context
  const members = change.members()
  const assign = assignors.get(preferredAssignor(members, context))!
  const targets = assign({
    members: members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      subscribedTopicIds: subscribedTopicIds(change.group, member, topics),
      assigned: change.target(member.memberId),
    })),
    partitionCount: (topicId) => topics.byId(topicId)?.partitionCount ?? 0,
  })
  for (const { memberId } of members) {
    const target = targets.get(memberId) ?? noPartitions
    if (!sameTarget(target, change.target(memberId))) change.aim(memberId, target)
  }
  change.finishTarget(nowMs)
}

import type { Uuid } from '../../../base/uuid.ts'
import {
  type Assignor,
  type AssignorMember,
  byMemberId,
  type Drafts,
  finished,
  give,
} from './assignor.ts'

/**
 * Each topic is cut into as many ranges as it has subscribers, the first ones longer by one where
 * it does not divide. Members stand in the same order for every topic, static ones first by
 * instance id, so partitions of the same number of topics alike come to the same member.
 */
export const rangeAssignor: Assignor = ({ members, partitionCount }) => {
  const ordered = [...members].sort(byPlace)
  const drafts: Drafts = new Map(ordered.map(({ memberId }) => [memberId, new Map()]))
  for (const [topicId, subscribers] of subscribersByTopic(ordered)) {
    const count = partitionCount(topicId)
    const shortLength = Math.floor(count / subscribers.length)
    const longOnes = count % subscribers.length
    let partition = 0
    for (const [index, { memberId }] of subscribers.entries()) {
      const end = partition + shortLength + (index < longOnes ? 1 : 0)
      for (; partition < end; partition++) give(drafts, memberId, topicId, partition)
    }
  }
  return finished(drafts)
}

function subscribersByTopic(members: readonly AssignorMember[]): Map<Uuid, AssignorMember[]> {
  const topics = new Map<Uuid, AssignorMember[]>()
  for (const member of members) {
    for (const topicId of member.subscribedTopicIds) {
      const subscribers = topics.get(topicId)
      if (subscribers) subscribers.push(member)
      else topics.set(topicId, [member])
    }
  }
  return topics
}

function byPlace(one: AssignorMember, other: AssignorMember): number {
  if (one.instanceId !== null && other.instanceId !== null) {
    return one.instanceId < other.instanceId ? -1 : 1
  }
  if (one.instanceId === null && other.instanceId === null) return byMemberId(one, other)
  return one.instanceId === null ? 1 : -1
}

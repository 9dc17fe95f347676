import type { Uuid } from '../../../base/uuid.ts'
import {
  type Assignor,
  type AssignorInput,
  type AssignorMember,
  byMemberId,
  type Drafts,
  finished,
  give,
} from './assignor.ts'

interface Place {
  readonly topicId: Uuid
  readonly partition: number
}

/**
 * Every member gets as many partitions as every other, or one less, where subscriptions allow; of
 * the ways to do so one that moves few of those it has.
 */
export const uniformAssignor: Assignor = (input) => {
  const members = [...input.members].sort(byMemberId)
  if (members.length === 0) return new Map()
  const sorted = { members, partitionCount: input.partitionCount }
  return haveSameSubscription(members) ? spreadEvenly(sorted) : spreadByNeed(sorted)
}

function haveSameSubscription([first, ...others]: readonly AssignorMember[]): boolean {
  const topics = first!.subscribedTopicIds
  return others.every(({ subscribedTopicIds }) => {
    if (subscribedTopicIds.size !== topics.size) return false
    for (const topicId of subscribedTopicIds) if (!topics.has(topicId)) return false
    return true
  })
}

/** All subscribe to the same topics: quotas say who keeps how many. */
function spreadEvenly({ members, partitionCount }: AssignorInput) {
  const left = unassigned(members[0]!.subscribedTopicIds, partitionCount)
  const total = [...left.values()].reduce((sum, partitions) => sum + partitions.size, 0)
  const quota = Math.floor(total / members.length)
  let extras = total % members.length
  const drafts: Drafts = new Map(members.map(({ memberId }) => [memberId, new Map()]))
  const counts = new Map<string, number>()
  for (const member of members) {
    const kept = keep(member, quota + (extras > 0 ? 1 : 0), left, drafts)
    if (kept > quota) extras--
    counts.set(member.memberId, kept)
  }
  const places = placesOf(left)
  const fill = (memberId: string, upTo: number) => {
    let count = counts.get(memberId)!
    for (; count < upTo; count++) {
      const place = places.next().value
      if (!place) break
      give(drafts, memberId, place.topicId, place.partition)
    }
    counts.set(memberId, count)
  }
  for (const { memberId } of members) fill(memberId, quota)
  for (const { memberId } of members) {
    if (extras > 0 && counts.get(memberId) === quota) {
      fill(memberId, quota + 1)
      extras--
    }
  }
  return finished(drafts)
}

/** Leaves a member up to `quota` of what it has; answers how many. */
function keep(
  { memberId, assigned }: AssignorMember,
  quota: number,
  left: ReadonlyMap<Uuid, Set<number>>,
  drafts: Drafts,
): number {
  let count = 0
  for (const [topicId, partitions] of assigned) {
    for (const partition of partitions) {
      if (count >= quota) return count
      if (!left.get(topicId)?.delete(partition)) continue
      give(drafts, memberId, topicId, partition)
      count++
    }
  }
  return count
}

function unassigned(
  topicIds: Iterable<Uuid>,
  partitionCount: AssignorInput['partitionCount'],
): Map<Uuid, Set<number>> {
  const topics = new Map<Uuid, Set<number>>()
  for (const topicId of [...topicIds].sort()) {
    const partitions = new Set<number>()
    for (let partition = 0; partition < partitionCount(topicId); partition++) {
      partitions.add(partition)
    }
    topics.set(topicId, partitions)
  }
  return topics
}

function* placesOf(topics: ReadonlyMap<Uuid, Iterable<number>>): IterableIterator<Place> {
  for (const [topicId, partitions] of topics) {
    for (const partition of partitions) yield { topicId, partition }
  }
}

/**
 * Subscriptions differ: partitions of topics that few want are given first, each to whoever has
 * least; then the richest give to the poorest until nobody has two more than one who could take.
 */
function spreadByNeed({ members, partitionCount }: AssignorInput) {
  const subscribers = new Map<Uuid, string[]>()
  for (const { memberId, subscribedTopicIds } of members) {
    for (const topicId of subscribedTopicIds) {
      const wanting = subscribers.get(topicId)
      if (wanting) wanting.push(memberId)
      else subscribers.set(topicId, [memberId])
    }
  }
  const left = unassigned(subscribers.keys(), partitionCount)
  const load = new Map(members.map(({ memberId }) => [memberId, 0]))
  const owners = new Map<Uuid, Map<number, string>>()
  const own = (topicId: Uuid, partition: number, memberId: string) => {
    let ofTopic = owners.get(topicId)
    if (!ofTopic) {
      ofTopic = new Map()
      owners.set(topicId, ofTopic)
    }
    ofTopic.set(partition, memberId)
    load.set(memberId, load.get(memberId)! + 1)
  }
  for (const { memberId, subscribedTopicIds, assigned } of members) {
    for (const { topicId, partition } of placesOf(assigned)) {
      if (!subscribedTopicIds.has(topicId)) continue
      if (left.get(topicId)?.delete(partition)) own(topicId, partition, memberId)
    }
  }
  const wanted = [...left].sort(
    ([one], [other]) => subscribers.get(one)!.length - subscribers.get(other)!.length,
  )
  for (const [topicId, partitions] of wanted) {
    for (const partition of partitions) {
      own(topicId, partition, poorest(subscribers.get(topicId)!, load))
    }
  }
  balance(owners, subscribers, load)
  const drafts: Drafts = new Map(members.map(({ memberId }) => [memberId, new Map()]))
  for (const [topicId, ofTopic] of owners) {
    for (const [partition, memberId] of ofTopic) give(drafts, memberId, topicId, partition)
  }
  return finished(drafts)
}

/** Every move makes the loads more alike, so this comes to an end. */
function balance(
  owners: ReadonlyMap<Uuid, Map<number, string>>,
  subscribers: ReadonlyMap<Uuid, readonly string[]>,
  load: Map<string, number>,
): void {
  for (let moved = true; moved; ) {
    moved = false
    for (const [topicId, ofTopic] of owners) {
      // From the end, so that the first partitions stay where they are.
      for (const [partition, owner] of [...ofTopic].reverse()) {
        const other = poorest(subscribers.get(topicId)!, load)
        if (load.get(owner)! - load.get(other)! < 2) continue
        ofTopic.set(partition, other)
        load.set(owner, load.get(owner)! - 1)
        load.set(other, load.get(other)! + 1)
        moved = true
      }
    }
  }
}

function poorest(memberIds: readonly string[], load: ReadonlyMap<string, number>): string {
  let best = memberIds[0]!
  for (const memberId of memberIds) if (load.get(memberId)! < load.get(best)!) best = memberId
  return best
}

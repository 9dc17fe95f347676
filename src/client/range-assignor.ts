import type { TopicPartition } from './list-offsets.ts'

export interface Subscription {
  readonly memberId: string
  readonly topics: readonly string[]
}

/**
 * Kafka's range assignor: of each topic every subscriber gets a range, the first ones in the order
 * of member ids one partition more where they do not divide evenly.
 */
export function assignRanges(
  subscriptions: readonly Subscription[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, TopicPartition[]> {
  const assigned = new Map(subscriptions.map(({ memberId }) => [memberId, [] as TopicPartition[]]))
  for (const [topic, count] of [...partitionCounts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const members = subscriptions
      .filter(({ topics }) => topics.includes(topic))
      .map(({ memberId }) => memberId)
      .sort()
    const each = Math.floor(count / members.length)
    const oneMore = count % members.length
    let next = 0
    members.forEach((memberId, index) => {
      const end = next + each + (index < oneMore ? 1 : 0)
      for (; next < end; next++) assigned.get(memberId)!.push({ topic, partition: next })
    })
  }
  return assigned
}

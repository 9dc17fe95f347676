import type { Broker } from '../../broker/broker.ts'
import type { GroupCoordinator } from '../../coordinator/group/group-coordinator.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { PrometheusText } from './prometheus-text.ts'

interface Committed {
  readonly labels: {
    readonly consumergroup: string
    readonly topic: string
    readonly partition: number
  }
  readonly offset: number
  readonly lag: number
}

/**
 * Offsets and lag of groups, under kafka_exporter's names. All of it is in memory: what is told is
 * true at the time of the scrape, for groups with and without members.
 */
export function writeGroupMetrics(text: PrometheusText, brokers: readonly Broker[]): void {
  const coordinators = brokers.flatMap(loaded)
  const committed = brokers.flatMap((broker) =>
    loaded(broker).flatMap((coordinator) => [...offsetsOf(coordinator, broker)]),
  )
  text.family('kafka_consumergroup_members', 'gauge', 'Members of a group.')
  let groupCount = 0
  for (const { groups } of coordinators) {
    groupCount += groups.size
    for (const { groupId, members } of groups.values()) {
      text.sample(members.size, { consumergroup: groupId })
    }
  }
  text.family('kafka_consumergroup_current_offset', 'gauge', 'Offset that a group committed.')
  for (const { labels, offset } of committed) text.sample(offset, labels)
  text.family('kafka_consumergroup_lag', 'gauge', 'Records that a group has not committed.')
  for (const { labels, lag } of committed) text.sample(lag, labels)
  writeSums(text, committed)
  const name = 'kafka_coordinator_group_groupmetadatamanager_numgroups'
  text.single(name, 'gauge', 'Groups.', groupCount)
}

/** None while one of them is being loaded: half of the groups would look like a loss. */
function loaded({ groups }: Broker): readonly GroupCoordinator[] {
  try {
    return groups.readAll()
  } catch (error) {
    if (error instanceof KafkaError) return []
    throw error
  }
}

function* offsetsOf({ offsets }: GroupCoordinator, { engine }: Broker): Generator<Committed> {
  const { topicsByName } = engine.metadata.image
  for (const { groupId, topic, partition, value } of offsets.committed.entries()) {
    const image = topicsByName.get(topic)
    if (!image) continue
    const bounds = engine.log.bounds({ topicId: image.topicId, partition })
    if (bounds.errorCode !== ErrorCode.NONE) continue
    const offset = value.committedOffset
    const labels = { consumergroup: groupId, topic, partition }
    yield { labels, offset, lag: Math.max(0, bounds.highWatermark - offset) }
  }
}

function writeSums(text: PrometheusText, committed: readonly Committed[]): void {
  const sums = new Map<string, { labels: Record<string, string>; offset: number; lag: number }>()
  for (const { labels, offset, lag } of committed) {
    const { consumergroup, topic } = labels
    const key = `${topic} ${consumergroup}`
    const sum = sums.get(key) ?? { labels: { consumergroup, topic }, offset: 0, lag: 0 }
    sum.offset += offset
    sum.lag += lag
    sums.set(key, sum)
  }
  text.family('kafka_consumergroup_current_offset_sum', 'gauge', 'Offsets of a group in a topic.')
  for (const { labels, offset } of sums.values()) text.sample(offset, labels)
  text.family('kafka_consumergroup_lag_sum', 'gauge', 'Lag of a group in a topic.')
  for (const { labels, lag } of sums.values()) text.sample(lag, labels)
}

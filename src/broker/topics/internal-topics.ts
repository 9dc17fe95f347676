import type { Settings } from '../../settings/settings.ts'
import type { NewTopic } from './plan-topic.ts'

type Config = readonly [name: string, value: string]

/** What an internal topic is made with; undefined for any other topic. */
export function internalTopicSpec(name: string, settings: Settings): NewTopic | undefined {
  switch (name) {
    case '__consumer_offsets':
      return spec(
        name,
        settings.offsetsTopicNumPartitions,
        settings.offsetsTopicReplicationFactor,
        ['cleanup.policy', 'compact'],
        ['compression.type', 'producer'],
        ['segment.bytes', String(settings.offsetsTopicSegmentBytes)],
      )
    case '__transaction_state':
      return spec(
        name,
        settings.transactionStateLogNumPartitions,
        settings.transactionStateLogReplicationFactor,
        ['cleanup.policy', 'compact'],
        ['compression.type', 'uncompressed'],
        ['min.insync.replicas', String(settings.transactionStateLogMinIsr)],
        ['segment.bytes', String(settings.transactionStateLogSegmentBytes)],
        ['unclean.leader.election.enable', 'false'],
      )
    case '__share_group_state':
      return spec(
        name,
        settings.shareCoordinatorStateTopicNumPartitions,
        settings.shareCoordinatorStateTopicReplicationFactor,
        ['cleanup.policy', 'delete'],
        ['compression.type', 'producer'],
        ['min.insync.replicas', String(settings.shareCoordinatorStateTopicMinIsr)],
        ['retention.ms', '-1'],
        ['segment.bytes', String(settings.shareCoordinatorStateTopicSegmentBytes)],
      )
    default:
      return undefined
  }
}

function spec(
  name: string,
  numPartitions: number,
  replicationFactor: number,
  ...configs: Config[]
): NewTopic {
  return {
    name,
    numPartitions,
    replicationFactor,
    assignments: [],
    configs: configs.map(([key, value]) => ({ name: key, value })),
  }
}

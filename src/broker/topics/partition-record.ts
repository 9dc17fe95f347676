import { type Uuid, ZERO_UUID } from '../../base/uuid.ts'
import type { MetadataImage, MetadataRecord } from '../../storage/metadata-store.ts'

/** The record of a new partition: led by its first live replica, in sync where a broker lives. */
export function partitionRecord(
  image: MetadataImage,
  {
    topicId,
    partition,
    replicas,
  }: { topicId: Uuid; partition: number; replicas: readonly number[] },
): MetadataRecord {
  const isr = replicas.filter((id) => image.brokers.get(id)?.fenced === false)
  return {
    type: 'PartitionRecord',
    value: {
      partitionId: partition,
      topicId,
      replicas,
      isr,
      removingReplicas: [],
      addingReplicas: [],
      leader: isr[0] ?? -1,
      leaderEpoch: 0,
      partitionEpoch: 0,
      directories: replicas.map((id) => directoryOf(image, id)),
    },
  }
}

/** Where a broker puts a partition, when there is no choice; else it is not assigned yet. */
export function directoryOf(image: MetadataImage, brokerId: number): Uuid {
  const directories = image.brokers.get(brokerId)?.logDirs ?? []
  return directories.length === 1 ? directories[0]! : ZERO_UUID
}

import { UNASSIGNED_DIRECTORY, type Uuid } from '../../base/uuid.ts'
import type { NewPlacement } from '../../storage/engine.ts'
import type { MetadataImage, MetadataRecord } from '../../storage/metadata-store.ts'

/** The record of a new partition: led by its first live replica, in sync where a broker lives. */
export function partitionRecord(
  image: MetadataImage,
  {
    topicId,
    partition,
    replicas,
    place,
  }: {
    topicId: Uuid
    partition: number
    replicas: readonly number[]
    place?: NewPlacement | undefined
  },
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
      directories: replicas.map((id) => directoryOf(image, id, place)),
    },
  }
}

/**
 * Where a broker puts a partition: into a directory that is not cordoned, if there is one. Without
 * `place` it is not assigned yet when there is a choice.
 */
export function directoryOf(image: MetadataImage, brokerId: number, place?: NewPlacement): Uuid {
  const { logDirs = [], cordonedLogDirs } = image.brokers.get(brokerId) ?? {}
  if (logDirs.length === 1) return logDirs[0]!
  const open = logDirs.filter((id) => !cordonedLogDirs?.includes(id))
  return place?.(open.length > 0 ? open : logDirs) ?? UNASSIGNED_DIRECTORY
}

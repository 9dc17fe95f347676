import type { PartitionImage } from '../../storage/metadata-store.ts'

/** How many replicas have to be in sync: `min.insync.replicas`, but no more than there are. */
export function minIsr(
  { replicas }: Pick<PartitionImage, 'replicas'>,
  minInsyncReplicas: number,
): number {
  return Math.min(minInsyncReplicas, replicas.length)
}

/** Whether what wants all replicas in sync is refused with NOT_ENOUGH_REPLICAS. */
export function isUnderMinIsr(
  partition: Pick<PartitionImage, 'replicas' | 'isr'>,
  minInsyncReplicas: number,
): boolean {
  return partition.isr.length < minIsr(partition, minInsyncReplicas)
}

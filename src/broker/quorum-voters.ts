import { formatUuid, type Uuid } from '../base/uuid.ts'
import { KafkaError } from '../protocol/error-code.ts'

/** Null stands for whatever cluster it is. */
export function requireCluster(asked: string | null, clusterId: string): void {
  if (asked === null || asked === clusterId) return
  const message = `The given id "${asked}" doesn't match the cluster id "${clusterId}"`
  throw new KafkaError('INCONSISTENT_CLUSTER_ID', message)
}

/** A voter as Kafka prints it. */
export function replicaKey(voter: { voterId: number; directoryId: Uuid }): string {
  return `ReplicaKey(id=${voter.voterId}, directoryId=${formatUuid(voter.directoryId)})`
}

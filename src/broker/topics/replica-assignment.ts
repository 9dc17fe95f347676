import { KafkaError } from '../../protocol/error-code.ts'
import type { BrokerImage } from '../../storage/metadata-store.ts'

/**
 * Where the replicas of new partitions go. A process may present several brokers over one store, so
 * there can be more than one to choose from.
 */

type Brokers = ReadonlyMap<number, BrokerImage>

/**
 * Brokers for `count` new partitions, first one leads. Leaders go around the brokers from `start`
 * on; fenced brokers get no leader but may hold replicas, after the live ones. Cordoned ones get none.
 */
export function placeReplicas(
  brokers: Brokers,
  { count, replicationFactor, start }: { count: number; replicationFactor: number; start: number },
): number[][] {
  const ids = Array.from(brokers.keys()).sort((a, b) => a - b)
  const live = ids.filter((id) => !brokers.get(id)!.fenced && !isCordoned(brokers.get(id)!))
  const fenced = ids.filter((id) => brokers.get(id)!.fenced)
  if (replicationFactor > ids.length) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): The target replication ` +
        `factor of ${replicationFactor} cannot be reached because only ${ids.length} broker(s) ` +
        'are registered or some brokers have all their log directories cordoned.',
    )
  }
  if (live.length === 0) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `Unable to replicate the partition ${replicationFactor} time(s): All brokers are currently ` +
        'fenced, or have all their log directories cordoned.',
    )
  }
  return Array.from({ length: count }, (_, index) => {
    const first = (start + index) % live.length
    const turned = [...live.slice(first), ...live.slice(0, first), ...fenced]
    return turned.slice(0, replicationFactor)
  })
}

/** None of its directories takes new partitions (KIP-1066). */
function isCordoned({ logDirs, cordonedLogDirs }: BrokerImage): boolean {
  return logDirs.length > 0 && logDirs.every((id) => cordonedLogDirs?.includes(id))
}

/**
 * Checks the brokers that a client chose for one partition. `replicaCount` is the number that the
 * other partitions of the topic have, undefined for the first one.
 */
export function checkAssignment(
  brokers: Brokers,
  replicas: readonly number[],
  replicaCount: number | undefined,
): void {
  const refuse = (why: string) => {
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', `The manual partition assignment ${why}`)
  }
  if (replicas.length === 0) refuse('includes an empty replica list.')
  const sorted = [...replicas].sort((a, b) => a - b)
  for (const [index, id] of sorted.entries()) {
    if (!brokers.has(id)) refuse(`includes broker ${id}, but no such broker is registered.`)
    if (id === sorted[index - 1]) refuse(`includes the broker ${id} more than once.`)
  }
  if (replicaCount !== undefined && replicas.length !== replicaCount) {
    refuse(
      `includes a partition with ${replicas.length} replica(s), but this is not consistent with ` +
        `previous partitions, which have ${replicaCount} replica(s).`,
    )
  }
}

/** Kafka refuses a partition that no live broker would lead. */
export function checkSomeLive(brokers: Brokers, replicas: readonly number[]): void {
  if (replicas.some((id) => brokers.get(id)?.fenced === false)) return
  throw new KafkaError(
    'INVALID_REPLICA_ASSIGNMENT',
    'All brokers specified in the manual partition assignment for partition 0 are fenced or in ' +
      'controlled shutdown.',
  )
}

import { AlterReplicaLogDirs } from '../../protocol/apis/34-alter-replica-log-dirs.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { isCordoned } from '../../settings/log-folders.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

/** Of a directory, whose name is the topic's and more. */
const DIRECTORY_NAME_MAX = 255

/** Rules: admin-and-config.md section 9. */
export const alterReplicaLogDirs = handler(
  AlterReplicaLogDirs,
  [0, 2],
  ({ dirs }, _context, broker) => {
    const results = new Map<string, Map<number, ErrorCode>>()
    for (const { path, topics } of dirs) {
      for (const { name, partitions } of topics) {
        const outcomes = results.get(name) ?? new Map<number, ErrorCode>()
        results.set(name, outcomes)
        for (const partition of partitions) {
          outcomes.set(partition, fate(broker, path, name, partition))
        }
      }
    }
    return {
      throttleTimeMs: 0,
      results: Array.from(results, ([topicName, outcomes]) => ({
        topicName,
        partitions: Array.from(outcomes, ([partitionIndex, errorCode]) => ({
          partitionIndex,
          errorCode,
        })),
      })),
    }
  },
  {
    errorResponse: ({ dirs }, { errorCode }) => ({
      throttleTimeMs: 0,
      results: dirs.flatMap(({ topics }) =>
        topics.map(({ name, partitions }) => ({
          topicName: name,
          partitions: partitions.map((partitionIndex) => ({ partitionIndex, errorCode })),
        })),
      ),
    }),
  },
)

/** In the order in which Kafka asks. */
function fate(broker: Broker, path: string, name: string, partition: number): ErrorCode {
  const { engine, settings, brokerId } = broker
  if (`${name}-${partition}.${'f'.repeat(32)}-future`.length > DIRECTORY_NAME_MAX) {
    return ErrorCode.INVALID_TOPIC_EXCEPTION
  }
  const target = engine.directories().find((directory) => directory.path === path)
  if (!target) return ErrorCode.LOG_DIR_NOT_FOUND
  if (target.isOffline) return ErrorCode.KAFKA_STORAGE_ERROR
  const topic = engine.metadata.image.topicsByName.get(name)
  const isHere = topic?.partitions[partition]?.replicas.includes(brokerId)
  if (!topic || !isHere) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  const replica = { topicId: topic.topicId, partition }
  const isThere = engine.placeOf(replica)?.path === path
  if (!isThere && isCordoned(settings, path)) return ErrorCode.INVALID_REPLICA_ASSIGNMENT
  return engine.moveReplica(replica, path)
}

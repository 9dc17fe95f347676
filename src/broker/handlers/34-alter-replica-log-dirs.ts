import { AlterReplicaLogDirs } from '../../protocol/apis/34-alter-replica-log-dirs.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

/**
 * There is one directory, so a replica is where it is asked to be or cannot go there. Rules:
 * admin-and-config.md section 9.
 */
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

function fate({ engine }: Broker, path: string, name: string, partition: number): ErrorCode {
  const isOurs = engine.directories().some((directory) => directory.path === path)
  if (!isOurs) return ErrorCode.LOG_DIR_NOT_FOUND
  const topic = engine.metadata.image.topicsByName.get(name)
  return topic?.partitions[partition] ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}

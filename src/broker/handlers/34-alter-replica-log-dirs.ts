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
  [1, 2],
  ({ dirs }, _context, broker) => {
    const results = new Map<string, { partitionIndex: number; errorCode: ErrorCode }[]>()
    for (const { path, topics } of dirs) {
      for (const { name, partitions } of topics) {
        const outcomes = results.get(name) ?? []
        results.set(name, outcomes)
        for (const partitionIndex of partitions) {
          outcomes.push({ partitionIndex, errorCode: fate(broker, path, name, partitionIndex) })
        }
      }
    }
    return {
      throttleTimeMs: 0,
      results: Array.from(results, ([topicName, partitions]) => ({ topicName, partitions })),
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
  const topic = engine.metadata.image.topicsByName.get(name)
  if (!topic?.partitions[partition]) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  const isOurs = engine.directories().some((directory) => directory.path === path)
  return isOurs ? ErrorCode.NONE : ErrorCode.LOG_DIR_NOT_FOUND
}

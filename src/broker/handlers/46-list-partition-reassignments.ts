import { ListPartitionReassignments } from '../../protocol/apis/46-list-partition-reassignments.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/**
 * Partitions are in the middle of a move while brokers that they are to move to are down, or where a
 * stopped Kafka left them so. Rules: admin-and-config.md section 2.
 */
export const listPartitionReassignments = handler(
  ListPartitionReassignments,
  [0, 0],
  ({ topics }, _context, { engine }) => {
    const { topicsByName } = engine.metadata.image
    const asked =
      topics?.map(({ name, partitionIndexes }) => ({ name, only: new Set(partitionIndexes) })) ??
      Array.from(topicsByName.keys(), (name) => ({ name, only: undefined }))
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      errorMessage: null,
      topics: asked
        .map(({ name, only }) => ({
          name,
          partitions: (topicsByName.get(name)?.partitions ?? [])
            .filter(({ addingReplicas, removingReplicas, partition }) => {
              const moves = addingReplicas.length > 0 || removingReplicas.length > 0
              return moves && (only?.has(partition) ?? true)
            })
            .map(({ partition, replicas, addingReplicas, removingReplicas }) => ({
              partitionIndex: partition,
              replicas,
              addingReplicas,
              removingReplicas,
            })),
        }))
        .filter(({ partitions }) => partitions.length > 0),
    }
  },
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error, topics: [] }) },
)

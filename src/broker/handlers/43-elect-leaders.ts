import { ElectLeaders } from '../../protocol/apis/43-elect-leaders.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { errorMessage as messageOf } from '../../protocol/error-message.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { MetadataImage } from '../../storage/metadata-store.ts'
import { handler } from '../handler.ts'

type Request = RequestOf<typeof ElectLeaders>
type Response = ResponseOf<typeof ElectLeaders>
type PartitionResult = Response['replicaElectionResults'][number]['partitionResult'][number]

const PREFERRED = 0
const UNCLEAN = 1

/**
 * All replicas of a process share one store and every partition has a leader from the start on, so
 * there is never one to elect. Rules: admin-and-config.md section 2.
 */
export const electLeaders = handler(
  ElectLeaders,
  [0, 2],
  (request, _context, { engine }) => {
    const { image } = engine.metadata
    const { electionType, topicPartitions } = request
    // As Kafka, which then looks at nothing else.
    if (topicPartitions?.length === 0) return inError(request, ErrorCode.NONE, null)
    if (electionType !== PREFERRED && electionType !== UNCLEAN) {
      const errorMessage = `Unknown election type ${electionType}`
      return inError(request, ErrorCode.INVALID_REQUEST, errorMessage)
    }
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      replicaElectionResults:
        topicPartitions === null
          ? Array.from(image.topicsByName.keys(), (topic) => ({ topic, partitionResult: [] }))
          : topicPartitions.map(({ topic, partitions }) => ({
              topic,
              partitionResult: partitions.map((partition) => elect(image, topic, partition)),
            })),
    }
  },
  {
    errorResponse: (request, { errorCode, errorMessage }) =>
      inError(request, errorCode, errorMessage),
  },
)

function inError(
  { topicPartitions }: Request,
  errorCode: ErrorCode,
  errorMessage: string | null,
): Response {
  return {
    throttleTimeMs: 0,
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
    })),
  }
}

function elect(image: MetadataImage, name: string, partitionId: number): PartitionResult {
  const topic = image.topicsByName.get(name)
  const unknown = (errorMessage: string) => {
    return { partitionId, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage }
  }
  if (!topic) return unknown(`No such topic as ${name}`)
  if (!topic.partitions[partitionId]) return unknown(`No such partition as ${name}-${partitionId}`)
  const errorCode = ErrorCode.ELECTION_NOT_NEEDED
  return { partitionId, errorCode, errorMessage: messageOf(errorCode) }
}

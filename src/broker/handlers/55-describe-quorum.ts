import { DescribeQuorum } from '../../protocol/apis/55-describe-quorum.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { errorMessage as messageOf } from '../../protocol/error-message.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { MetadataImage } from '../../storage/metadata-store.ts'
import { handler } from '../handler.ts'
import { CLUSTER_METADATA_TOPIC } from '../topic-name.ts'

type Response = ResponseOf<typeof DescribeQuorum>

/**
 * The quorum is the log of this one node. Kafka answers for the whole request or not at all: any
 * other partition in it is an error for each. Rules: admin-and-config.md section 9.
 */
export const describeQuorum = handler(
  DescribeQuorum,
  [0, 2],
  (request, { nowMs }, { engine }) => {
    const { image } = engine.metadata
    if (!asksForTheQuorum(request)) return unknown(request)
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      topics: [{ topicName: CLUSTER_METADATA_TOPIC, partitions: [describe(image, nowMs)] }],
      nodes: image.quorum.voters
        .filter(({ listeners }) => listeners.length > 0)
        .map(({ voterId, listeners }) => ({ nodeId: voterId, listeners })),
    }
  },
  { errorResponse: (_, error) => ({ ...error, topics: [], nodes: [] }) },
)

function asksForTheQuorum({ topics }: RequestOf<typeof DescribeQuorum>): boolean {
  const [topic] = topics
  return (
    topics.length === 1 &&
    topic!.topicName === CLUSTER_METADATA_TOPIC &&
    topic!.partitions.length === 1 &&
    topic!.partitions[0]!.partitionIndex === 0
  )
}

function unknown({ topics }: RequestOf<typeof DescribeQuorum>): Response {
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    topics: topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode,
        errorMessage: messageOf(errorCode),
        leaderId: 0,
        leaderEpoch: 0,
        highWatermark: 0,
        currentVoters: [],
        observers: [],
      })),
    })),
    nodes: [],
  }
}

function describe({ quorum, offset }: MetadataImage, nowMs: number) {
  const logEndOffset = offset + 1
  return {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    leaderId: quorum.leaderId,
    leaderEpoch: quorum.leaderEpoch,
    highWatermark: logEndOffset,
    currentVoters: quorum.voters.map(({ voterId, directoryId }) => ({
      replicaId: voterId,
      replicaDirectoryId: directoryId,
      logEndOffset,
      lastFetchTimestamp: nowMs,
      lastCaughtUpTimestamp: nowMs,
    })),
    observers: [],
  }
}

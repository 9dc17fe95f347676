import { ZERO_UUID } from '../../base/uuid.ts'
import { DescribeQuorum } from '../../protocol/apis/55-describe-quorum.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { errorMessage as messageOf } from '../../protocol/error-message.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { MetadataImage, QuorumImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { controllerId } from '../controller.ts'
import { handler } from '../handler.ts'
import { isUnfenced } from '../registration.ts'
import { CLUSTER_METADATA_TOPIC } from '../topics/topic-name.ts'

type Response = ResponseOf<typeof DescribeQuorum>

/**
 * The quorum is the log of this one node; several brokers are told as its voters, all with the same.
 * Kafka answers for the whole request or not at all: any other partition in it is an error for each.
 * Rules: admin-and-config.md section 9.
 */
export const describeQuorum = handler(
  DescribeQuorum,
  [0, 2],
  (request, { nowMs }, broker) => {
    const { voters, leaderId } = quorumOf(broker)
    const { image } = broker.engine.metadata
    if (!asksForTheQuorum(request)) return unknown(request)
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      topics: [
        {
          topicName: CLUSTER_METADATA_TOPIC,
          partitions: [describe(image, { voters, leaderId }, nowMs)],
        },
      ],
      nodes: voters
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

type Voter = QuorumImage['voters'][number] & { readonly isUp: boolean }

interface Quorum {
  readonly leaderId: number
  readonly voters: readonly Voter[]
}

function quorumOf(broker: Broker): Quorum {
  const { presentedIds, engine } = broker
  const { image } = engine.metadata
  const { voters } = image.quorum
  if (presentedIds.length === 1) {
    const all = voters.map((voter) => ({ ...voter, isUp: true }))
    return { leaderId: image.quorum.leaderId, voters: all }
  }
  const own = voters.find(({ voterId }) => voterId === presentedIds[0])
  const told = presentedIds.map((voterId, index) => ({
    voterId,
    directoryId: image.brokers.get(voterId)?.logDirs[0] ?? ZERO_UUID,
    listeners: (own?.listeners ?? []).map((one) => ({ ...one, port: one.port + index })),
    isUp: isUnfenced(image, voterId),
  }))
  return { leaderId: controllerId(broker), voters: told }
}

function describe({ quorum, offset }: MetadataImage, told: Quorum, nowMs: number) {
  const highWatermark = offset + 1
  return {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: '',
    leaderId: told.leaderId,
    leaderEpoch: quorum.leaderEpoch,
    highWatermark,
    currentVoters: told.voters.map(({ voterId, directoryId, isUp }) => ({
      replicaId: voterId,
      replicaDirectoryId: directoryId,
      logEndOffset: isUp ? highWatermark : -1,
      lastFetchTimestamp: isUp ? nowMs : -1,
      lastCaughtUpTimestamp: isUp ? nowMs : -1,
    })),
    observers: [],
  }
}

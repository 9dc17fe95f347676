import { ZERO_UUID } from '../../base/uuid.ts'
import { DescribeTopicPartitions } from '../../protocol/apis/75-describe-topic-partitions.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { PartitionImage, TopicImage } from '../../storage/metadata-store.ts'
import { allTopicOperations } from '../authorized-operations.ts'
import { handler } from '../handler.ts'
import { isInternalTopic, isLegalTopicName } from '../topics/topic-name.ts'

type Request = RequestOf<typeof DescribeTopicPartitions>
type Response = ResponseOf<typeof DescribeTopicPartitions>
type TopicDescription = Response['topics'][number]
type Cursor = NonNullable<Request['cursor']>

/** Topics by name, page by page. Rules: api-keys.md section 6, observed.md. */
export const describeTopicPartitions = handler(
  DescribeTopicPartitions,
  [0, 0],
  (request, _context, { engine, settings }) => {
    const { topicsByName } = engine.metadata.image
    const { cursor } = request
    const asked = new Set(
      request.topics.length > 0 ? request.topics.map(({ name }) => name) : topicsByName.keys(),
    )
    if (cursor && !(asked.has(cursor.topicName) && cursor.partitionIndex >= 0)) {
      return inError(asked, ErrorCode.INVALID_REQUEST)
    }
    const names = Array.from(asked).sort(byCodeUnits)
    const limit = Math.min(request.responsePartitionLimit, settings.maxRequestPartitionSizeLimit)
    return page(names, topicsByName, cursor, Math.max(1, limit))
  },
  {
    errorResponse: ({ topics }, { errorCode }) =>
      inError(new Set(topics.map(({ name }) => name)), errorCode),
  },
)

function inError(names: ReadonlySet<string>, errorCode: ErrorCode): Response {
  return {
    throttleTimeMs: 0,
    topics: Array.from(names, (name) => ({
      errorCode,
      name,
      topicId: ZERO_UUID,
      partitions: [],
    })),
  }
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

function page(
  names: readonly string[],
  topicsByName: ReadonlyMap<string, TopicImage>,
  cursor: Cursor | null,
  limit: number,
): Response {
  const topics: TopicDescription[] = []
  let room = limit
  for (const name of names) {
    if (cursor && name < cursor.topicName) continue
    // A full page that ends with a topic goes on at the start of the next one.
    if (room === 0) return answer(topics, { topicName: name, partitionIndex: 0 })
    const topic = topicsByName.get(name)
    const first = name === cursor?.topicName ? cursor.partitionIndex : 0
    const partitions = topic?.partitions.slice(first, first + room) ?? []
    topics.push(topic ? describe(topic, partitions) : unknown(name))
    room -= partitions.length
    const next = first + partitions.length
    if (topic && next < topic.partitions.length) {
      return answer(topics, { topicName: name, partitionIndex: next })
    }
  }
  return answer(topics, null)
}

function answer(topics: TopicDescription[], nextCursor: Cursor | null): Response {
  return { throttleTimeMs: 0, topics, nextCursor }
}

function unknown(name: string): TopicDescription {
  return {
    errorCode: isLegalTopicName(name)
      ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      : ErrorCode.INVALID_TOPIC_EXCEPTION,
    name,
    topicId: ZERO_UUID,
    isInternal: isInternalTopic(name),
    partitions: [],
    topicAuthorizedOperations: allTopicOperations,
  }
}

function describe(topic: TopicImage, partitions: readonly PartitionImage[]): TopicDescription {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: isInternalTopic(topic.name),
    partitions: partitions.map((partition) => ({
      errorCode: ErrorCode.NONE,
      partitionIndex: partition.partition,
      leaderId: partition.leader,
      leaderEpoch: partition.leaderEpoch,
      replicaNodes: partition.replicas,
      isrNodes: partition.isr,
      eligibleLeaderReplicas: partition.eligibleLeaderReplicas,
      lastKnownElr: partition.lastKnownElr,
      offlineReplicas: [],
    })),
    topicAuthorizedOperations: allTopicOperations,
  }
}

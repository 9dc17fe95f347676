import { DescribeProducers } from '../../protocol/apis/61-describe-producers.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { errorMessage } from '../../protocol/error-message.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { ledPartition } from '../partitions.ts'
import { topicNameProblem } from '../topics/topic-name.ts'

type Described = ResponseOf<typeof DescribeProducers>['topics'][number]['partitions'][number]

/** What partitions remember of their producers (reference: transactions.md section 11). */
export const describeProducers = handler(
  DescribeProducers,
  [0, 0],
  (request, _context, broker) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => {
      const describe = describerOf(name, broker)
      return { name, partitions: partitionIndexes.map(describe) }
    }),
  }),
  {
    errorResponse: (request, { errorCode }) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitionIndexes }) => ({
        name,
        partitions: partitionIndexes.map((partitionIndex) => refusal(partitionIndex, errorCode)),
      })),
    }),
  },
)

/** Kafka has words for what is wrong with a topic, and none for a partition. */
function refusal(
  partitionIndex: number,
  errorCode: ErrorCode,
  message: string | null = null,
): Described {
  return { partitionIndex, errorCode, errorMessage: message, activeProducers: [] }
}

function describerOf(name: string, broker: Broker): (partitionIndex: number) => Described {
  const problem = topicNameProblem(name)
  if (problem !== undefined) {
    return (partitionIndex) => refusal(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION, problem)
  }
  const topic = broker.engine.metadata.image.topicsByName.get(name)
  if (topic) return (partitionIndex) => describe(partitionIndex, topic, broker)
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return (partitionIndex) => refusal(partitionIndex, errorCode, errorMessage(errorCode))
}

function describe(partitionIndex: number, topic: TopicImage, broker: Broker): Described {
  const led = ledPartition(broker, topic, partitionIndex)
  if (typeof led === 'number') return refusal(partitionIndex, led)
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    activeProducers: broker.engine.log
      .producers({ topicId: topic.topicId, partition: partitionIndex })
      .map(({ lastTimestampMs, ...producer }) => ({ ...producer, lastTimestamp: lastTimestampMs })),
  }
}

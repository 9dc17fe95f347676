import { DescribeProducers } from '../../protocol/apis/61-describe-producers.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { errorMessage } from '../../protocol/error-message.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { ledPartition } from '../partitions.ts'
import { topicNameProblem } from '../topic-name.ts'

type Described = ResponseOf<typeof DescribeProducers>['topics'][number]['partitions'][number]

/** What partitions remember of their producers (reference: transactions.md section 11). */
export const describeProducers = handler(
  DescribeProducers,
  [0, 0],
  (request, _context, broker) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => {
      const topic = broker.engine.metadata.image.topicsByName.get(name)
      const problem = topicNameProblem(name)
      const partitions = partitionIndexes.map((partitionIndex) =>
        problem === undefined
          ? describe(partitionIndex, topic, broker)
          : refusal(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION, problem),
      )
      return { name, partitions }
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

function refusal(
  partitionIndex: number,
  errorCode: ErrorCode,
  message: string = errorMessage(errorCode),
): Described {
  return { partitionIndex, errorCode, errorMessage: message, activeProducers: [] }
}

function describe(
  partitionIndex: number,
  topic: TopicImage | undefined,
  broker: Broker,
): Described {
  const led = ledPartition(broker, topic, partitionIndex)
  if (typeof led === 'number') return refusal(partitionIndex, led)
  const where = { topicId: topic!.topicId, partition: partitionIndex }
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    activeProducers: broker.engine.log
      .producers(where)
      .map(({ lastTimestampMs, ...producer }) => ({ ...producer, lastTimestamp: lastTimestampMs })),
  }
}

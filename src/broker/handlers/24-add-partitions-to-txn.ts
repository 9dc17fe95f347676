import type { TopicPartitions } from '../../coordinator/transaction/partition-set.ts'
import type { TransactionProducer } from '../../coordinator/transaction/transaction-coordinator.ts'
import { AddPartitionsToTxn } from '../../protocol/apis/24-add-partitions-to-txn.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { isInternalTopic } from '../topics/topic-name.ts'

type Request = RequestOf<typeof AddPartitionsToTxn>
type TopicResults = ResponseOf<typeof AddPartitionsToTxn>['resultsByTopicV3AndBelow']

/** Several transactions at once, of which some are only asked about; from brokers. */
const BATCHED_SINCE = 4
/** Older clients do not know PRODUCER_FENCED. */
const FENCED_SINCE = 2

/** One transaction of the request, in the shape of the newest version. */
interface Asked extends TransactionProducer {
  readonly topics: readonly TopicPartitions[]
  readonly verifyOnly: boolean
  readonly isFromClient: boolean
}

/** What is answered for a partition. */
type CodeOf = (topic: string, partition: number) => ErrorCode

/**
 * Adds partitions to transactions, all that are asked for or none (reference: transactions.md
 * section 5).
 */
export const addPartitionsToTxn = handler(
  AddPartitionsToTxn,
  [0, 5],
  async (request, { apiVersion }, broker) => {
    if (apiVersion < BATCHED_SINCE) {
      const asked = classicTransaction(request)
      const codeOf = await answer(asked, broker)
      const fenced = apiVersion < FENCED_SINCE
      const results = resultsOf(asked.topics, fenced ? asOldFence(codeOf) : codeOf)
      return { throttleTimeMs: 0, resultsByTopicV3AndBelow: results }
    }
    const answers = request.transactions.map(async (transaction) => {
      const { transactionalId, verifyOnly } = transaction
      const topics = transaction.topics.map(topicPartitions)
      const asked = { ...transaction, topics, verifyOnly, isFromClient: false }
      return { transactionalId, topicResults: resultsOf(topics, await answer(asked, broker)) }
    })
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      resultsByTransaction: await Promise.all(answers),
    }
  },
  {
    errorResponse: (request, { errorCode }, apiVersion) =>
      apiVersion < BATCHED_SINCE
        ? {
            throttleTimeMs: 0,
            resultsByTopicV3AndBelow: resultsOf(
              classicTransaction(request).topics,
              () => errorCode,
            ),
          }
        : { throttleTimeMs: 0, errorCode, resultsByTransaction: [] },
  },
)

function classicTransaction(request: Request): Asked {
  return {
    transactionalId: request.v3AndBelowTransactionalId,
    producerId: request.v3AndBelowProducerId,
    producerEpoch: request.v3AndBelowProducerEpoch,
    topics: request.v3AndBelowTopics.map(topicPartitions),
    verifyOnly: false,
    isFromClient: true,
  }
}

function topicPartitions(topic: {
  readonly name: string
  readonly partitions: readonly number[]
}): TopicPartitions {
  return { topic: topic.name, partitionIds: topic.partitions }
}

async function answer(asked: Asked, broker: Broker): Promise<CodeOf> {
  const codeOf = unknownPartitions(asked, broker)
  if (codeOf) return codeOf
  try {
    return asked.verifyOnly ? verify(asked, broker) : await add(asked, broker)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return () => error.errorCode
  }
}

/** Undefined when every partition is there. Otherwise the others are not even tried. */
function unknownPartitions(asked: Asked, broker: Broker): CodeOf | undefined {
  const { topicsByName } = broker.engine.metadata.image
  const codeOf: CodeOf = (topic, partition) => {
    // Clients have no right to write to them.
    if (asked.isFromClient && isInternalTopic(topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    return topicsByName.get(topic)?.partitions[partition]
      ? ErrorCode.OPERATION_NOT_ATTEMPTED
      : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  }
  const isComplete = asked.topics.every(({ topic, partitionIds }) =>
    partitionIds.every(
      (partition) => codeOf(topic, partition) === ErrorCode.OPERATION_NOT_ATTEMPTED,
    ),
  )
  return isComplete ? undefined : codeOf
}

function verify(asked: Asked, broker: Broker): CodeOf {
  const coordinator = broker.transactions.read(asked.transactionalId)
  return (topic, partition) => coordinator.verifyPartition(asked, topic, partition)
}

async function add(asked: Asked, broker: Broker): Promise<CodeOf> {
  const clientTransactionVersion = asked.isFromClient ? 0 : 2
  const errorCode = await broker.transactions.submit<ErrorCode>(
    asked.transactionalId,
    (coordinator, to, nowMs) =>
      coordinator.addPartitions({ ...asked, clientTransactionVersion }, to, nowMs),
  )
  return () => errorCode
}

function asOldFence(codeOf: CodeOf): CodeOf {
  return (topic, partition) => {
    const errorCode = codeOf(topic, partition)
    return errorCode === ErrorCode.PRODUCER_FENCED ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode
  }
}

function resultsOf(topics: readonly TopicPartitions[], codeOf: CodeOf): NonNullable<TopicResults> {
  return topics.map(({ topic, partitionIds }) => ({
    name: topic,
    resultsByPartition: partitionIds.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: codeOf(topic, partitionIndex),
    })),
  }))
}

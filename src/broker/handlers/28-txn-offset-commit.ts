import { ZERO_UUID } from '../../base/uuid.ts'
import { TxnOffsetCommit } from '../../protocol/apis/28-txn-offset-commit.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { clientOf } from '../coordinators/group-service.ts'
import { mergeAnswers, sortTopics } from '../coordinators/group-topics.ts'
import { handler, type RequestContext } from '../handler.ts'
import { settled } from '../settled.ts'

type Request = RequestOf<typeof TxnOffsetCommit>
type Topics = ResponseOf<typeof TxnOffsetCommit>['topics']

/** Older clients do not know COORDINATOR_LOAD_IN_PROGRESS here. */
const LOADING_SINCE = 2
/** Older clients do not know TRANSACTION_ABORTABLE. */
const ABORTABLE_SINCE = 4
/** Adds the offsets partition by itself from here on (KIP-890). */
const ADDS_SINCE = 5

/**
 * Stores offsets of a group that are pending until the transaction ends (reference: transactions.md
 * section 6). v6, by topic ids, is newer than Apache Kafka 4.3.
 */
export const txnOffsetCommit = handler(
  TxnOffsetCommit,
  [0, 5],
  (request, context, broker) => {
    const { apiVersion } = context
    const { known, refused } = sortTopics(request.topics, false, broker)
    const answer = (topics: Topics) => ({
      throttleTimeMs: 0,
      topics: mergeAnswers(refused, topics, false).map((topic) => ({
        ...topic,
        partitions: topic.partitions.map(({ partitionIndex, errorCode }) => ({
          partitionIndex,
          errorCode: forClient(errorCode, apiVersion),
        })),
      })),
    })
    if (known.length === 0) return answer([])
    if (request.groupId === '') return answer(inError(known, ErrorCode.INVALID_GROUP_ID))
    // Kafka does not note the ids of topics with offsets in a transaction.
    const topics = known.map((topic) => ({ ...topic, topicId: ZERO_UUID }))
    return settled(commit({ ...request, topics }, context, broker), answer)
  },
  {
    errorResponse: ({ topics }, { errorCode }, apiVersion) => ({
      throttleTimeMs: 0,
      topics: inError(topics, forClient(errorCode, apiVersion)),
    }),
  },
)

function commit(
  request: Request,
  context: RequestContext,
  broker: Broker,
): Topics | Promise<Topics> {
  const { groups, transactions } = broker
  // Kafka believes a producer that names no transactional id.
  if (request.transactionalId === '') return store(request, context, broker, () => ErrorCode.NONE)
  const partition = { topic: groups.topicName, partition: groups.partitionOf(request.groupId) }
  const { admission } = transactions
  const verify = () => admission.verify(request, [partition])[0]!
  if (context.apiVersion < ADDS_SINCE) return store(request, context, broker, verify)
  return admission.add(request, [partition], context.nowMs, ([errorCode]) =>
    errorCode === ErrorCode.NONE
      ? store(request, context, broker, verify)
      : inError(request.topics, errorCode!),
  )
}

/** Asks once more when the group's turn has come: the transaction may have ended meanwhile. */
function store(
  request: Request,
  context: RequestContext,
  { groups }: Broker,
  verify: () => ErrorCode,
): Topics | Promise<Topics> {
  const stored = groups.submit<{ readonly topics: Topics }>(
    request.groupId,
    (coordinator, to, nowMs) => {
      const errorCode = verify()
      if (errorCode === ErrorCode.NONE) {
        return coordinator.txnOffsetCommit(request, clientOf(context), to, nowMs)
      }
      const response = { topics: inError(request.topics, errorCode) }
      return [{ type: 'reply', to, response }]
    },
  )
  return settled(stored, ({ topics }) => topics)
}

function forClient(errorCode: number, apiVersion: number): number {
  switch (errorCode) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH
    case ErrorCode.TRANSACTION_ABORTABLE:
      return apiVersion < ABORTABLE_SINCE ? ErrorCode.INVALID_TXN_STATE : errorCode
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
      return apiVersion < LOADING_SINCE ? ErrorCode.COORDINATOR_NOT_AVAILABLE : errorCode
    default:
      return errorCode
  }
}

function inError(topics: Request['topics'], errorCode: number): Topics {
  return topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }))
}

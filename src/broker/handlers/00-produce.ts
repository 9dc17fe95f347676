import type { TransactionProducer } from '../../coordinator/transaction/transaction-coordinator.ts'
import { Produce } from '../../protocol/apis/00-produce.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { BATCH_HEADER_BYTES, type BatchView } from '../../protocol/records/batch.ts'
import { upConvert } from '../../protocol/records/convert.ts'
import {
  checkProduceRecords,
  firstBatchIsTransactional,
  validateCheckedBatch,
} from '../../protocol/records/validate.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { AppendItem, AppendResult, TopicPartition } from '../../storage/engine.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import {
  appendInTransaction,
  type TransactionalBatches,
} from '../coordinators/transactional-append.ts'
import { closeConnection, Held, handler, type Outcome, type RequestContext } from '../handler.ts'
import { LeaderHints } from '../leader-hints.ts'
import { ledPartition } from '../partitions.ts'
import { recordSettings } from '../record-settings.ts'
import { settled } from '../settled.ts'
import { isUnderMinIsr } from '../topics/min-isr.ts'
import { isInternalTopic } from '../topics/topic-name.ts'

type Request = RequestOf<typeof Produce>
type TopicRequest = Request['topicData'][number]
type PartitionRequest = TopicRequest['partitionData'][number]
type Response = ResponseOf<typeof Produce>
type PartitionResponse = Response['responses'][number]['partitionResponses'][number]

const NO_RECORDS = Buffer.alloc(0)
/** Versions before this one carry message sets of formats 0 and 1. */
const BATCHES_SINCE = 3
const NO_ACKS = 0
const LEADER_ACKS = 1
const ALL_ACKS = -1
/** The one client that may write to internal topics, as in Kafka. */
const INTERNAL_CLIENT = '__admin_client'

/**
 * Appends batches: checks in the order of fetch-and-network.md section 3, then one append for the
 * whole request. Partitions fail one by one.
 */
export const produce = handler(
  Produce,
  [0, 13],
  (request, context, broker) => {
    requireAuthorizedTransaction(request)
    const plan = new ProducePlan(request, context, broker)
    const { transaction } = plan
    if (plan.items.length === 0 && !transaction) return answer(plan, [])
    if (transaction) {
      const results = appendInTransaction(plan.items, transaction, context, broker)
      return settled(results, (appended) => answer(plan, appended))
    }
    const { log } = broker.engine
    if (context.mayHold && !plan.mustClose) {
      const outcome = log.hold(plan.items, { nowMs: context.nowMs })
      return new Held(() => settled(outcome(), (appended) => answer(plan, appended)))
    }
    const results = log.append(plan.items, { nowMs: context.nowMs })
    if (!(results instanceof Promise)) return answer(plan, results)
    context.startNext()
    return results.then((appended) => answer(plan, appended))
  },
  {
    errorResponse: (request, error) => {
      if (request.acks === NO_ACKS) return closeConnection
      const { errorCode, errorMessage } = error
      return {
        responses: request.topicData.map(({ name, topicId, partitionData }) => ({
          name,
          topicId,
          partitionResponses: partitionData.map(({ index }) => ({
            index,
            errorCode,
            errorMessage,
            baseOffset: -1,
          })),
        })),
      }
    },
  },
)

/** Reads the flags of the batches, not of the request: those are what is stored. */
function requireAuthorizedTransaction({ transactionalId, topicData }: Request): void {
  let isTransactional = false
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (firstBatchIsTransactional(records ?? NO_RECORDS)) isTransactional = true
    }
  }
  if (isTransactional && transactionalId === null) {
    throw new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
  }
}

/** One partition of the request on its way to an answer. */
interface PlannedPartition {
  readonly index: number
  /** What is wrong already; undefined: the batch is at `itemIndex` of the append. */
  refusal: PartitionResponse | undefined
  readonly itemIndex: number
  readonly logAppendTimeMs: number
}

interface PlannedTopic {
  readonly name: string
  readonly topicId: string
  readonly image: TopicImage | undefined
  readonly partitions: PlannedPartition[]
}

/** Which partitions are refused, and what is appended for the others. */
class ProducePlan {
  readonly topics: PlannedTopic[] = []
  readonly items: AppendItem[] = []
  readonly context: RequestContext
  readonly broker: Broker
  readonly acks: number
  readonly #transactionalId: string | null
  #producer: TransactionProducer | undefined
  readonly #transactional: TransactionalBatches['partitions'][number][] = []
  #isRefusing = false

  constructor(request: Request, context: RequestContext, broker: Broker) {
    this.context = context
    this.broker = broker
    this.acks = request.acks
    this.#transactionalId = request.transactionalId
    for (const topic of eachTopicOnce(request.topicData)) this.#addTopic(topic)
  }

  /** What is refused cannot be said but by closing: nothing that comes behind it begins. */
  get mustClose(): boolean {
    return this.acks === NO_ACKS && this.#isRefusing
  }

  /** Undefined when no batch belongs to a transaction. */
  get transaction(): TransactionalBatches | undefined {
    return this.#producer && { producer: this.#producer, partitions: this.#transactional }
  }

  #addTopic({ name, topicId, partitionData }: TopicRequest): void {
    const { topicsById, topicsByName } = this.broker.engine.metadata.image
    const byId = this.context.apiVersion >= 13
    const image = byId ? topicsById.get(topicId) : topicsByName.get(name)
    // Kafka answers for partitions: a topic without any is left out.
    if (partitionData.length === 0) return
    const partitions = eachPartitionOnce(partitionData).map(({ index, records }) => {
      if (byId && !image) return this.#refuse(index, ErrorCode.UNKNOWN_TOPIC_ID)
      return this.#addPartition(image, index, records ?? NO_RECORDS)
    })
    this.topics.push({ name, topicId, image, partitions })
  }

  #addPartition(
    topic: TopicImage | undefined,
    index: number,
    records: Uint8Array,
  ): PlannedPartition {
    const led = ledPartition(this.broker, topic, index)
    if (led === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return this.#refuse(index, led)
    const batch = this.#batchOf(records)
    if (typeof batch === 'number') return this.#refuse(index, batch)
    if (typeof led === 'number') return this.#refuse(index, led)
    if (isInternalTopic(topic!.name) && this.context.clientId !== INTERNAL_CLIENT) {
      return this.#refuse(index, ErrorCode.INVALID_TOPIC_EXCEPTION)
    }
    const config = this.broker.topics.config(topic!)
    if (this.acks === ALL_ACKS && isUnderMinIsr(led, config.minInsyncReplicas)) {
      const where = { topicId: topic!.topicId, partition: index }
      const errorCode = ErrorCode.NOT_ENOUGH_REPLICAS
      const logStartOffset = logStartOnError(errorCode, where, this.broker)
      return this.#refuse(index, errorCode, { logStartOffset })
    }
    return this.#validate(topic!, index, batch)
  }

  /**
   * The records as one v2 batch, or what is wrong with the request more than with the records: that
   * is checked before it is known whether anything can be stored.
   */
  #batchOf(records: Uint8Array): BatchView | ErrorCode {
    const { acks } = this
    const { apiVersion } = this.context
    try {
      const isLegacy = apiVersion < BATCHES_SINCE
      const batch = checkProduceRecords(
        isLegacy ? upConvert(records) : records,
        isLegacy ? BATCHES_SINCE : apiVersion,
      )
      const acksAreKnown = acks === NO_ACKS || acks === LEADER_ACKS || acks === ALL_ACKS
      return acksAreKnown ? batch : ErrorCode.INVALID_REQUIRED_ACKS
    } catch (error) {
      if (error instanceof KafkaError) return error.errorCode
      throw error
    }
  }

  #validate(topic: TopicImage, index: number, checked: BatchView): PlannedPartition {
    const { name, topicId } = topic
    const settings = recordSettings(this.broker.topics.config(topic))
    const outcome = validateCheckedBatch(checked, settings, {
      requestVersion: Math.max(BATCHES_SINCE, this.context.apiVersion),
      nowMs: this.context.nowMs,
      topic: name,
      partition: index,
    })
    const { batch, view } = outcome
    if (!batch || !view) {
      const { errorCode, errorMessage, recordErrors } = outcome
      const where = { topicId, partition: index }
      this.broker.log.debug(
        { topic: name, partition: index, reason: outcome.reason },
        'batch refused',
      )
      const planned = this.#refuse(index, errorCode, {
        logStartOffset: logStartOnError(errorCode, where, this.broker),
        errorMessage,
        recordErrors: recordErrors.map(({ batchIndex, message }) => ({
          batchIndex,
          batchIndexErrorMessage: message,
        })),
      })
      // Kafka reads the batches after it has asked for the transaction, so its answer counts first.
      this.#noteTransaction(checked, {
        topic: name,
        partition: index,
        itemIndex: -1,
        refuse: (result) => {
          planned.refusal = appendFailed(planned, where, result, this)
        },
      })
      return planned
    }
    const itemIndex = this.items.length
    this.#noteTransaction(view, { topic: name, partition: index, itemIndex })
    this.items.push({ topicId, partition: index, batch, view, origin: 'client' })
    return { index, refusal: undefined, itemIndex, logAppendTimeMs: outcome.logAppendTimeMs }
  }

  #refuse(
    index: number,
    errorCode: ErrorCode,
    details: Partial<PartitionResponse> = {},
  ): PlannedPartition {
    this.#isRefusing = true
    const refusal = { index, errorCode, baseOffset: -1, ...details }
    return { index, refusal, itemIndex: -1, logAppendTimeMs: -1 }
  }

  #noteTransaction(view: BatchView, where: TransactionalBatches['partitions'][number]): void {
    if (view.sizeInBytes < BATCH_HEADER_BYTES) return
    if (!view.isTransactional || !view.hasProducerId) return
    const { producerId, producerEpoch } = view
    this.#producer ??= { transactionalId: this.#transactionalId ?? '', producerId, producerEpoch }
    const isSame =
      this.#producer.producerId === producerId && this.#producer.producerEpoch === producerEpoch
    if (!isSame) throw new KafkaError('INVALID_PRODUCER_ID_MAPPING')
    this.#transactional.push(where)
  }
}

/** Kafka tells the log start with errors of the records' content, not with these. */
const withoutLogStart: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
])

function logStartOnError(errorCode: ErrorCode, where: TopicPartition, { engine }: Broker): number {
  return withoutLogStart.has(errorCode) ? -1 : engine.log.bounds(where).logStartOffset
}

/** A topic or partition that is listed twice counts once, with its last batch. */
function eachTopicOnce(topics: readonly TopicRequest[]): readonly TopicRequest[] {
  if (topics.length < 2) return topics
  const once = new Map<string, TopicRequest>()
  for (const topic of topics) {
    // Only one of the two is there; a name cannot be mistaken for an id of another version.
    const key = topic.name || topic.topicId
    const earlier = once.get(key)
    const partitionData = earlier
      ? [...earlier.partitionData, ...topic.partitionData]
      : topic.partitionData
    once.set(key, { ...topic, partitionData })
  }
  return once.size === topics.length ? topics : [...once.values()]
}

function eachPartitionOnce(partitions: readonly PartitionRequest[]): readonly PartitionRequest[] {
  if (partitions.length < 2) return partitions
  const once = new Map(partitions.map((partition) => [partition.index, partition]))
  return once.size === partitions.length ? partitions : [...once.values()]
}

function answer(plan: ProducePlan, results: readonly AppendResult[]): Outcome<Response> {
  let failed = false
  const responses = plan.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitionResponses: partitions.map((planned) => {
      const { refusal, itemIndex } = planned
      const response =
        refusal ?? appended(planned, plan.items[itemIndex]!, results[itemIndex]!, plan)
      if (response.errorCode !== ErrorCode.NONE) failed = true
      return response
    }),
  }))
  if (plan.acks === NO_ACKS) {
    if (!failed) return null
    plan.context.explainClose('a batch was refused, which acks=0 has no other way to say')
    return closeConnection
  }
  return failed ? withLeaders(plan, responses) : { responses }
}

function appended(
  planned: PlannedPartition,
  item: AppendItem,
  result: AppendResult,
  plan: ProducePlan,
): PartitionResponse {
  const { index } = planned
  const { errorCode } = result
  if (errorCode !== ErrorCode.NONE) return appendFailed(planned, item, result, plan)
  const { broker } = plan
  if (result.duplicate) broker.meters.produced(item.topicId, 0, 0)
  else {
    const messages = result.lastOffset - result.baseOffset + 1
    broker.meters.produced(item.topicId, messages, item.batch.byteLength)
  }
  return {
    index,
    errorCode,
    baseOffset: result.baseOffset,
    logAppendTimeMs: result.duplicate ? result.duplicateTimestampMs : planned.logAppendTimeMs,
    logStartOffset: result.logStartOffset,
  }
}

function appendFailed(
  { index }: PlannedPartition,
  where: TopicPartition,
  { errorCode, errorMessage }: AppendResult,
  { broker }: ProducePlan,
): PartitionResponse {
  broker.meters.produceFailed(where.topicId)
  const logStartOffset = logStartOnError(errorCode, where, broker)
  return { index, errorCode, errorMessage, baseOffset: -1, logStartOffset }
}

function withLeaders(plan: ProducePlan, responses: Response['responses']): Response {
  const hints = new LeaderHints(plan.broker, plan.context.peer)
  const hinted = responses.map((topic, position) => ({
    ...topic,
    partitionResponses: topic.partitionResponses.map((response) =>
      response.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER
        ? {
            ...response,
            currentLeader: hints.currentLeader(plan.topics[position]!.image, response.index),
          }
        : response,
    ),
  }))
  return { responses: hinted, nodeEndpoints: hints.nodeEndpoints() }
}

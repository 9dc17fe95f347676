import { ErrorCode } from '../../protocol/error-code.ts'
import { ask, type Reply, type ReplyTo, reply, type Wake, wake } from '../effect.ts'
import { decideEnd, type EndTxnRequest } from './end-txn.ts'
import { decideInit, type InitProducerIdRequest } from './init-producer-id.ts'
import { PartitionSet, type TopicPartitions } from './partition-set.ts'
import {
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_TIMEOUT_MS,
  newTransaction,
  type ProducerIdAndEpoch,
  Transaction,
} from './transaction.ts'
import type { Effects } from './transaction-effect.ts'
import type { TransactionRecord, TransactionValue } from './transaction-records.ts'
import { isPrepared, isResting, TransactionStatus } from './transaction-status.ts'
import {
  allocateFor,
  COMPLETE_TIMER,
  complete,
  fence,
  finish,
  MARKERS_TIMER,
  prepare,
  RETRY_BACKOFF_MS,
  step,
  TIMEOUT_TIMER,
  whenComplete,
} from './transaction-steps.ts'

const { EMPTY, ONGOING, DEAD } = TransactionStatus

/** Forgotten ids in one batch: far below the size limit of any batch. */
const EXPIRED_PER_BATCH_MAX = 500

const EXPIRY_TIMER = 'expiry'
/** Timers of the coordinator itself: no transactional id is called ''. */
const NO_ID = ''

/** Names are those of Kafka's settings. */
export interface TransactionSettings {
  readonly transactionAbortTimedOutTransactionCleanupIntervalMs: number
  readonly transactionalIdExpirationMs: number
  readonly transactionRemoveExpiredTransactionCleanupIntervalMs: number
}

export interface TransactionContext {
  readonly settings: TransactionSettings
  /** Leader epoch of this partition of `__transaction_state`; stands in every marker. */
  readonly coordinatorEpoch: number
  /** The finalized level of the feature, as it is now. */
  transactionVersion(): number
}

/** Id and epoch are -1 unless there is something to tell. */
export interface ProducerAnswer extends ProducerIdAndEpoch {
  readonly errorCode: ErrorCode
}

/** Who says to be in the transaction of a transactional id. */
export interface TransactionProducer extends ProducerIdAndEpoch {
  readonly transactionalId: string
}

export interface AddPartitionsRequest extends TransactionProducer {
  readonly topics: readonly TopicPartitions[]
  /** 2 when the client leaves it to produce requests to add partitions, else 0. */
  readonly clientTransactionVersion: number
}

/**
 * All transactional ids of one partition of `__transaction_state` (reference: transactions.md).
 * Pure: requests, timers and time in, effects out (effect.ts). What must survive a restart changes
 * only in `replay`.
 */
export class TransactionCoordinator {
  readonly #context: TransactionContext
  readonly #transactions = new Map<string, Transaction>()
  #loadedMs = 0

  constructor(context: TransactionContext) {
    this.#context = context
  }

  get transactions(): ReadonlyMap<string, Transaction> {
    return this.#transactions
  }

  /** Of a request that `checkInitProducerId` finds nothing wrong with. */
  initProducerId(
    request: InitProducerIdRequest,
    to: ReplyTo<ProducerAnswer>,
    nowMs: number,
  ): Effects {
    const transaction = this.#transactions.get(request.transactionalId)
    if (transaction) return this.#init(transaction, request, to, nowMs)
    return [
      ask({
        type: 'allocate producer id',
        allocated: (producerId, allocatedMs) => {
          const added = this.#findOrAdd(request.transactionalId, producerId, allocatedMs)
          return this.#init(added, request, to, allocatedMs)
        },
        failed: (error) => [refuse(to, error)],
      }),
    ]
  }

  /** While the id was allocated another request may have brought the transactional id in. */
  #findOrAdd(transactionalId: string, producerId: number, nowMs: number): Transaction {
    const known = this.#transactions.get(transactionalId)
    if (known) return known
    const transaction = newTransaction(transactionalId, producerId, nowMs)
    this.#transactions.set(transactionalId, transaction)
    return transaction
  }

  #init(
    transaction: Transaction,
    request: InitProducerIdRequest,
    to: ReplyTo<ProducerAnswer>,
    nowMs: number,
  ): Effects {
    const decision = decideInit(transaction, request)
    switch (decision.type) {
      case 'refuse':
        return [refuse(to, decision.errorCode)]
      case 'fence':
        return fence(transaction, this.#context, nowMs, (error) => [
          refuse(to, error === ErrorCode.NONE ? ErrorCode.CONCURRENT_TRANSACTIONS : error),
        ])
      case 'complete': {
        const retry = refuse(to, ErrorCode.CONCURRENT_TRANSACTIONS)
        return [retry, ...complete(transaction, nowMs)]
      }
      case 'same id': {
        const { producerEpoch, lastProducerEpoch } = decision
        const producer = { producerId: transaction.producerId, producerEpoch }
        return becomeEmpty(transaction, request, { ...producer, lastProducerEpoch }, to, nowMs)
      }
      case 'new id':
        return allocateFor(
          transaction,
          EMPTY,
          (producerId, allocatedMs) => {
            const { lastProducerEpoch } = decision
            const producer = { producerId, producerEpoch: 0, lastProducerEpoch }
            return becomeEmpty(transaction, request, producer, to, allocatedMs)
          },
          (error) => [refuse(to, error)],
        )
    }
  }

  addPartitions(request: AddPartitionsRequest, to: ReplyTo<ErrorCode>, nowMs: number): Effects {
    const transaction = this.#transactions.get(request.transactionalId)
    const isPending = transaction?.pendingStatus !== undefined
    const errorCode = isPending
      ? ErrorCode.CONCURRENT_TRANSACTIONS
      : checkProducer(transaction, request)
    if (!transaction || errorCode !== ErrorCode.NONE) return [reply(to, errorCode)]
    const isOngoing = transaction.status === ONGOING
    if (isOngoing && transaction.partitions.hasAll(request.topics)) {
      return [reply(to, ErrorCode.NONE)]
    }
    const partitions = new PartitionSet(transaction.partitions.topics())
    partitions.addAll(request.topics)
    const { transactionStartTimestampMs } = transaction.value
    const value = transaction.next(ONGOING, nowMs, {
      transactionPartitions: partitions.topics(),
      transactionStartTimestampMs: isOngoing ? transactionStartTimestampMs : nowMs,
      clientTransactionVersion: request.clientTransactionVersion,
    })
    return step(
      transaction,
      value,
      () => [...(isOngoing ? [] : this.#armTimeout(transaction)), reply(to, ErrorCode.NONE)],
      (error) => [reply(to, error)],
    )
  }

  /** Whether `producer` added the partition to its transaction. At once. */
  verifyPartition(producer: TransactionProducer, topic: string, partition: number): ErrorCode {
    const transaction = this.#transactions.get(producer.transactionalId)
    const errorCode = checkProducer(transaction, producer)
    if (!transaction || errorCode !== ErrorCode.NONE) return errorCode
    return transaction.partitions.has(topic, partition)
      ? ErrorCode.NONE
      : ErrorCode.TRANSACTION_ABORTABLE
  }

  endTxn(request: EndTxnRequest, to: ReplyTo<ProducerAnswer>, nowMs: number): Effects {
    const transaction = this.#transactions.get(request.transactionalId)
    if (!transaction) return [refuse(to, ErrorCode.INVALID_PRODUCER_ID_MAPPING)]
    const decision = decideEnd(transaction, request)
    if (decision.type === 'answer') {
      const { errorCode } = decision
      if (errorCode !== ErrorCode.NONE) return [refuse(to, errorCode)]
      const { producerId, producerEpoch } = transaction
      return [reply(to, { errorCode, producerId, producerEpoch })]
    }
    const { coordinatorEpoch } = this.#context
    const end = { ...request, isEmpty: decision.isEmpty, coordinatorEpoch }
    return prepare(transaction, end, nowMs, (errorCode) => [
      errorCode === ErrorCode.NONE
        ? reply(to, { errorCode, ...whenComplete(transaction) })
        : refuse(to, errorCode),
    ])
  }

  wake(transactionalId: string, timer: string, nowMs: number): Effects {
    if (transactionalId === NO_ID) return timer === EXPIRY_TIMER ? this.#expire(nowMs) : []
    const transaction = this.#transactions.get(transactionalId)
    if (!transaction) return []
    if (timer === TIMEOUT_TIMER) return this.#timeOut(transaction, nowMs)
    if (!isPrepared(transaction.status)) return []
    if (timer === MARKERS_TIMER) return finish(transaction, this.#context.coordinatorEpoch, nowMs)
    return timer === COMPLETE_TIMER ? complete(transaction, nowMs) : []
  }

  /**
   * The open transaction is aborted at the first look after its time is up. Kafka looks every few
   * seconds, and there are clients that end theirs just in that while (Streams that rebalanced).
   */
  #armTimeout(transaction: Transaction): Effects {
    const { deadlineMs, transactionalId } = transaction
    if (!Number.isFinite(deadlineMs)) return []
    const { transactionAbortTimedOutTransactionCleanupIntervalMs: intervalMs } =
      this.#context.settings
    const looks = Math.ceil((deadlineMs - this.#loadedMs) / intervalMs)
    return [wake(transactionalId, TIMEOUT_TIMER, this.#loadedMs + Math.max(1, looks) * intervalMs)]
  }

  #timeOut(transaction: Transaction, nowMs: number): Effects {
    if (transaction.deadlineMs > nowMs) return this.#armTimeout(transaction)
    const again = wake(transaction.transactionalId, TIMEOUT_TIMER, nowMs + RETRY_BACKOFF_MS)
    if (transaction.pendingStatus !== undefined) return [again]
    return fence(transaction, this.#context, nowMs, (error) =>
      error === ErrorCode.NONE ? [] : [again],
    )
  }

  /** Forgets ids that nobody used for long, and comes again. */
  #expire(nowMs: number): Effects {
    const { transactionalIdExpirationMs } = this.#context.settings
    const expired: Transaction[] = []
    for (const transaction of this.#transactions.values()) {
      const idleMs = nowMs - transaction.value.transactionLastUpdateTimestampMs
      if (transaction.pendingStatus !== undefined || !isResting(transaction.status)) continue
      if (idleMs < transactionalIdExpirationMs) continue
      transaction.pendingStatus = DEAD
      expired.push(transaction)
    }
    return [this.#nextExpiry(nowMs), ...forgetAll(expired)]
  }

  #nextExpiry(nowMs: number): Wake {
    const { transactionRemoveExpiredTransactionCleanupIntervalMs: intervalMs } =
      this.#context.settings
    return wake(NO_ID, EXPIRY_TIMER, nowMs + intervalMs)
  }

  replay(record: TransactionRecord): void {
    const { transactionalId, value } = record
    const transaction = this.#transactions.get(transactionalId)
    if (value === null) this.#transactions.delete(transactionalId)
    else if (transaction) transaction.replay(value)
    else this.#transactions.set(transactionalId, new Transaction(transactionalId, value))
  }

  /** Nobody waits here for anything but writes, and those are answered. */
  unloaded(): Effects {
    return []
  }

  /** After the last record of the log: what was begun is brought to its end. */
  loaded(nowMs: number): Effects {
    this.#loadedMs = nowMs
    const effects: Effects = [this.#nextExpiry(nowMs)]
    for (const transaction of this.#transactions.values()) {
      if (transaction.status === ONGOING) effects.push(...this.#armTimeout(transaction))
      // By timer, because a list of effects holds one append at most.
      if (isPrepared(transaction.status)) {
        effects.push(wake(transaction.transactionalId, MARKERS_TIMER, nowMs))
      }
    }
    return effects
  }
}

/** Of requests that name a transaction they believe to be in. */
function checkProducer(
  transaction: Transaction | undefined,
  producer: TransactionProducer,
): ErrorCode {
  if (!transaction || transaction.producerId !== producer.producerId) {
    return ErrorCode.INVALID_PRODUCER_ID_MAPPING
  }
  if (transaction.producerEpoch !== producer.producerEpoch) return ErrorCode.PRODUCER_FENCED
  return isPrepared(transaction.status) ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.NONE
}

function becomeEmpty(
  transaction: Transaction,
  request: InitProducerIdRequest,
  producer: ProducerIdAndEpoch & { readonly lastProducerEpoch: number },
  to: ReplyTo<ProducerAnswer>,
  nowMs: number,
): Effects {
  const { producerId, producerEpoch, lastProducerEpoch } = producer
  const changes: Partial<TransactionValue> = {
    producerId,
    producerEpoch,
    nextProducerId: NO_PRODUCER_ID,
    transactionTimeoutMs: request.enable2Pc ? NO_TIMEOUT_MS : request.transactionTimeoutMs,
    transactionPartitions: null,
    transactionStartTimestampMs: -1,
  }
  return step(
    transaction,
    transaction.next(EMPTY, nowMs, changes),
    () => {
      transaction.lastProducerEpoch = lastProducerEpoch
      return [reply(to, { errorCode: ErrorCode.NONE, producerId, producerEpoch })]
    },
    (error) => [refuse(to, error)],
  )
}

function forgetAll(expired: readonly Transaction[]): Effects {
  if (expired.length === 0) return []
  const batch = expired.slice(0, EXPIRED_PER_BATCH_MAX)
  return [
    {
      type: 'append',
      atomic: true,
      records: batch.map(({ transactionalId }) => ({ transactionalId, value: null })),
      committed: () => forgetAll(expired.slice(EXPIRED_PER_BATCH_MAX)),
      failed: () => {
        for (const transaction of expired) transaction.pendingStatus = undefined
        return []
      },
    },
  ]
}

function refuse(to: ReplyTo<ProducerAnswer>, errorCode: ErrorCode): Reply {
  const producerId = NO_PRODUCER_ID
  return reply(to, { errorCode, producerId, producerEpoch: NO_PRODUCER_EPOCH })
}

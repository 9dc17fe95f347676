import { assert } from '../../base/assert.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { ask, forget, wake } from '../effect.ts'
import { EPOCH_BUMP_SINCE } from './end-txn.ts'
import {
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  PRODUCER_EPOCH_MAX,
  type ProducerIdAndEpoch,
  type Transaction,
} from './transaction.ts'
import type { AllocateProducerId, Effects, MarkerResult } from './transaction-effect.ts'
import type { TransactionValue } from './transaction-records.ts'
import { TransactionStatus } from './transaction-status.ts'

/**
 * How a transactional id gets from one state to the next: the record first, then the answer, then
 * the markers, then the record that all is done (reference: transactions.md sections 4, 7 and 8).
 */
const { ONGOING, PREPARE_COMMIT, PREPARE_ABORT, COMPLETE_COMMIT, COMPLETE_ABORT } =
  TransactionStatus

/** Pause before a write inside the broker is tried again. */
export const RETRY_BACKOFF_MS = 100

export const TIMEOUT_TIMER = 'timeout'
export const MARKERS_TIMER = 'markers'
export const COMPLETE_TIMER = 'complete'

export type Then = (errorCode: ErrorCode, nowMs: number) => Effects

/** Writes `value`. The transactional id is locked until that is done. */
export function step(
  transaction: Transaction,
  value: TransactionValue,
  committed: (nowMs: number) => Effects,
  failed: Then,
): Effects {
  transaction.pendingStatus = value.transactionStatus as TransactionStatus
  return [
    {
      type: 'append',
      atomic: true,
      records: [{ transactionalId: transaction.transactionalId, value }],
      committed: (nowMs) => {
        transaction.pendingStatus = undefined
        return committed(nowMs)
      },
      failed: (errorCode, nowMs) => {
        transaction.pendingStatus = undefined
        return failed(errorCode, nowMs)
      },
    },
  ]
}

/** A new producer id on the way to `status`. The transactional id is locked until it is there. */
export function allocateFor(
  transaction: Transaction,
  status: TransactionStatus,
  allocated: AllocateProducerId['allocated'],
  failed: Then,
): Effects {
  transaction.pendingStatus = status
  return [
    ask({
      type: 'allocate producer id',
      allocated: (producerId, nowMs) => {
        transaction.pendingStatus = undefined
        return allocated(producerId, nowMs)
      },
      failed: (errorCode, nowMs) => {
        transaction.pendingStatus = undefined
        return failed(errorCode, nowMs)
      },
    }),
  ]
}

export interface End {
  readonly committed: boolean
  /** Nothing was added to it. */
  readonly isEmpty: boolean
  readonly clientTransactionVersion: number
  readonly coordinatorEpoch: number
}

/** Decides the end of a transaction for good; `then` runs once that is in the log. */
export function prepare(transaction: Transaction, end: End, nowMs: number, then: Then): Effects {
  const { committed, isEmpty, clientTransactionVersion, coordinatorEpoch } = end
  const status = committed ? PREPARE_COMMIT : PREPARE_ABORT
  const raisesEpoch = clientTransactionVersion >= EPOCH_BUMP_SINCE
  const write = (nextProducerId: number, writeMs: number) => {
    const { producerEpoch, lastProducerEpoch, value } = transaction
    const prepared = transaction.next(status, writeMs, {
      nextProducerId,
      clientTransactionVersion,
      producerEpoch: raisesEpoch ? raised(producerEpoch) : producerEpoch,
      transactionPartitions: transaction.partitions.topics(),
      transactionStartTimestampMs: isEmpty ? writeMs : value.transactionStartTimestampMs,
    })
    const last = raisesEpoch ? producerEpoch : lastProducerEpoch
    return writePrepared(transaction, prepared, { last, coordinatorEpoch }, then, writeMs)
  }
  if (!raisesEpoch || !transaction.isEpochExhausted) return write(NO_PRODUCER_ID, nowMs)
  return allocateFor(transaction, status, write, then)
}

/** Aborts the open transaction of a producer that may not come back with its epoch. */
export function fence(
  transaction: Transaction,
  context: { readonly coordinatorEpoch: number; transactionVersion(): number },
  nowMs: number,
  then: Then,
): Effects {
  assert(transaction.status === ONGOING, 'only an open transaction is fenced')
  const { coordinatorEpoch } = context
  if (context.transactionVersion() >= EPOCH_BUMP_SINCE) {
    const clientTransactionVersion = EPOCH_BUMP_SINCE
    const end = { committed: false, isEmpty: false, clientTransactionVersion, coordinatorEpoch }
    return prepare(transaction, end, nowMs, then)
  }
  // When this cannot be written the epoch stays, so trying again does not raise it twice.
  const prepared = transaction.next(PREPARE_ABORT, nowMs, {
    producerEpoch: raised(transaction.producerEpoch),
    nextProducerId: NO_PRODUCER_ID,
    clientTransactionVersion: 0,
  })
  const memory = { last: NO_PRODUCER_EPOCH, coordinatorEpoch }
  return writePrepared(transaction, prepared, memory, then, nowMs)
}

function writePrepared(
  transaction: Transaction,
  prepared: TransactionValue,
  memory: { readonly last: number; readonly coordinatorEpoch: number },
  then: Then,
  nowMs: number,
): Effects {
  return step(
    transaction,
    prepared,
    (committedMs) => {
      transaction.lastProducerEpoch = memory.last
      return [
        ...then(ErrorCode.NONE, committedMs),
        forget(transaction.transactionalId, TIMEOUT_TIMER),
        ...finish(transaction, memory.coordinatorEpoch, committedMs),
      ]
    },
    (errorCode) => then(errorCode, nowMs),
  )
}

/** Tells the partitions of a prepared transaction its end, then writes that it is complete. */
export function finish(transaction: Transaction, coordinatorEpoch: number, nowMs: number): Effects {
  const committed = transaction.status === PREPARE_COMMIT
  transaction.pendingStatus = committed ? COMPLETE_COMMIT : COMPLETE_ABORT
  if (transaction.partitions.size === 0) return complete(transaction, nowMs)
  const { producerId, producerEpoch, value } = transaction
  const transactionVersion = value.clientTransactionVersion
  return [
    ask({
      type: 'write markers',
      marker: { producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion },
      partitions: transaction.partitions.topics(),
      written: (results, writtenMs) => markersWritten(transaction, results, writtenMs),
    }),
  ]
}

function markersWritten(
  transaction: Transaction,
  results: readonly MarkerResult[],
  nowMs: number,
): Effects {
  let isToRepeat = results.length === 0
  for (const { topic, partition, outcome } of results) {
    if (isSettled(outcome)) transaction.partitions.delete(topic, partition)
    else if (!isSuperseding(outcome)) isToRepeat = true
  }
  if (transaction.partitions.size === 0) return complete(transaction, nowMs)
  if (isToRepeat)
    return [wake(transaction.transactionalId, MARKERS_TIMER, nowMs + RETRY_BACKOFF_MS)]
  // As in Kafka nothing more is done, and all are told that a transaction is under way.
  transaction.isSuperseded = true
  return []
}

/** Nothing more is to be done for this partition. */
function isSettled(outcome: MarkerResult['outcome']): boolean {
  switch (outcome) {
    case 'gone':
    case ErrorCode.NONE:
    case ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case ErrorCode.UNSUPPORTED_VERSION:
      return true
    default:
      return false
  }
}

/** The partition has a marker of a later epoch or coordinator: it takes none of ours any more. */
function isSuperseding(outcome: MarkerResult['outcome']): boolean {
  return (
    outcome === ErrorCode.INVALID_PRODUCER_EPOCH ||
    outcome === ErrorCode.TRANSACTION_COORDINATOR_FENCED
  )
}

export function complete(transaction: Transaction, nowMs: number): Effects {
  transaction.isSuperseded = false
  const committed = transaction.status === PREPARE_COMMIT
  const status = committed ? COMPLETE_COMMIT : COMPLETE_ABORT
  const value = transaction.next(status, nowMs, {
    ...whenComplete(transaction),
    nextProducerId: NO_PRODUCER_ID,
    transactionPartitions: [],
  })
  return step(
    transaction,
    value,
    () => [],
    (_, failedMs) => {
      // The end is decided and told: only this record is missing, so nothing else may begin.
      transaction.pendingStatus = status
      return [wake(transaction.transactionalId, COMPLETE_TIMER, failedMs + RETRY_BACKOFF_MS)]
    },
  )
}

/** What a prepared transaction's producer goes on with. */
export function whenComplete(transaction: Transaction): ProducerIdAndEpoch {
  const { nextProducerId } = transaction.value
  if (nextProducerId !== NO_PRODUCER_ID) return { producerId: nextProducerId, producerEpoch: 0 }
  const { producerId, producerEpoch } = transaction
  return { producerId, producerEpoch }
}

function raised(producerEpoch: number): number {
  return Math.min(producerEpoch + 1, PRODUCER_EPOCH_MAX)
}

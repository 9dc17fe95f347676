import { ErrorCode } from '../../protocol/error-code.ts'
import type { TopicPartitions } from './partition-set.ts'
import type { Transaction } from './transaction.ts'
import { statusName, statusNamed, TransactionStatus } from './transaction-status.ts'

/** ListTransactions and DescribeTransactions (reference: transactions.md section 11). */

export interface TransactionFilter {
  /** Empty: all. Names that are no state match nothing. */
  readonly stateFilters: ReadonlySet<string>
  readonly producerIdFilters: ReadonlySet<number>
  /** Longer than this many milliseconds; -1: any. */
  readonly durationFilter: number
  matchesId(transactionalId: string): boolean
}

export interface ListedTransaction {
  readonly transactionalId: string
  readonly producerId: number
  readonly transactionState: string
}

export function unknownStates(stateFilters: Iterable<string>): string[] {
  return [...stateFilters].filter((name) => statusNamed(name) === undefined)
}

export function listTransactions(
  transactions: Iterable<Transaction>,
  filter: TransactionFilter,
  nowMs: number,
): ListedTransaction[] {
  const listed: ListedTransaction[] = []
  for (const transaction of transactions) {
    if (isForgotten(transaction) || !matches(transaction, filter, nowMs)) continue
    const { transactionalId, producerId, status } = transaction
    listed.push({ transactionalId, producerId, transactionState: statusName(status) })
  }
  return listed
}

function matches(transaction: Transaction, filter: TransactionFilter, nowMs: number): boolean {
  const { stateFilters, producerIdFilters, durationFilter } = filter
  const { transactionalId, producerId, status, value } = transaction
  if (producerIdFilters.size > 0 && !producerIdFilters.has(producerId)) return false
  if (stateFilters.size > 0 && !stateFilters.has(statusName(status))) return false
  if (durationFilter >= 0 && nowMs - value.transactionStartTimestampMs <= durationFilter) {
    return false
  }
  return filter.matchesId(transactionalId)
}

export interface DescribedTransaction {
  readonly errorCode: ErrorCode
  readonly transactionState: string
  readonly transactionTimeoutMs: number
  readonly transactionStartTimeMs: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly topics: readonly TopicPartitions[]
}

export function describeTransaction(transaction: Transaction | undefined): DescribedTransaction {
  if (!transaction || isForgotten(transaction)) {
    return describeError(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
  }
  const { status, producerId, producerEpoch, value, partitions } = transaction
  return {
    errorCode: ErrorCode.NONE,
    transactionState: statusName(status),
    transactionTimeoutMs: value.transactionTimeoutMs,
    transactionStartTimeMs: value.transactionStartTimestampMs,
    producerId,
    producerEpoch,
    topics: partitions.topics(),
  }
}

export function describeError(errorCode: ErrorCode): DescribedTransaction {
  return {
    errorCode,
    transactionState: '',
    transactionTimeoutMs: 0,
    transactionStartTimeMs: 0,
    producerId: 0,
    producerEpoch: 0,
    topics: [],
  }
}

function isForgotten(transaction: Transaction): boolean {
  return transaction.pendingStatus === TransactionStatus.DEAD
}

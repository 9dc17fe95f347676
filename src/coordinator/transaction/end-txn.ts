import { ErrorCode } from '../../protocol/error-code.ts'
import { PRODUCER_EPOCH_MAX, type ProducerIdAndEpoch, type Transaction } from './transaction.ts'
import { TransactionStatus } from './transaction-status.ts'

const { EMPTY, ONGOING, PREPARE_COMMIT, PREPARE_ABORT, COMPLETE_COMMIT, COMPLETE_ABORT } =
  TransactionStatus

/** From this version on the epoch grows with every transaction (KIP-890 part 2). */
export const EPOCH_BUMP_SINCE = 2

export interface EndTxnRequest extends ProducerIdAndEpoch {
  readonly transactionalId: string
  readonly committed: boolean
  /** 2 for EndTxn v5+, else 0. */
  readonly clientTransactionVersion: number
}

/** What EndTxn does to a transactional id (reference: transactions.md section 7). */
export type EndDecision =
  /** NONE: it ended that way before, and is told the id and epoch of now. */
  | { readonly type: 'answer'; readonly errorCode: ErrorCode }
  /** `isEmpty`: nothing was added; the abort just raises the epoch. */
  | { readonly type: 'end'; readonly isEmpty: boolean }

export function decideEnd(transaction: Transaction, request: EndTxnRequest): EndDecision {
  return request.clientTransactionVersion >= EPOCH_BUMP_SINCE
    ? decideEndWithEpochBump(transaction, request)
    : decideClassicEnd(transaction, request)
}

function decideClassicEnd(transaction: Transaction, request: EndTxnRequest): EndDecision {
  if (transaction.producerId !== request.producerId) {
    return answer(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  }
  if (transaction.producerEpoch !== request.producerEpoch) return answer(ErrorCode.PRODUCER_FENCED)
  if (transaction.pendingStatus !== undefined) return answer(ErrorCode.CONCURRENT_TRANSACTIONS)
  const { status } = transaction
  if (status === ONGOING) return end(false)
  if (status === (request.committed ? COMPLETE_COMMIT : COMPLETE_ABORT)) {
    return answer(ErrorCode.NONE)
  }
  return answer(errorWhilePrepared(status, request.committed))
}

function decideEndWithEpochBump(transaction: Transaction, request: EndTxnRequest): EndDecision {
  if (transaction.pendingStatus !== undefined) return answer(ErrorCode.CONCURRENT_TRANSACTIONS)
  const isRetryOfLastEpoch = isRetryOverNewId(transaction, request)
  const isRetry = isRetryOfLastEpoch || isRetryOverNewEpoch(transaction, request)
  if (transaction.producerId !== request.producerId && !isRetryOfLastEpoch) {
    return answer(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
  }
  const { status } = transaction
  if (!isValidEpoch(transaction, request, isRetry)) return answer(ErrorCode.PRODUCER_FENCED)
  switch (status) {
    case ONGOING:
      return end(false)
    case EMPTY:
      return request.committed ? answer(ErrorCode.INVALID_TXN_STATE) : end(true)
    case COMPLETE_COMMIT:
    case COMPLETE_ABORT:
      if (isRetry) {
        const wasCommitted = status === COMPLETE_COMMIT
        const isSame = wasCommitted === request.committed
        return answer(isSame ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE)
      }
      return request.committed ? answer(ErrorCode.INVALID_TXN_STATE) : end(true)
    default:
      return answer(errorWhilePrepared(status, request.committed))
  }
}

/** An equal epoch is the next call, not the last one again: that one has the epoch before. */
function isValidEpoch(transaction: Transaction, request: EndTxnRequest, isRetry: boolean): boolean {
  const isCurrent = request.producerEpoch === transaction.producerEpoch
  switch (transaction.status) {
    case PREPARE_COMMIT:
    case PREPARE_ABORT:
      return isRetryOverNewEpoch(transaction, request)
    case COMPLETE_COMMIT:
    case COMPLETE_ABORT:
      return isCurrent || isRetry
    default:
      return isCurrent
  }
}

function isRetryOverNewEpoch(transaction: Transaction, request: EndTxnRequest): boolean {
  return transaction.producerEpoch === request.producerEpoch + 1
}

/** The transaction before used the last epoch of its producer id, so the answer was a new id. */
function isRetryOverNewId(transaction: Transaction, request: EndTxnRequest): boolean {
  const { value } = transaction
  return (
    value.previousProducerId === request.producerId &&
    request.producerEpoch === PRODUCER_EPOCH_MAX - 1 &&
    value.producerEpoch === 0
  )
}

function errorWhilePrepared(status: TransactionStatus, committed: boolean): ErrorCode {
  const isSameEnd = status === (committed ? PREPARE_COMMIT : PREPARE_ABORT)
  return isSameEnd ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.INVALID_TXN_STATE
}

function answer(errorCode: ErrorCode): EndDecision {
  return { type: 'answer', errorCode }
}

function end(isEmpty: boolean): EndDecision {
  return { type: 'end', isEmpty }
}

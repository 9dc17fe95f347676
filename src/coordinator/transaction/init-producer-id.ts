import { MAX_STRING_BYTES } from '../../protocol/bytes/reader.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import {
  isEpochExhausted,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type ProducerIdAndEpoch,
  type Transaction,
} from './transaction.ts'
import { isPrepared, TransactionStatus } from './transaction-status.ts'

export interface InitProducerIdRequest extends ProducerIdAndEpoch {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly enable2Pc: boolean
  readonly keepPreparedTxn: boolean
}

/** What is wrong with a request, whatever is known of its id. */
export function checkInitProducerId(
  request: InitProducerIdRequest,
  settings: {
    readonly transactionMaxTimeoutMs: number
    readonly transactionTwoPhaseCommitEnable: boolean
  },
): ErrorCode {
  const { transactionalId, transactionTimeoutMs, enable2Pc } = request
  if (transactionalId === '' || !fitsString(transactionalId)) return ErrorCode.INVALID_REQUEST
  if (enable2Pc && !settings.transactionTwoPhaseCommitEnable) {
    return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  }
  if (request.keepPreparedTxn) return ErrorCode.UNSUPPORTED_VERSION
  const isTimeoutValid =
    transactionTimeoutMs > 0 && transactionTimeoutMs <= settings.transactionMaxTimeoutMs
  return enable2Pc || isTimeoutValid ? ErrorCode.NONE : ErrorCode.INVALID_TRANSACTION_TIMEOUT
}

/** Bad UTF-8 grows when it is replaced, and the id goes into records. */
function fitsString(text: string): boolean {
  return text.length * 3 <= MAX_STRING_BYTES || Buffer.byteLength(text) <= MAX_STRING_BYTES
}

/** What InitProducerId does to a transactional id (reference: transactions.md section 3). */
export type InitDecision =
  | { readonly type: 'refuse'; readonly errorCode: ErrorCode }
  /** A transaction is open: its producer is fenced and it is aborted; the client comes back. */
  | { readonly type: 'fence' }
  /** Nothing can be done for the transaction any more: it counts as done; the client comes back. */
  | { readonly type: 'complete' }
  | { readonly type: 'same id'; readonly producerEpoch: number; readonly lastProducerEpoch: number }
  /** The epochs of the producer id are used up. */
  | { readonly type: 'new id'; readonly lastProducerEpoch: number }

/** `given`: the id and epoch in the request (KIP-360), -1 and -1 when it has none. */
export function decideInit(transaction: Transaction, given: ProducerIdAndEpoch): InitDecision {
  // Kafka has this id wait until the broker restarts, and then again.
  if (transaction.isSuperseded) return { type: 'complete' }
  if (transaction.pendingStatus !== undefined) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS)
  if (!isCurrentProducer(transaction, given)) return refuse(ErrorCode.PRODUCER_FENCED)
  if (isPrepared(transaction.status)) return refuse(ErrorCode.CONCURRENT_TRANSACTIONS)
  if (transaction.status === TransactionStatus.ONGOING) return { type: 'fence' }
  return raiseEpoch(transaction, given)
}

function isCurrentProducer(transaction: Transaction, given: ProducerIdAndEpoch): boolean {
  return (
    given.producerId === NO_PRODUCER_ID ||
    transaction.producerEpoch === NO_PRODUCER_EPOCH ||
    given.producerId === transaction.producerId ||
    (given.producerId === transaction.value.previousProducerId &&
      isEpochExhausted(given.producerEpoch))
  )
}

function raiseEpoch(transaction: Transaction, given: ProducerIdAndEpoch): InitDecision {
  const { producerEpoch, lastProducerEpoch } = transaction
  const isGiven = given.producerId !== NO_PRODUCER_ID
  const isCurrent = !isGiven || given.producerEpoch === producerEpoch
  if (transaction.isEpochExhausted && isCurrent) {
    return { type: 'new id', lastProducerEpoch: isGiven ? producerEpoch : NO_PRODUCER_EPOCH }
  }
  if (!isGiven) return sameId(producerEpoch + 1, NO_PRODUCER_EPOCH)
  if (isCurrent || producerEpoch === NO_PRODUCER_EPOCH) {
    return sameId(producerEpoch + 1, producerEpoch)
  }
  // The answer to an earlier call was lost: it is given again.
  if (given.producerEpoch === lastProducerEpoch) return sameId(producerEpoch, lastProducerEpoch)
  return refuse(ErrorCode.PRODUCER_FENCED)
}

function refuse(errorCode: ErrorCode): InitDecision {
  return { type: 'refuse', errorCode }
}

function sameId(producerEpoch: number, lastProducerEpoch: number): InitDecision {
  return { type: 'same id', producerEpoch, lastProducerEpoch }
}

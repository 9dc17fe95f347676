import type { TransactionProducer } from '../../coordinator/transaction/transaction-coordinator.ts'
import { ErrorCode, errorName } from '../../protocol/error-code.ts'
import { BatchView } from '../../protocol/records/batch.ts'
import type { AppendItem, AppendResult } from '../../storage/engine.ts'
import type { Broker } from '../broker.ts'
import type { RequestContext } from '../handler.ts'
import type { NamedPartition } from './transaction-admission.ts'

/** Produce requests add partitions to the transaction by themselves from here on (KIP-890). */
const ADDS_SINCE = 12
/** Older clients do not know TRANSACTION_ABORTABLE. */
const ABORTABLE_SINCE = 11

/** The batches of a produce request that belong to a transaction, all of one producer. */
export interface TransactionalBatches {
  readonly producer: TransactionProducer
  readonly partitions: readonly (NamedPartition & {
    /** Place in the request's append. */
    readonly itemIndex: number
    /** Of a batch that is not appended, whatever the coordinator says; called if that is an error. */
    readonly refuse?: (result: AppendResult) => void
  })[]
}

/**
 * Appends what the transaction coordinator lets into the transaction; the other partitions of the
 * request do not mind (reference: transactions.md section 9). Results in the order of `items`.
 */
export function appendInTransaction(
  items: readonly AppendItem[],
  { producer, partitions }: TransactionalBatches,
  context: RequestContext,
  broker: Broker,
): AppendResult[] | Promise<AppendResult[]> {
  const { apiVersion, nowMs } = context
  const { settings, transactions } = broker
  let kept = items
  const append = (errorCodes: readonly ErrorCode[]) => {
    const refusals = new Map<number, AppendResult>()
    const version = apiVersion >= ADDS_SINCE ? 2 : 0
    const admitted = [...kept]
    for (const [index, { itemIndex, refuse }] of partitions.entries()) {
      const errorCode = errorCodes[index]!
      if (errorCode !== ErrorCode.NONE) {
        const result = refusal(errorCode, apiVersion)
        if (refuse) refuse(result)
        else refusals.set(itemIndex, result)
      } else if (!refuse) {
        const verified = { transactionVerified: true, transactionVersion: version }
        admitted[itemIndex] = { ...kept[itemIndex]!, ...verified }
      }
    }
    return appendAdmitted(admitted, refusals, context, broker)
  }
  if (apiVersion < ADDS_SINCE) {
    return append(
      settings.transactionPartitionVerificationEnable
        ? transactions.admission.verify(producer, partitions)
        : partitions.map(() => ErrorCode.NONE),
    )
  }
  const patienceMs = Math.min(
    settings.addPartitionsToTxnRetryBackoffMaxMs,
    settings.requestTimeoutMs,
  )
  const results = transactions.admission.add(producer, partitions, nowMs + patienceMs, append)
  // The bytes are the socket's as soon as we wait.
  if (results instanceof Promise) {
    kept = items.map((item) => {
      const batch = Buffer.from(item.batch)
      return { ...item, batch, view: new BatchView(batch) }
    })
  }
  return results
}

function appendAdmitted(
  items: readonly AppendItem[],
  refusals: ReadonlyMap<number, AppendResult>,
  context: RequestContext,
  broker: Broker,
): AppendResult[] | Promise<AppendResult[]> {
  const admitted = items.filter((_, itemIndex) => !refusals.has(itemIndex))
  const merge = (results: readonly AppendResult[]) => {
    const remaining = results.values()
    return items.map((_, itemIndex) => refusals.get(itemIndex) ?? remaining.next().value!)
  }
  if (admitted.length === 0) return merge([])
  const results = broker.engine.log.append(admitted, { nowMs: context.nowMs })
  if (!(results instanceof Promise)) return merge(results)
  context.startNext()
  return results.then(merge)
}

function refusal(verified: ErrorCode, apiVersion: number): AppendResult {
  return {
    ...forClient(verified, apiVersion),
    baseOffset: -1,
    lastOffset: -1,
    logStartOffset: -1,
    duplicate: false,
    duplicateTimestampMs: -1,
  }
}

/** The coordinator's word as producers understand it: older ones retry only some errors. */
function forClient(
  verified: ErrorCode,
  apiVersion: number,
): Pick<AppendResult, 'errorCode' | 'errorMessage'> {
  switch (verified) {
    case ErrorCode.PRODUCER_FENCED:
      return { errorCode: ErrorCode.INVALID_PRODUCER_EPOCH, errorMessage: null }
    case ErrorCode.TRANSACTION_ABORTABLE:
      if (apiVersion >= ABORTABLE_SINCE) return { errorCode: verified, errorMessage: null }
      return {
        errorCode: ErrorCode.INVALID_TXN_STATE,
        errorMessage: 'Partition was not added to the transaction',
      }
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      if (apiVersion >= ADDS_SINCE) return { errorCode: verified, errorMessage: null }
      return notVerified(verified)
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return notVerified(verified)
    default:
      return { errorCode: verified, errorMessage: null }
  }
}

function notVerified(verified: ErrorCode): Pick<AppendResult, 'errorCode' | 'errorMessage'> {
  return {
    errorCode: ErrorCode.NOT_ENOUGH_REPLICAS,
    errorMessage:
      'Unable to verify the partition has been added to the transaction. ' +
      `Underlying error: ${errorName(verified)}`,
  }
}

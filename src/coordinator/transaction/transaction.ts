import { assert } from '../../base/assert.ts'
import { PartitionSet } from './partition-set.ts'
import type { TransactionValue } from './transaction-records.ts'
import {
  canFollow,
  isWrittenStatus,
  type TransactionStatus as Status,
  TransactionStatus,
} from './transaction-status.ts'

export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
/** Reached only inside the broker: by a fence, or by the markers of a producer id's last epoch. */
export const PRODUCER_EPOCH_MAX = 32767
/** `transactionTimeoutMs` of a transaction that waits for its coordinator of two-phase commit. */
export const NO_TIMEOUT_MS = 2147483647

export interface ProducerIdAndEpoch {
  readonly producerId: number
  readonly producerEpoch: number
}

/** One transactional id: what the log says of it, and what this coordinator is doing with it. */
export class Transaction {
  readonly transactionalId: string
  #value: TransactionValue
  /** Of the transaction; once it is prepared: those that still lack their marker. */
  #partitions: PartitionSet
  /** The state whose record is being written, or waits for something to be written. */
  pendingStatus: Status | undefined
  /** The epoch before the last step, so that a retry is told from a new request. Not in the log. */
  lastProducerEpoch = NO_PRODUCER_EPOCH
  /** Prepared, but those of its partitions that lack their marker take it no more. Not in the log. */
  isSuperseded = false

  constructor(transactionalId: string, value: TransactionValue) {
    this.transactionalId = transactionalId
    this.#value = value
    this.#partitions = new PartitionSet(value.transactionPartitions ?? [])
  }

  /** Takes in a record of the log. */
  replay(value: TransactionValue): void {
    this.#value = value
    this.#partitions = new PartitionSet(value.transactionPartitions ?? [])
  }

  get value(): TransactionValue {
    return this.#value
  }

  get status(): Status {
    const { transactionStatus } = this.#value
    assert(isWrittenStatus(transactionStatus), 'a state that is written')
    return transactionStatus
  }

  get partitions(): PartitionSet {
    return this.#partitions
  }

  get producerId(): number {
    return this.#value.producerId
  }

  get producerEpoch(): number {
    return this.#value.producerEpoch
  }

  /** No further epoch can be given to a client under this producer id. */
  get isEpochExhausted(): boolean {
    return isEpochExhausted(this.producerEpoch)
  }

  /** When the open transaction is aborted for taking too long; infinity when it may go on. */
  get deadlineMs(): number {
    const { transactionTimeoutMs, transactionStartTimestampMs } = this.#value
    const isBounded =
      this.status === TransactionStatus.ONGOING && transactionTimeoutMs !== NO_TIMEOUT_MS
    // Kafka asks whether the time has passed, not whether it has come.
    return isBounded
      ? transactionStartTimestampMs + transactionTimeoutMs + 1
      : Number.POSITIVE_INFINITY
  }

  /** What the log will say after a step to `status`. */
  next(status: Status, nowMs: number, changes: Partial<TransactionValue>): TransactionValue {
    assert(canFollow(status, this.status), `state ${status} may follow ${this.status}`)
    return {
      ...this.#value,
      previousProducerId: this.producerId,
      transactionStatus: status,
      transactionLastUpdateTimestampMs: nowMs,
      ...changes,
    }
  }
}

export function isEpochExhausted(producerEpoch: number): boolean {
  return producerEpoch >= PRODUCER_EPOCH_MAX - 1
}

/** An id that nobody used yet: known here, but not in the log until its first step. */
export function newTransaction(
  transactionalId: string,
  producerId: number,
  nowMs: number,
): Transaction {
  return new Transaction(transactionalId, {
    producerId,
    previousProducerId: NO_PRODUCER_ID,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: NO_PRODUCER_EPOCH,
    nextProducerEpoch: NO_PRODUCER_EPOCH,
    transactionTimeoutMs: 0,
    transactionStatus: TransactionStatus.EMPTY,
    transactionPartitions: null,
    transactionLastUpdateTimestampMs: nowMs,
    transactionStartTimestampMs: -1,
    clientTransactionVersion: 0,
  })
}

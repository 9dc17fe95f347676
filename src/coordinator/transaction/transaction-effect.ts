import type { ErrorCode } from '../../protocol/error-code.ts'
import type { Effect } from '../effect.ts'
import type { TopicPartitions } from './partition-set.ts'
import type { ProducerIdAndEpoch } from './transaction.ts'
import type { TransactionRecord } from './transaction-records.ts'

export type Effects = Effect<TransactionRecord, TransactionAsk>[]

/** What transaction coordinators ask their host for. */
export type TransactionAsk = AllocateProducerId | WriteMarkers

export interface AllocateProducerId {
  readonly type: 'allocate producer id'
  allocated(producerId: number, nowMs: number): Effects
  failed(errorCode: ErrorCode, nowMs: number): Effects
}

/** How a transaction ended, as every partition of it is told. */
export interface TransactionMarker extends ProducerIdAndEpoch {
  readonly committed: boolean
  readonly coordinatorEpoch: number
  /** 2: the epoch is one more than that of the transaction's records (KIP-1228). */
  readonly transactionVersion: number
}

/**
 * Appends `marker` to all `partitions`, those that still exist, and then calls `written`. Other
 * inputs go on meanwhile.
 */
export interface WriteMarkers {
  readonly type: 'write markers'
  readonly marker: TransactionMarker
  readonly partitions: readonly TopicPartitions[]
  written(results: readonly MarkerResult[], nowMs: number): Effects
}

export interface MarkerResult {
  readonly topic: string
  readonly partition: number
  /** `gone`: the topic or partition was deleted, so there is nothing to end. */
  readonly outcome: ErrorCode | 'gone'
}

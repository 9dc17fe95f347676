import type { Clock } from '../base/clock.ts'
import type { Uuid } from '../base/uuid.ts'
import type { ErrorCode } from '../protocol/error-code.ts'
import type { BatchView } from '../protocol/records/batch.ts'
import type { MetadataStore } from './metadata-store.ts'

/**
 * The line between broker and store. An engine stores; the broker speaks Kafka. The store, not its
 * caller, assigns offsets, detects duplicates and advances watermarks, so an engine over remote
 * storage can stand behind the same calls. Every engine runs test/storage/conformance.ts.
 *
 * Values given as `T | Promise<T>` come at once on the local engine's fast path; callers await only
 * what is a promise, so that a request can be finished inside the socket's read callback.
 */
export interface StorageEngine {
  /** Recovers what is there. Rejects with `StorageError` when the directory cannot be used. */
  open(): Promise<void>
  /** Flushes and closes; after it a start is a clean one. Idempotent. */
  close(): Promise<void>
  readonly clusterId: string
  readonly log: LogStore
  readonly metadata: MetadataStore
  readonly groups: CoordinatorStore
  readonly transactions: CoordinatorStore
  /** Where the bytes are, as DescribeLogDirs shows it. */
  directories(): readonly LogDirectory[]
  /** Where a replica is; undefined when it is not there, or its directory is not. */
  placeOf(partition: TopicPartition): ReplicaPlace | undefined
  /**
   * Moves a replica to the directory at `path`, in the background; instead of where it was on its way
   * to, if it was. To the one it is in: it stays. At once NONE, or why that cannot be.
   */
  moveReplica(partition: TopicPartition, path: string): ErrorCode
  /** Where the next new partitions are to be. */
  placement(): NewPlacement
}

export interface ReplicaPlace {
  readonly directoryId: Uuid
  /** Of the directory. */
  readonly path: string
  /** What is to take its place; undefined when it does not move. */
  readonly future: FutureReplica | undefined
}

/** A copy that is being made in another directory. */
export interface FutureReplica {
  /** Of that directory. */
  readonly path: string
  readonly sizeBytes: number
  /** How far the copy has come. */
  readonly logEndOffset: number
}

/** Of the directories that may take a new partition the id of the one to take; counts it there. */
export type NewPlacement = (candidates: readonly Uuid[]) => Uuid

export interface LogDirectory {
  /** Absolute. */
  readonly path: string
  /** As meta.properties and the metadata's records name it. */
  readonly id: Uuid
  /** It cannot be used: nothing in it is served. */
  readonly isOffline: boolean
  /** Of the volume it is on; -1 when unknown. */
  readonly totalBytes: number
  readonly usableBytes: number
}

/** What an engine is given; nothing else of the process is visible to it. */
export interface EngineContext {
  /** The broker id written to new data; a directory of another one is refused. */
  readonly brokerId: number
  readonly clock: Clock
  /** Effective settings of one topic: its own configs over the broker's defaults. */
  topicConfig(topicId: Uuid): LogConfig
  /** Facts worth a log line: recovery, damage, deletion. Constant message, data in fields. */
  report(level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: object): void
}

export interface TopicPartition {
  readonly topicId: Uuid
  readonly partition: number
}

/** Never the name of a topic: a deleted and re-created one is another topic. */
export interface AppendItem extends TopicPartition {
  /**
   * One whole, validated v2 batch. The store stamps base offset and partition leader epoch in
   * place (both lie outside the CRC) and keeps no reference once `append` has returned, so this
   * may be a view of the socket's receive buffer.
   */
  readonly batch: Uint8Array
  /** The same bytes, for a caller that has looked at them already. */
  readonly view?: BatchView
  /**
   * `client`: sequences are checked. `coordinator`: records of an internal topic or a transaction
   * marker; only epochs are checked.
   */
  readonly origin: 'client' | 'coordinator'
  /** With a transactional batch: whether the coordinator knows this partition in the transaction. */
  readonly transactionVerified?: boolean
  /**
   * 2 when the producer's epoch grows with every transaction (KIP-890 part 2; Produce from v12 on,
   * the version in a marker). Decides how strictly epochs and first sequences are checked.
   */
  readonly transactionVersion?: number
}

export interface AppendOptions {
  readonly nowMs: number
}

/** One shape for every outcome; `errorCode` 0 means that the durability mode's promise holds. */
export interface AppendResult {
  readonly errorCode: ErrorCode
  readonly errorMessage: string | null
  /** Offset of the first record (of the original batch when `duplicate`); -1 on error. */
  readonly baseOffset: number
  readonly lastOffset: number
  readonly logStartOffset: number
  /** The batch was appended before; nothing was written now. */
  readonly duplicate: boolean
  /** Max timestamp of a duplicate's original batch; -1 otherwise. */
  readonly duplicateTimestampMs: number
}

export type IsolationLevel = 'read_uncommitted' | 'read_committed'

export interface ReadRequest extends TopicPartition {
  readonly offset: number
  /** Most bytes wanted from this partition. */
  readonly maxBytes: number
}

export interface ReadOptions {
  readonly isolation: IsolationLevel
  /** Most bytes over all requests of the call, spent in request order. */
  readonly maxBytes: number
  /** The first batch found is returned whole even when it is over the limits (fetch v3+). */
  readonly atLeastOneBatch: boolean
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface ReadResult {
  readonly errorCode: ErrorCode
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Whole batches, maybe with a cut one at the end; empty when there is nothing to read yet. */
  readonly records: Uint8Array
  /** Null unless read_committed. */
  readonly abortedTransactions: readonly AbortedTransaction[] | null
  /**
   * Returns `records` to the store's pool. Call it exactly once, when the bytes were handed to the
   * socket or are not wanted; they may change afterwards.
   */
  release(): void
}

export interface Position extends TopicPartition {
  readonly offset: number
  readonly maxBytes: number
}

export interface Bounds {
  readonly errorCode: ErrorCode
  readonly logStartOffset: number
  /** Next offset to assign. */
  readonly logEndOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly leaderEpoch: number
  /** Bytes of all segments. */
  readonly sizeBytes: number
}

export interface OffsetAndTimestamp {
  readonly errorCode: ErrorCode
  /** -1 when no record qualifies. */
  readonly offset: number
  readonly timestampMs: number
  readonly leaderEpoch: number
}

export interface EpochEndOffset {
  readonly errorCode: ErrorCode
  /** -1 when unknown. */
  readonly leaderEpoch: number
  readonly endOffset: number
}

/** As DescribeProducers shows it. */
export interface ProducerStateView {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestampMs: number
  readonly coordinatorEpoch: number
  /** -1 when no transaction is open. */
  readonly currentTxnStartOffset: number
}

/** What became of appends that were held, once `writeHeld` has returned: as `append` returns it. */
export type HeldAppend = () => AppendResult[] | Promise<AppendResult[]>

export interface LogStore {
  /**
   * Results in the order of `items`. Atomic per item, not across them. Items for one partition
   * commit in call order, also when pipelined. Bytes are in the file before the result.
   */
  append(
    items: readonly AppendItem[],
    options: AppendOptions,
  ): AppendResult[] | Promise<AppendResult[]>

  /**
   * An `append` that waits for `writeHeld`, so that requests that came in together are written
   * together. Nobody sees anything of it before; the batches must stay as they are until then. An
   * `append` in between writes first what is held, to keep the order.
   */
  hold(items: readonly AppendItem[], options: AppendOptions): HeldAppend

  /** At once. What fails, fails in the results. */
  writeHeld(): void

  /** Never waits for data. Results in the order of `requests`. */
  read(requests: readonly ReadRequest[], options: ReadOptions): ReadResult[] | Promise<ReadResult[]>

  /**
   * Calls `wake` once when at least `minBytes` may be readable over `positions`, or one of them
   * is gone. May wake early, never late. Returns what cancels the wait.
   */
  waitForData(
    positions: readonly Position[],
    minBytes: number,
    isolation: IsolationLevel,
    wake: () => void,
  ): () => void

  /** At once: answered from memory. */
  bounds(partition: TopicPartition): Bounds

  /** First record at or after `logStart` with a timestamp >= `timestampMs`. */
  offsetForTimestamp(
    partition: TopicPartition,
    timestampMs: number,
    isolation: IsolationLevel,
  ): OffsetAndTimestamp | Promise<OffsetAndTimestamp>

  /** The first record that has the largest timestamp of the partition. */
  offsetOfMaxTimestamp(
    partition: TopicPartition,
    isolation: IsolationLevel,
  ): OffsetAndTimestamp | Promise<OffsetAndTimestamp>

  /** Epoch of the earliest entry when it starts at or below the log start, else -1. */
  earliestEpoch(partition: TopicPartition): number

  /** `log-storage.md` section 13. */
  epochEndOffset(partition: TopicPartition, leaderEpoch: number): EpochEndOffset

  /** (base offset, modification time) of the segments, newest first, as ListOffsets v0 needs them. */
  segmentOffsets(partition: TopicPartition): readonly { offset: number; timestampMs: number }[]

  /** Moves the log start up to `beforeOffset` (-1: the high watermark). */
  deleteRecords(
    partition: TopicPartition,
    beforeOffset: number,
  ): DeleteRecordsResult | Promise<DeleteRecordsResult>

  producers(partition: TopicPartition): readonly ProducerStateView[]
}

export interface DeleteRecordsResult {
  readonly errorCode: ErrorCode
  readonly logStartOffset: number
}

/** A record of `__consumer_offsets` or `__transaction_state`: the bytes of Kafka's own schemas. */
export interface CoordinatorRecord {
  readonly key: Uint8Array
  /** Null is a tombstone. */
  readonly value: Uint8Array | null
}

/** What `load` hands to the coordinator, in log order. */
export interface LoadedBatch {
  readonly baseOffset: number
  readonly timestampMs: number
  /** -1 unless written with a producer id. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly transactional: boolean
  /** Set for a control batch, which has no `records`. */
  readonly marker: 'commit' | 'abort' | null
  readonly records: readonly CoordinatorRecord[]
}

/** Identity of a transactional append to a coordinator partition (TxnOffsetCommit). */
export interface CoordinatorProducer {
  readonly producerId: number
  readonly producerEpoch: number
}

/**
 * Durable state of coordinators: one internal topic, a log of keyed records per partition. The
 * topic is created by the broker through `metadata` like any other.
 */
export interface CoordinatorStore {
  /** Name of the internal topic. */
  readonly topicName: string
  /** Replays a partition from its start to its end. Batches are valid until the next one is asked. */
  load(partition: number): AsyncIterable<LoadedBatch>
  /** One atomic batch. Same durability as a client's acked record. */
  append(
    partition: number,
    records: readonly CoordinatorRecord[],
    options: AppendOptions & { readonly producer?: CoordinatorProducer },
  ): AppendResult | Promise<AppendResult>
}

/**
 * Effective log settings of one topic; names are those of Kafka's topic configs in camel case.
 * Sizes in bytes, times in ms, -1 where Kafka says unlimited.
 */
export interface LogConfig {
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly segmentJitterMs: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly cleanupDelete: boolean
  readonly cleanupCompact: boolean
  readonly deleteRetentionMs: number
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  readonly minCleanableDirtyRatio: number
  readonly fileDeleteDelayMs: number
  readonly flushMessages: number
  readonly flushMs: number
  readonly preallocate: boolean
}

export type StorageErrorKind = 'locked' | 'mismatch' | 'corrupt' | 'unreadable' | 'newer-format'

/** A directory that cannot be used, in words for the person who started the broker. */
export class StorageError extends Error {
  override name = 'StorageError'
  readonly kind: StorageErrorKind

  constructor(kind: StorageErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

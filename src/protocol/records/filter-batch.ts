import { type BatchView, NO_TIMESTAMP } from './batch.ts'
import { buildBatch, sealBatch } from './builder.ts'
import { compressionName } from './compression/compression.ts'
import { openRecordBytes } from './iterate.ts'
import { prematureEnd, RecordCursor } from './record-cursor.ts'
import { type RecordBytes, rewriteRecords } from './rewrite-records.ts'

export interface BatchFilter {
  /**
   * What a batch gets that has none yet and keeps a tombstone, or is the marker of a transaction of
   * which nothing is left: the time from which on they may go, now + delete.retention.ms.
   */
  readonly deleteHorizonMs: number
  readonly isMarkerOfEmptyTransaction?: boolean | undefined
  /** Keep a header without records, for the state of its producer, when nothing else stays. */
  readonly retainEmpty?: boolean | undefined
  /** Memory for a batch that is not compressed, whatever it holds; fresh memory when left out. */
  readonly room?: ((sizeBytes: number) => Buffer) | undefined
}

/** One byte for each of its parts. */
const MIN_RECORD_BYTES = 7

/**
 * What compaction leaves of a v2 batch (log-storage.md), in steps: for who decides record by record
 * and rests in between. Offsets never change, and the last one is kept so that sequences can be told.
 */
export class FilteredBatch {
  /** Before the first record. Go through all `batch.recordCount` of them. */
  readonly cursor: RecordCursor
  readonly #batch: BatchView
  readonly #source: RecordBytes
  /** By index in the batch, 1 where a record stays. */
  readonly #keep: Uint8Array
  #seenCount = 0
  #keptCount = 0
  #hasTombstone = false

  constructor(batch: BatchView, source: RecordBytes) {
    this.#batch = batch
    this.#source = source
    this.#keep = new Uint8Array(batch.recordCount)
    this.cursor = new RecordCursor(source.bytes, source.start, source.end)
  }

  /** The next record stays. */
  keep(hasValue: boolean): void {
    this.#keep[this.#seenCount++] = 1
    this.#keptCount++
    if (!hasValue) this.#hasTombstone = true
  }

  /** The next record goes. */
  drop(): void {
    this.#seenCount++
  }

  /**
   * What is left once all records were decided on, null when nothing. The batch's own bytes when all
   * of it stays; else a new batch with the same offsets, producer fields and codec.
   */
  batch(filter: BatchFilter): Uint8Array | null {
    const batch = this.#batch
    if (this.#keptCount === 0) return filter.retainEmpty ? emptyBatch(batch) : null
    const horizon = batch.deleteHorizonMs
    const needsHorizon =
      horizon === undefined && (this.#hasTombstone || filter.isMarkerOfEmptyTransaction === true)
    if (this.#keptCount === this.#seenCount && !needsHorizon) {
      return batch.bytes.subarray(batch.position, batch.end)
    }
    const deleteHorizonMs = needsHorizon ? filter.deleteHorizonMs : horizon
    const { bytes, recordCount, baseTimestamp, maxTimestamp } = rewriteRecords(
      batch,
      this.#source,
      { keep: this.#keep, renumber: false, baseTimestamp: deleteHorizonMs, room: filter.room },
    )
    return sealBatch(bytes, {
      ...headerOf(batch),
      compression: compressionName(batch.compression),
      deleteHorizonMs,
      baseTimestamp,
      maxTimestamp,
      recordCount,
    })
  }
}

/** Throws KafkaError for a batch that cannot hold what it says. */
export function openForFilter(batch: BatchView): FilteredBatch {
  const source = openRecordBytes(batch)
  if (batch.recordCount > (source.end - source.start) / MIN_RECORD_BYTES) throw prematureEnd()
  return new FilteredBatch(batch, source)
}

function emptyBatch(batch: BatchView): Uint8Array {
  return buildBatch({
    ...headerOf(batch),
    baseTimestamp: NO_TIMESTAMP,
    maxTimestamp: batch.maxTimestamp,
    records: [],
  })
}

function headerOf(batch: BatchView) {
  return {
    baseOffset: batch.baseOffset,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    lastOffsetDelta: batch.lastOffsetDelta,
    timestampType: batch.timestampType,
    transactional: batch.isTransactional,
    control: batch.isControl,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
  }
}

import { type BatchView, NO_TIMESTAMP } from './batch.ts'
import { buildBatch, sealBatch } from './builder.ts'
import { compressionName } from './compression/compression.ts'
import { openRecordBytes, type RecordView, recordViews } from './iterate.ts'
import { prematureEnd, RecordCursor } from './record-cursor.ts'
import { rewriteRecords } from './rewrite-records.ts'

export interface BatchFilter {
  /** Whether a record stays. */
  readonly keep: (record: RecordView) => boolean
  /**
   * What a batch gets that has none yet and keeps a tombstone, or is the marker of a transaction of
   * which nothing is left: the time from which on they may go, now + delete.retention.ms.
   */
  readonly deleteHorizonMs: number
  readonly isMarkerOfEmptyTransaction?: boolean | undefined
  /** Keep a header without records, for the state of its producer, when nothing else stays. */
  readonly retainEmpty?: boolean | undefined
}

/** One byte for each of its parts. */
const MIN_RECORD_BYTES = 7

/**
 * What compaction leaves of a v2 batch (log-storage.md), null when nothing. The batch's own bytes
 * when all of it stays; else a new batch with the same offsets, producer fields and codec. Offsets
 * never change, and the last one is kept so that sequences can be told. Throws KafkaError for a batch
 * that does not read.
 */
export function filterBatch(batch: BatchView, filter: BatchFilter): Uint8Array | null {
  const source = openRecordBytes(batch)
  if (batch.recordCount > (source.end - source.start) / MIN_RECORD_BYTES) throw prematureEnd()
  const keep = new Uint8Array(batch.recordCount)
  let kept = 0
  let index = 0
  let hasTombstone = false
  const cursor = new RecordCursor(source.bytes, source.start, source.end)
  for (const record of recordViews(batch, cursor)) {
    if (filter.keep(record)) {
      keep[index] = 1
      kept++
      if (!record.hasValue) hasTombstone = true
    }
    index++
  }
  if (kept === 0) return filter.retainEmpty ? emptyBatch(batch) : null
  const horizon = batch.deleteHorizonMs
  const needsHorizon =
    horizon === undefined && (hasTombstone || filter.isMarkerOfEmptyTransaction === true)
  if (kept === index && !needsHorizon) return batch.bytes.subarray(batch.position, batch.end)
  const deleteHorizonMs = needsHorizon ? filter.deleteHorizonMs : horizon
  const { bytes, recordCount, baseTimestamp, maxTimestamp } = rewriteRecords(batch, source, {
    keep,
    renumber: false,
    baseTimestamp: deleteHorizonMs,
  })
  return sealBatch(bytes, {
    ...headerOf(batch),
    compression: compressionName(batch.compression),
    deleteHorizonMs,
    baseTimestamp,
    maxTimestamp,
    recordCount,
  })
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

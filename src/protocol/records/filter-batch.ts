import { type BatchView, NO_TIMESTAMP } from './batch.ts'
import { buildBatch } from './builder.ts'
import { compressionName } from './compression/compression.ts'
import { type RecordView, records } from './iterate.ts'

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

/**
 * What compaction leaves of a v2 batch (log-storage.md), null when nothing. The batch's own bytes
 * when all of it stays; else a new batch with the same offsets, producer fields and codec. Offsets
 * never change, and the last one is kept so that sequences can be told.
 */
export function filterBatch(batch: BatchView, filter: BatchFilter): Uint8Array | null {
  const kept: RecordView[] = []
  let hasTombstone = false
  let total = 0
  for (const record of records(batch)) {
    total++
    if (!filter.keep(record)) continue
    kept.push(record)
    if (!record.hasValue) hasTombstone = true
  }
  if (kept.length === 0) return filter.retainEmpty ? emptyBatch(batch) : null
  const horizon = batch.deleteHorizonMs
  const needsHorizon =
    horizon === undefined && (hasTombstone || filter.isMarkerOfEmptyTransaction === true)
  if (kept.length === total && !needsHorizon) return batch.bytes.subarray(batch.position, batch.end)
  const { baseOffset } = batch
  return buildBatch({
    ...headerOf(batch),
    compression: compressionName(batch.compression),
    deleteHorizonMs: needsHorizon ? filter.deleteHorizonMs : horizon,
    maxTimestamp: batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined,
    records: kept.map(({ key, value, headers, timestamp, offset }) => ({
      key,
      value,
      headers,
      timestamp,
      offsetDelta: offset - baseOffset,
    })),
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

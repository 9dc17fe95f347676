import { ErrorCode } from '../../protocol/error-code.ts'
import type { BatchView } from '../../protocol/records/batch.ts'
import { records } from '../../protocol/records/iterate.ts'
import type { OffsetAndTimestamp } from '../engine.ts'
import { scanBatches } from './batch-scan.ts'
import type { Log } from './log.ts'
import { segmentIndexOf } from './log-reader.ts'
import type { Segment } from './segment.ts'

export const NO_OFFSET: OffsetAndTimestamp = {
  errorCode: ErrorCode.NONE,
  offset: -1,
  timestampMs: -1,
  leaderEpoch: -1,
}

/** First record at or after the log start whose timestamp is at least `timestampMs`. */
export function offsetForTimestamp(
  log: Log,
  timestampMs: number,
  endOffset: number,
): OffsetAndTimestamp {
  for (let at = segmentIndexOf(log, log.logStartOffset); at < log.segments.length; at++) {
    const segment = log.segments[at]!
    if (segment.sizeBytes === 0 || segment.maxTimestampMs < timestampMs) continue
    const found = firstInSegment(log, segment, timestampMs)
    if (!found) continue
    return found.offset < endOffset ? found : NO_OFFSET
  }
  return NO_OFFSET
}

/** The first record that has the largest timestamp of the log. */
export function offsetOfMaxTimestamp(log: Log, endOffset: number): OffsetAndTimestamp {
  let latest: Segment | undefined
  for (let at = segmentIndexOf(log, log.logStartOffset); at < log.segments.length; at++) {
    const segment = log.segments[at]!
    if (segment.sizeBytes === 0) continue
    if (!latest || segment.maxTimestampMs > latest.maxTimestampMs) latest = segment
  }
  if (!latest || latest.maxTimestampMs < 0) return NO_OFFSET
  const found = firstInSegment(log, latest, latest.maxTimestampMs)
  return found && found.offset < endOffset ? found : NO_OFFSET
}

/** The indexes say where to begin; then batches by their largest timestamp, then records. */
function firstInSegment(
  log: Log,
  segment: Segment,
  timestampMs: number,
): OffsetAndTimestamp | undefined {
  const { offsets, times } = segment.indexes()
  let found: OffsetAndTimestamp | undefined
  scanBatches({
    file: segment.log.file,
    // All before an entry with a smaller timestamp is older. One with the same may not be the first.
    from: offsets.positionBefore(times.offsetBefore(timestampMs - 1)),
    to: segment.sizeBytes,
    buffers: log.environment.buffers,
    detail: 'whole',
    visit: (batch) => {
      if (batch.maxTimestamp < timestampMs || batch.lastOffset < log.logStartOffset) return true
      found = firstInBatch(batch, timestampMs, log.logStartOffset)
      return found === undefined
    },
  })
  return found
}

function firstInBatch(
  batch: BatchView,
  timestampMs: number,
  logStartOffset: number,
): OffsetAndTimestamp | undefined {
  for (const record of records(batch)) {
    if (record.timestamp < timestampMs || record.offset < logStartOffset) continue
    return {
      errorCode: ErrorCode.NONE,
      offset: record.offset,
      timestampMs: record.timestamp,
      leaderEpoch: batch.partitionLeaderEpoch,
    }
  }
  return undefined
}

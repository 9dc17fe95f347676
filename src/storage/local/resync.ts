import {
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  BatchView,
  dataViewOf,
  LOG_OVERHEAD_BYTES,
} from '../../protocol/records/batch.ts'
import { batchSizeAt } from './batch-scan.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { Segment } from './segment.ts'

const CHUNK_BYTES = 4 * 1024 * 1024
/** Offsets this far beyond what is expected are noise that looks like a header. */
const OFFSET_DISTANCE_MAX = 2147483647

/**
 * Whether valid batches follow after damage at `position` of the first of `segments`, or in later
 * ones: the offset of the first such batch, or undefined.
 *
 * Every byte may be the beginning of a header. A candidate counts when its CRC fits and the batches
 * after it lead to the end of the file: bytes of a batch that a client put inside a record of its
 * own do not, unless the file happens to be torn exactly behind them.
 */
export function findLaterBatch(
  environment: LogEnvironment,
  segments: readonly Segment[],
  position: number,
): number | undefined {
  for (const [index, segment] of segments.entries()) {
    const found = searchSegment(environment, segment, index === 0 ? position + 1 : 0)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Whether what lies from `position` to the end is a batch whose end was never written, or zeros. A
 * whole batch that was damaged later is neither, even when its length says that more should follow.
 */
export function isFragment(
  { buffers }: LogEnvironment,
  { log, sizeBytes }: Segment,
  position: number,
): boolean {
  const length = sizeBytes - position
  if (length < BATCH_HEADER_BYTES) return true
  const buffer = buffers.acquire(length)
  try {
    const bytes = buffer.subarray(0, length)
    log.file.readSync(bytes, position)
    if (bytes.every((byte) => byte === 0)) return true
    const view = dataViewOf(bytes)
    if (batchSizeAt(view, 0) <= length) return false
    view.setInt32(BATCH_LENGTH_AT, length - LOG_OVERHEAD_BYTES)
    const batch = new BatchView(bytes)
    return batch.crc !== batch.computeCrc()
  } finally {
    buffers.release(buffer)
  }
}

function searchSegment(
  environment: LogEnvironment,
  segment: Segment,
  from: number,
): number | undefined {
  const { sizeBytes } = segment
  const { buffers } = environment
  const buffer = buffers.acquire(CHUNK_BYTES)
  try {
    const view = dataViewOf(buffer)
    for (let start = from; start + BATCH_HEADER_BYTES <= sizeBytes; ) {
      const count = segment.log.file.readSync(
        buffer.subarray(0, Math.min(CHUNK_BYTES, sizeBytes - start)),
        start,
      )
      for (let at = 0; at + BATCH_HEADER_BYTES <= count; at++) {
        if (!mayBeBatch(view, at, sizeBytes - start - at)) continue
        const { baseOffset } = new BatchView(buffer, at, view)
        const distance = baseOffset - segment.baseOffset
        if (distance < 0 || distance > OFFSET_DISTANCE_MAX) continue
        if (leadsToEnd(environment, segment, start + at)) return baseOffset
      }
      if (count < CHUNK_BYTES) break
      start += count - BATCH_HEADER_BYTES + 1
    }
  } finally {
    buffers.release(buffer)
  }
  return undefined
}

function mayBeBatch(view: DataView, at: number, left: number): boolean {
  if (view.getUint8(at + 16) !== 2) return false
  const size = batchSizeAt(view, at)
  return size > 0 && size <= left
}

function leadsToEnd(environment: LogEnvironment, segment: Segment, from: number): boolean {
  const { buffers } = environment
  let at = from
  let count = 0
  while (at < segment.sizeBytes) {
    const head = Buffer.alloc(BATCH_HEADER_BYTES)
    if (segment.log.file.readSync(head, at) < BATCH_HEADER_BYTES) break
    const size = batchSizeAt(dataViewOf(head), 0)
    if (size < 0) return false
    // The last batch may be torn; then at least one whole one has to be there.
    if (at + size > segment.sizeBytes) break
    const buffer = buffers.acquire(size)
    const bytes = buffer.subarray(0, size)
    segment.log.file.readSync(bytes, at)
    const batch = new BatchView(bytes)
    const isValid = batch.crc === batch.computeCrc()
    buffers.release(buffer)
    if (!isValid) return false
    count++
    at += size
  }
  return count > 0
}

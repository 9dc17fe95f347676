import { BATCH_HEADER_BYTES, type BatchView, NO_TIMESTAMP } from './batch.ts'
import { addTimestamp } from './iterate.ts'
import { RecordCursor } from './record-cursor.ts'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'

/** The records of a batch, not compressed: `bytes[start, end)`. */
export interface RecordBytes {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

export interface Rewriting {
  /** By index in the batch, 0 drops a record; all stay when left out. */
  readonly keep?: Uint8Array | undefined
  /** Offset deltas become 0, 1, 2...; else they stay. */
  readonly renumber: boolean
  /** What timestamps count from; the first record's own when left out. */
  readonly baseTimestamp?: number | undefined
  /** Memory for the result, whatever it holds; fresh memory when left out. */
  readonly room?: ((sizeBytes: number) => Buffer) | undefined
}

export interface RewrittenRecords {
  /** Room for a batch header, then the records. */
  readonly bytes: Buffer
  readonly recordCount: number
  readonly baseTimestamp: number
  readonly minTimestamp: number
  readonly maxTimestamp: number
}

/**
 * Writes records of a batch again under another header. Key, value and headers are copied as they
 * stand. Two walks instead of a list of records: a small batch can unfold into millions of them.
 * Throws as `RecordCursor` does.
 */
export function rewriteRecords(
  batch: BatchView,
  source: RecordBytes,
  rewriting: Rewriting,
): RewrittenRecords {
  const { keep, renumber, room = Buffer.alloc } = rewriting
  const count = batch.recordCount
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined
  const sourceBase = batch.baseTimestamp
  let base = rewriting.baseTimestamp
  let minTimestamp = Number.MAX_SAFE_INTEGER
  let maxTimestamp = NO_TIMESTAMP
  let size = 0
  let kept = 0
  const measure = new RecordCursor(source.bytes, source.start, source.end)
  for (let i = 0; i < count; i++) {
    measure.next()
    if (keep?.[i] === 0) continue
    const timestamp = appendTime ?? addTimestamp(sourceBase, measure.timestampDelta)
    base ??= timestamp
    minTimestamp = Math.min(minTimestamp, timestamp)
    maxTimestamp = Math.max(maxTimestamp, timestamp)
    const offsetDelta = renumber ? kept : measure.offsetDelta
    const length = bodyBytes(measure, timestamp - base, offsetDelta)
    size += sizeOfVarint(length) + length
    kept++
  }
  const baseTimestamp = base ?? NO_TIMESTAMP
  const bytes = room(BATCH_HEADER_BYTES + size)
  let at = BATCH_HEADER_BYTES
  let written = 0
  const cursor = new RecordCursor(source.bytes, source.start, source.end)
  for (let i = 0; i < count; i++) {
    cursor.next()
    if (keep?.[i] === 0) continue
    const timestamp = appendTime ?? addTimestamp(sourceBase, cursor.timestampDelta)
    const offsetDelta = renumber ? written : cursor.offsetDelta
    at = writeRecord(bytes, at, cursor, timestamp - baseTimestamp, offsetDelta)
    written++
  }
  return { bytes, recordCount: kept, baseTimestamp, minTimestamp, maxTimestamp }
}

/** Bytes of a record behind its length field. */
function bodyBytes(cursor: RecordCursor, timestampDelta: number, offsetDelta: number): number {
  const content = cursor.end - cursor.contentStart
  return 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta) + content
}

function writeRecord(
  bytes: Buffer,
  position: number,
  cursor: RecordCursor,
  timestampDelta: number,
  offsetDelta: number,
): number {
  let at = writeVarint(bytes, position, bodyBytes(cursor, timestampDelta, offsetDelta))
  bytes[at++] = 0
  at = writeVarlong(bytes, at, timestampDelta)
  at = writeVarint(bytes, at, offsetDelta)
  bytes.set(cursor.bytes.subarray(cursor.contentStart, cursor.end), at)
  return at + cursor.end - cursor.contentStart
}

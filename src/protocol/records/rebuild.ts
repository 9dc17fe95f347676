import { KafkaError } from '../error-code.ts'
import {
  BATCH_HEADER_BYTES,
  type BatchView,
  NO_PRODUCER_EPOCH,
  NO_TIMESTAMP,
  type TimestampType,
} from './batch.ts'
import { sealBatch } from './builder.ts'
import type { Compression } from './compression/compression.ts'
import { addTimestamp } from './iterate.ts'
import { RecordCursor } from './record-cursor.ts'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'

export interface RebuildSettings {
  readonly timestampType: TimestampType
  readonly compressionLevel?: number | undefined
}

/** The records of the batch, not compressed: `bytes[start, end)`. */
export interface RebuildPayload {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/**
 * A produced batch again with another codec, for topics whose compression.type is not the
 * producer's. Offsets become 0, 1, 2...; the producer's fields are kept; key, value and headers are
 * copied as they stand. The records were walked before, so they parse.
 */
export function rebuildBatch(
  batch: BatchView,
  payload: RebuildPayload,
  compression: Compression,
  settings: RebuildSettings,
  nowMs: number,
): Buffer {
  // Kafka's builder refuses these two with an error that has no code of its own.
  if (batch.hasProducerId && batch.producerEpoch === NO_PRODUCER_EPOCH)
    throw refused('producer epoch')
  if (batch.isTransactional && !batch.hasProducerId) throw refused('producer id')
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined
  const timestampOf = (cursor: RecordCursor) =>
    appendTime ?? addTimestamp(batch.baseTimestamp, cursor.timestampDelta)
  const count = batch.recordCount
  let baseTimestamp = NO_TIMESTAMP
  let maxTimestamp = NO_TIMESTAMP
  let size = 0
  const measure = new RecordCursor(payload.bytes, payload.start, payload.end)
  for (let i = 0; i < count; i++) {
    measure.next()
    const timestamp = timestampOf(measure)
    if (timestamp < NO_TIMESTAMP) throw refused('timestamp')
    if (i === 0) baseTimestamp = timestamp
    maxTimestamp = Math.max(maxTimestamp, timestamp)
    const length = bodyLength(measure, timestamp - baseTimestamp, i)
    size += sizeOfVarint(length) + length
  }
  const bytes = Buffer.alloc(BATCH_HEADER_BYTES + size)
  let at = BATCH_HEADER_BYTES
  const cursor = new RecordCursor(payload.bytes, payload.start, payload.end)
  for (let i = 0; i < count; i++) {
    cursor.next()
    at = copyRecord(bytes, at, cursor, timestampOf(cursor) - baseTimestamp, i)
  }
  return sealBatch(bytes, {
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression,
    compressionLevel: settings.compressionLevel,
    timestampType: settings.timestampType,
    transactional: batch.isTransactional,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    baseTimestamp,
    maxTimestamp: settings.timestampType === 'LogAppendTime' ? nowMs : maxTimestamp,
    lastOffsetDelta: count - 1,
    recordCount: count,
  })
}

function refused(what: string): KafkaError {
  return new KafkaError('UNKNOWN_SERVER_ERROR', `Invalid negative ${what} in a batch to be rebuilt`)
}

function bodyLength(cursor: RecordCursor, timestampDelta: number, offsetDelta: number): number {
  const content = cursor.end - cursor.contentStart
  return 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta) + content
}

function copyRecord(
  bytes: Buffer,
  position: number,
  cursor: RecordCursor,
  timestampDelta: number,
  offsetDelta: number,
): number {
  let at = writeVarint(bytes, position, bodyLength(cursor, timestampDelta, offsetDelta))
  bytes[at++] = 0
  at = writeVarlong(bytes, at, timestampDelta)
  at = writeVarint(bytes, at, offsetDelta)
  const content = cursor.bytes.subarray(cursor.contentStart, cursor.end)
  bytes.set(content, at)
  return at + content.length
}

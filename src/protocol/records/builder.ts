import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  CONTROL_BIT,
  CRC_AT,
  DELETE_HORIZON_BIT,
  dataViewOf,
  LAST_OFFSET_DELTA_AT,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD_BYTES,
  MAGIC_AT,
  MAX_TIMESTAMP_AT,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  PARTITION_LEADER_EPOCH_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORD_COUNT_AT,
  type TimestampType,
  TRANSACTIONAL_BIT,
} from './batch.ts'
import { type Compression, compress, compressionId } from './compression/compression.ts'
import { crc32c } from './crc32c.ts'
import { writeInt64 } from './int64.ts'
import { ControlRecordType } from './iterate.ts'
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'

/**
 * Writes v2 batches, byte for byte as Kafka's own builder does (compressed bytes depend on the
 * library). Only for our own records: what is passed in is trusted to fit the format.
 */
export interface RecordInput {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly timestamp: number
  readonly headers?: readonly HeaderInput[] | undefined
  /** Index in the list when left out; rises from record to record. */
  readonly offsetDelta?: number | undefined
}

export interface HeaderInput {
  readonly key: string | Uint8Array
  readonly value: Uint8Array | null
}

/** Everything of a batch's header that can be chosen; what is left out is Kafka's neutral value. */
export interface BatchHeader {
  readonly baseOffset?: number | undefined
  readonly partitionLeaderEpoch?: number | undefined
  readonly compression?: Compression | undefined
  readonly compressionLevel?: number | undefined
  readonly timestampType?: TimestampType | undefined
  readonly transactional?: boolean | undefined
  readonly control?: boolean | undefined
  readonly producerId?: number | undefined
  readonly producerEpoch?: number | undefined
  readonly baseSequence?: number | undefined
  /** That of the last record when left out; compaction keeps the one of the original batch. */
  readonly lastOffsetDelta?: number | undefined
  /** The timestamp of the first record when left out. */
  readonly baseTimestamp?: number | undefined
  /** The largest timestamp when left out. With LogAppendTime it is what every record reads as. */
  readonly maxTimestamp?: number | undefined
  /** Set by the cleaner; takes the place of the base timestamp, and deltas count from it. */
  readonly deleteHorizonMs?: number | undefined
}

export interface BatchInput extends BatchHeader {
  readonly records: readonly RecordInput[]
}

/** One whole batch with lengths and CRC. */
export function buildBatch(input: BatchInput): Buffer {
  const { records } = input
  const baseTimestamp =
    input.deleteHorizonMs ?? input.baseTimestamp ?? records[0]?.timestamp ?? NO_TIMESTAMP
  let maxTimestamp = NO_TIMESTAMP
  let size = 0
  const lengths = records.map((record, i) => {
    maxTimestamp = Math.max(maxTimestamp, record.timestamp)
    const length = recordLength(record, record.timestamp - baseTimestamp, record.offsetDelta ?? i)
    size += sizeOfVarint(length) + length
    return length
  })
  const bytes = Buffer.alloc(BATCH_HEADER_BYTES + size)
  let at = BATCH_HEADER_BYTES
  records.forEach((record, i) => {
    at = writeVarint(bytes, at, lengths[i]!)
    at = writeRecord(bytes, at, record, record.timestamp - baseTimestamp, record.offsetDelta ?? i)
  })
  const last = records.at(-1)
  return sealBatch(bytes, {
    ...input,
    baseTimestamp,
    maxTimestamp: input.maxTimestamp ?? maxTimestamp,
    lastOffsetDelta: input.lastOffsetDelta ?? last?.offsetDelta ?? records.length - 1,
    recordCount: records.length,
  })
}

export interface SealInput extends BatchHeader {
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly lastOffsetDelta: number
  readonly recordCount: number
}

/**
 * Makes a batch of `bytes`: 61 bytes of room for the header, then the records, not compressed. The
 * header is written in place; compression gives the batch memory of its own.
 */
export function sealBatch(bytes: Buffer, input: SealInput): Buffer {
  const { compression = 'none' } = input
  const batch = compression === 'none' ? bytes : compressRecords(bytes, compression, input)
  const view = dataViewOf(batch)
  writeInt64(view, BASE_OFFSET_AT, input.baseOffset ?? 0)
  view.setInt32(BATCH_LENGTH_AT, batch.length - LOG_OVERHEAD_BYTES)
  view.setInt32(PARTITION_LEADER_EPOCH_AT, input.partitionLeaderEpoch ?? NO_LEADER_EPOCH)
  view.setInt8(MAGIC_AT, 2)
  view.setInt16(ATTRIBUTES_AT, attributesOf(input))
  view.setInt32(LAST_OFFSET_DELTA_AT, input.lastOffsetDelta)
  writeInt64(view, BASE_TIMESTAMP_AT, input.baseTimestamp)
  writeInt64(view, MAX_TIMESTAMP_AT, input.maxTimestamp)
  writeInt64(view, PRODUCER_ID_AT, input.producerId ?? NO_PRODUCER_ID)
  view.setInt16(PRODUCER_EPOCH_AT, input.producerEpoch ?? NO_PRODUCER_EPOCH)
  view.setInt32(BASE_SEQUENCE_AT, input.baseSequence ?? NO_SEQUENCE)
  view.setInt32(RECORD_COUNT_AT, input.recordCount)
  view.setUint32(CRC_AT, crc32c(batch, ATTRIBUTES_AT, batch.length))
  return batch
}

function compressRecords(
  bytes: Buffer,
  compression: Exclude<Compression, 'none'>,
  input: BatchHeader,
): Buffer {
  const level = input.compressionLevel
  const compressed = compress(compression, bytes.subarray(BATCH_HEADER_BYTES), { level })
  const batch = Buffer.alloc(BATCH_HEADER_BYTES + compressed.length)
  batch.set(compressed, BATCH_HEADER_BYTES)
  return batch
}

function attributesOf(input: BatchHeader): number {
  return (
    compressionId(input.compression ?? 'none') |
    (input.timestampType === 'LogAppendTime' ? LOG_APPEND_TIME_BIT : 0) |
    (input.transactional ? TRANSACTIONAL_BIT : 0) |
    (input.control ? CONTROL_BIT : 0) |
    (input.deleteHorizonMs === undefined ? 0 : DELETE_HORIZON_BIT)
  )
}

/** Bytes of a record behind its length field. */
function recordLength(record: RecordInput, timestampDelta: number, offsetDelta: number): number {
  let length = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta)
  length += sizeOfBytes(record.key) + sizeOfBytes(record.value)
  const headers = record.headers ?? []
  length += sizeOfVarint(headers.length)
  for (const header of headers) {
    const keyLength = headerKeyLength(header.key)
    length += sizeOfVarint(keyLength) + keyLength + sizeOfBytes(header.value)
  }
  return length
}

function sizeOfBytes(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length
}

function headerKeyLength(key: string | Uint8Array): number {
  return typeof key === 'string' ? Buffer.byteLength(key) : key.length
}

function writeRecord(
  bytes: Buffer,
  position: number,
  record: RecordInput,
  timestampDelta: number,
  offsetDelta: number,
): number {
  let at = position
  bytes[at++] = 0
  at = writeVarlong(bytes, at, timestampDelta)
  at = writeVarint(bytes, at, offsetDelta)
  at = writeBytes(bytes, at, record.key)
  at = writeBytes(bytes, at, record.value)
  const headers = record.headers ?? []
  at = writeVarint(bytes, at, headers.length)
  for (const header of headers) {
    at = writeVarint(bytes, at, headerKeyLength(header.key))
    if (typeof header.key === 'string') at += bytes.write(header.key, at)
    else {
      bytes.set(header.key, at)
      at += header.key.length
    }
    at = writeBytes(bytes, at, header.value)
  }
  return at
}

function writeBytes(bytes: Buffer, position: number, value: Uint8Array | null): number {
  if (value === null) return writeVarint(bytes, position, -1)
  const at = writeVarint(bytes, position, value.length)
  bytes.set(value, at)
  return at + value.length
}

export interface MarkerInput {
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly timestamp: number
  readonly baseOffset?: number | undefined
  readonly partitionLeaderEpoch?: number | undefined
}

/** The control batch that ends a transaction in a partition. */
export function buildMarkerBatch(type: 'COMMIT' | 'ABORT', input: MarkerInput): Buffer {
  const value = Buffer.alloc(6)
  value.writeInt32BE(input.coordinatorEpoch, 2)
  return buildControlBatch(type, value, { ...input, transactional: true })
}

/** A control batch with one record. `value` of KRaft's types is a message of its own schema. */
export function buildControlBatch(
  type: keyof typeof ControlRecordType,
  value: Uint8Array,
  header: BatchHeader & { readonly timestamp: number },
): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(ControlRecordType[type], 2)
  return buildBatch({
    ...header,
    control: true,
    records: [{ key, value, timestamp: header.timestamp }],
  })
}

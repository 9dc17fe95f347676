import { KafkaError } from '../error-code.ts'
import { crc32c } from './crc32c.ts'
import { readInt64, writeInt64 } from './int64.ts'

/**
 * The header of a v2 record batch (reference: record-format.md sections 1 and 2), read and patched
 * in place. Everything is big-endian. The first 17 bytes have the same meaning in all three formats,
 * so that one can step over entries before looking at the magic.
 *
 *   baseOffset int64 | batchLength int32 | partitionLeaderEpoch int32 | magic int8 | crc uint32 |
 *   attributes int16 | lastOffsetDelta int32 | baseTimestamp int64 | maxTimestamp int64 |
 *   producerId int64 | producerEpoch int16 | baseSequence int32 | recordCount int32 | records
 */
export const BASE_OFFSET_AT = 0
export const BATCH_LENGTH_AT = 8
export const PARTITION_LEADER_EPOCH_AT = 12
export const MAGIC_AT = 16
export const CRC_AT = 17
/** The CRC covers the batch from here to its end, so offsets and epoch are stamped without it. */
export const ATTRIBUTES_AT = 21
export const LAST_OFFSET_DELTA_AT = 23
export const BASE_TIMESTAMP_AT = 27
export const MAX_TIMESTAMP_AT = 35
export const PRODUCER_ID_AT = 43
export const PRODUCER_EPOCH_AT = 51
export const BASE_SEQUENCE_AT = 53
export const RECORD_COUNT_AT = 57
export const RECORDS_AT = 61
export const BATCH_HEADER_BYTES = 61

/** Bytes in front of what `batchLength` counts. */
export const LOG_OVERHEAD_BYTES = 12
/** Enough to know size and magic of an entry of any format. */
export const HEADER_BYTES_UP_TO_MAGIC = 17
/** The smallest legal `batchLength`: that of an empty v0 message. */
export const MIN_ENTRY_LENGTH = 14

export const COMPRESSION_MASK = 0x07
export const LOG_APPEND_TIME_BIT = 0x08
export const TRANSACTIONAL_BIT = 0x10
export const CONTROL_BIT = 0x20
export const DELETE_HORIZON_BIT = 0x40

export const NO_TIMESTAMP = -1
export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_LEADER_EPOCH = -1

const MAX_INT32 = 2147483647

export type TimestampType = 'CreateTime' | 'LogAppendTime'

/**
 * One entry of a log, a produce request or a fetch response, where it lies: a window on bytes that
 * it neither copies nor checks. Getters after `magic` have a meaning for v2 batches only; v0 and v1
 * messages are read by legacy.ts. Validity is the business of `ensureValid`.
 */
export class BatchView {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Where the batch begins in `bytes`. */
  readonly position: number

  constructor(bytes: Uint8Array, position = 0, view: DataView = dataViewOf(bytes)) {
    this.bytes = bytes
    this.view = view
    this.position = position
  }

  get baseOffset(): number {
    return readInt64(this.view, this.position + BASE_OFFSET_AT)
  }

  /** As the header says: the size without the 12 bytes up to this field. */
  get batchLength(): number {
    return this.view.getInt32(this.position + BATCH_LENGTH_AT)
  }

  get sizeInBytes(): number {
    return this.batchLength + LOG_OVERHEAD_BYTES
  }

  /** Position after the batch. */
  get end(): number {
    return this.position + this.sizeInBytes
  }

  get partitionLeaderEpoch(): number {
    return this.view.getInt32(this.position + PARTITION_LEADER_EPOCH_AT)
  }

  get magic(): number {
    return this.view.getInt8(this.position + MAGIC_AT)
  }

  get crc(): number {
    return this.view.getUint32(this.position + CRC_AT)
  }

  get attributes(): number {
    return this.view.getInt16(this.position + ATTRIBUTES_AT)
  }

  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 are no codec. */
  get compression(): number {
    return this.attributes & COMPRESSION_MASK
  }

  get timestampType(): TimestampType {
    return this.attributes & LOG_APPEND_TIME_BIT ? 'LogAppendTime' : 'CreateTime'
  }

  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL_BIT) !== 0
  }

  get isControl(): boolean {
    return (this.attributes & CONTROL_BIT) !== 0
  }

  /** When the cleaner may drop tombstones and markers of this batch; undefined when not set. */
  get deleteHorizonMs(): number | undefined {
    return this.attributes & DELETE_HORIZON_BIT ? this.baseTimestamp : undefined
  }

  get lastOffsetDelta(): number {
    return this.view.getInt32(this.position + LAST_OFFSET_DELTA_AT)
  }

  get lastOffset(): number {
    return this.baseOffset + this.lastOffsetDelta
  }

  get nextOffset(): number {
    return this.lastOffset + 1
  }

  get baseTimestamp(): number {
    return readInt64(this.view, this.position + BASE_TIMESTAMP_AT)
  }

  get maxTimestamp(): number {
    return readInt64(this.view, this.position + MAX_TIMESTAMP_AT)
  }

  get producerId(): number {
    return readInt64(this.view, this.position + PRODUCER_ID_AT)
  }

  get hasProducerId(): boolean {
    return this.producerId > NO_PRODUCER_ID
  }

  get producerEpoch(): number {
    return this.view.getInt16(this.position + PRODUCER_EPOCH_AT)
  }

  get baseSequence(): number {
    return this.view.getInt32(this.position + BASE_SEQUENCE_AT)
  }

  /** -1 when the batch has no sequences. */
  get lastSequence(): number {
    const baseSequence = this.baseSequence
    if (baseSequence === NO_SEQUENCE) return NO_SEQUENCE
    return incrementSequence(baseSequence, this.lastOffsetDelta)
  }

  get recordCount(): number {
    return this.view.getInt32(this.position + RECORD_COUNT_AT)
  }

  /** What the CRC field should be. */
  computeCrc(): number {
    return crc32c(this.bytes, this.position + ATTRIBUTES_AT, this.end)
  }

  /** Size and CRC of a v2 batch that is known to lie within `bytes`; throws CORRUPT_MESSAGE. */
  ensureValid(): void {
    this.ensureHeader()
    const computed = this.computeCrc()
    if (this.crc !== computed) {
      throw new KafkaError(
        'CORRUPT_MESSAGE',
        `Record is corrupt (stored crc = ${this.crc}, computed crc = ${computed})`,
      )
    }
  }

  /** The batch has room for all fields of its header; throws CORRUPT_MESSAGE. */
  ensureHeader(): void {
    const sizeInBytes = this.sizeInBytes
    if (sizeInBytes < BATCH_HEADER_BYTES) {
      throw new KafkaError(
        'CORRUPT_MESSAGE',
        `Record batch is corrupt (the size ${sizeInBytes} is smaller than the minimum allowed overhead ${BATCH_HEADER_BYTES})`,
      )
    }
  }
}

export function dataViewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Size of the entry at `position`, 0 when only a fragment of one is left before `end`.
 * Throws CORRUPT_MESSAGE when length or magic cannot be those of an entry.
 */
export function entrySizeAt(view: DataView, position: number, end: number): number {
  const left = end - position
  if (left < LOG_OVERHEAD_BYTES) return 0
  const length = view.getInt32(position + BATCH_LENGTH_AT)
  if (length < MIN_ENTRY_LENGTH) {
    throw new KafkaError(
      'CORRUPT_MESSAGE',
      `Record size ${length} is less than the minimum record overhead (${MIN_ENTRY_LENGTH})`,
    )
  }
  if (left < HEADER_BYTES_UP_TO_MAGIC) return 0
  const magic = view.getInt8(position + MAGIC_AT)
  if (magic < 0 || magic > 2) {
    throw new KafkaError('CORRUPT_MESSAGE', `Invalid magic found in record: ${magic}`)
  }
  const size = length + LOG_OVERHEAD_BYTES
  return size <= left ? size : 0
}

/**
 * Steps over the entries of `bytes` by their length fields, whatever their format.
 * A fragment at the end is ignored, as fetch responses may end with one. Throws CORRUPT_MESSAGE
 * where no entry can be. A new view per batch, one DataView for all.
 */
export function* batches(bytes: Uint8Array): Generator<BatchView, void, undefined> {
  const view = dataViewOf(bytes)
  for (let position = 0; ; ) {
    const size = entrySizeAt(view, position, bytes.length)
    if (size === 0) return
    yield new BatchView(bytes, position, view)
    position += size
  }
}

/** The leader assigns offset and epoch; both lie outside the CRC. In place. */
export function stampBatch(batch: BatchView, baseOffset: number, leaderEpoch: number): void {
  writeInt64(batch.view, batch.position + BASE_OFFSET_AT, baseOffset)
  batch.view.setInt32(batch.position + PARTITION_LEADER_EPOCH_AT, leaderEpoch)
}

/**
 * Sets timestamp type and largest timestamp, in place. As in Kafka the CRC is computed again, and
 * unknown attribute bits are cleared, only when something changes.
 */
export function setMaxTimestamp(batch: BatchView, type: TimestampType, maxTimestamp: number): void {
  if (batch.timestampType === type && batch.maxTimestamp === maxTimestamp) return
  const kept = COMPRESSION_MASK | TRANSACTIONAL_BIT | CONTROL_BIT | DELETE_HORIZON_BIT
  const typeBit = type === 'LogAppendTime' ? LOG_APPEND_TIME_BIT : 0
  batch.view.setInt16(batch.position + ATTRIBUTES_AT, (batch.attributes & kept) | typeBit)
  writeInt64(batch.view, batch.position + MAX_TIMESTAMP_AT, maxTimestamp)
  batch.view.setUint32(batch.position + CRC_AT, batch.computeCrc())
}

/** Sequences wrap from 2147483647 to 0. */
export function incrementSequence(sequence: number, increment: number): number {
  if (sequence > MAX_INT32 - increment) return increment - (MAX_INT32 - sequence) - 1
  return sequence + increment
}

export function decrementSequence(sequence: number, decrement: number): number {
  if (sequence < decrement) return MAX_INT32 - (decrement - sequence) + 1
  return sequence - decrement
}

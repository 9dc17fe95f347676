import { KafkaError } from '../error-code.ts'
import {
  BASE_OFFSET_AT,
  BATCH_LENGTH_AT,
  type BatchView,
  COMPRESSION_MASK,
  dataViewOf,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD_BYTES,
  MAGIC_AT,
  MIN_ENTRY_LENGTH,
  NO_SEQUENCE,
  NO_TIMESTAMP,
} from './batch.ts'
import {
  type Codec,
  type DecompressLimits,
  decompress,
  requireCompression,
} from './compression/compression.ts'
import { crc32 } from './crc32c.ts'
import { readInt64 } from './int64.ts'
import { RecordView, records } from './iterate.ts'
import { invalidRecord } from './record-cursor.ts'

/**
 * Messages of the formats v0 and v1 (reference: record-format.md section 4), as they lie:
 *
 *   offset int64 | messageSize int32 | crc uint32 | magic int8 | attributes int8 |
 *   timestamp int64 (v1 only) | keyLength int32 | key | valueLength int32 | value
 *
 * A message with a codec in its attributes is a wrapper: its value is a compressed message set.
 */
export const MESSAGE_CRC_AT = 12
export const MESSAGE_ATTRIBUTES_AT = 17
export const MESSAGE_TIMESTAMP_AT = 18
/** The CRC of a message covers it from the magic on. */
const CRC_FROM = MAGIC_AT

/** Where the key's length begins. */
export function messageKeyAt(magic: number): number {
  return magic === 0 ? MESSAGE_TIMESTAMP_AT : MESSAGE_TIMESTAMP_AT + 8
}

/** Smallest message, with null key and null value, behind its size field: 14 or 22 bytes. */
function minMessageBytes(magic: number): number {
  return messageKeyAt(magic) + 8 - LOG_OVERHEAD_BYTES
}

interface Message {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly position: number
  readonly end: number
  readonly magic: number
}

/**
 * The records of one entry of any format. For v0 and v1 that is one message or everything in a
 * wrapper, with CRCs checked; for v2 see `records`. Throws KafkaError as Kafka's readers do.
 */
export function recordsOf(batch: BatchView, limits: DecompressLimits = {}): Iterable<RecordView> {
  return batch.magic === 2 ? records(batch, limits) : legacyRecords(batch, limits)
}

/** The records of one v0 or v1 message, all at once: offsets of a wrapper count from its last one. */
export function legacyRecords(batch: BatchView, limits: DecompressLimits = {}): RecordView[] {
  const { bytes, view, position, end, magic } = batch
  const outer: Message = { bytes, view, position, end, magic }
  const codec = requireCompression(
    view.getUint8(position + MESSAGE_ATTRIBUTES_AT) & COMPRESSION_MASK,
  )
  ensureValidMessage(outer)
  if (codec === 'none') return [recordOf(outer, offsetOf(outer), timestampOf(outer))]
  if (codec === 'zstd') {
    throw invalidRecord(
      `Invalid wrapper compressionType found in legacy deep record iterator ${magic}`,
    )
  }
  return unwrap(outer, codec, limits)
}

function unwrap(outer: Message, codec: Codec, limits: DecompressLimits): RecordView[] {
  const { magic } = outer
  const { value } = recordOf(outer, 0, 0)
  if (value === null) {
    throw invalidRecord(`Found invalid compressed record set with null value (magic = ${magic})`)
  }
  const inner = innerMessages(decompress(codec, value, { ...limits, magic }))
  const last = inner.at(-1)
  if (last === undefined) {
    throw invalidRecord('Found invalid compressed record set with no inner records')
  }
  const base = magic === 1 ? baseOffsetOf(offsetOf(outer), offsetOf(last)) : 0
  const appendTime = isLogAppendTime(outer) ? timestampOf(outer) : undefined
  return inner.map((message) => {
    if (message.view.getUint8(message.position + MESSAGE_ATTRIBUTES_AT) & COMPRESSION_MASK) {
      throw invalidRecord('Inner messages must not be compressed')
    }
    ensureValidMessage(message)
    const timestamp = message.magic === 0 ? NO_TIMESTAMP : (appendTime ?? timestampOf(message))
    return recordOf(message, base + offsetOf(message), timestamp)
  })
}

/** A message that is cut at the end is not there. */
function innerMessages(bytes: Uint8Array): Message[] {
  const view = dataViewOf(bytes)
  const messages: Message[] = []
  let position = 0
  while (bytes.length - position >= LOG_OVERHEAD_BYTES) {
    const size = view.getInt32(position + BATCH_LENGTH_AT)
    if (size < MIN_ENTRY_LENGTH) {
      throw new KafkaError(
        'CORRUPT_MESSAGE',
        `Record size is less than the minimum record overhead (${MIN_ENTRY_LENGTH})`,
      )
    }
    const end = position + LOG_OVERHEAD_BYTES + size
    if (end > bytes.length) break
    messages.push({ bytes, view, position, end, magic: view.getInt8(position + MAGIC_AT) })
    position = end
  }
  return messages
}

/** Inner offsets of v1 are relative; a wrapper at 0 comes from a producer, not from a log. */
function baseOffsetOf(wrapperOffset: number, lastInnerOffset: number): number {
  if (wrapperOffset === 0) return 0
  if (wrapperOffset < lastInnerOffset) {
    throw invalidRecord(
      `Found invalid wrapper offset in compressed v1 message set, wrapper offset '${wrapperOffset}' is less than the last inner message offset '${lastInnerOffset}' and it is not zero.`,
    )
  }
  return wrapperOffset - lastInnerOffset
}

function offsetOf(message: Message): number {
  return readInt64(message.view, message.position + BASE_OFFSET_AT)
}

function timestampOf(message: Message): number {
  if (message.magic === 0) return NO_TIMESTAMP
  return readInt64(message.view, message.position + MESSAGE_TIMESTAMP_AT)
}

function isLogAppendTime(message: Message): boolean {
  const attributes = message.view.getUint8(message.position + MESSAGE_ATTRIBUTES_AT)
  return message.magic === 1 && (attributes & LOG_APPEND_TIME_BIT) !== 0
}

/** Size and CRC of a v0 or v1 message; throws CORRUPT_MESSAGE. */
export function ensureValidLegacy(batch: BatchView): void {
  const { bytes, view, position, end, magic } = batch
  ensureValidMessage({ bytes, view, position, end, magic })
}

function ensureValidMessage(message: Message): void {
  const { bytes, view, position, end, magic } = message
  if (magic !== 0 && magic !== 1) throw corrupt(`Invalid magic found in record: ${magic}`)
  const computed = crc32(bytes, position + CRC_FROM, end)
  const stored = view.getUint32(position + MESSAGE_CRC_AT)
  if (stored !== computed) {
    throw corrupt(`Record is corrupt (stored crc = ${stored}, computed crc = ${computed})`)
  }
  if (end - position - LOG_OVERHEAD_BYTES < minMessageBytes(magic)) {
    throw corrupt(`Record is corrupt (crc could not be retrieved as the record is too small)`)
  }
}

/** Key and value must fill the message; throws CORRUPT_MESSAGE where their lengths do not fit. */
function recordOf(message: Message, offset: number, timestamp: number): RecordView {
  const { bytes, view, position, end, magic } = message
  const keyStart = position + messageKeyAt(magic) + 4
  const keyLength = view.getInt32(keyStart - 4)
  const valueStart = keyStart + Math.max(keyLength, 0) + 4
  if (valueStart > end) throw corrupt('Record is corrupt (key does not fit)')
  const valueLength = view.getInt32(valueStart - 4)
  if (valueStart + valueLength > end) throw corrupt('Record is corrupt (value does not fit)')
  const parts = { bytes, keyStart, keyLength, valueStart, valueLength }
  return new RecordView(offset, timestamp, NO_SEQUENCE, {
    ...parts,
    headersStart: end,
    headerCount: 0,
  })
}

function corrupt(detail: string): KafkaError {
  return new KafkaError('CORRUPT_MESSAGE', detail)
}

import {
  BASE_OFFSET_AT,
  BATCH_LENGTH_AT,
  dataViewOf,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD_BYTES,
  MAGIC_AT,
  NO_TIMESTAMP,
  type TimestampType,
} from './batch.ts'
import { type Codec, type Compression, compress, compressionId } from './compression/compression.ts'
import { crc32 } from './crc32c.ts'
import { writeInt64 } from './int64.ts'
import {
  MESSAGE_ATTRIBUTES_AT,
  MESSAGE_CRC_AT,
  MESSAGE_TIMESTAMP_AT,
  messageKeyAt,
} from './legacy.ts'

export interface MessageInput {
  readonly offset: number
  /** Not in v0. */
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

export interface MessageSetOptions {
  readonly magic: 0 | 1
  readonly compression?: Exclude<Compression, 'zstd'> | undefined
  readonly timestampType?: TimestampType | undefined
  /** With LogAppendTime: what every message reads as. */
  readonly logAppendTimeMs?: number | undefined
}

/**
 * A message set as Kafka's builder writes it: one message after the other, or with a codec one
 * wrapper around all of them, whose offset is that of the last and whose timestamp is the largest.
 */
export function writeMessageSet(
  messages: readonly MessageInput[],
  options: MessageSetOptions,
): Uint8Array {
  const { magic, compression = 'none' } = options
  const appendTime = options.timestampType === 'LogAppendTime'
  const attributes = appendTime && magic === 1 ? LOG_APPEND_TIME_BIT : 0
  const nowMs = options.logAppendTimeMs ?? NO_TIMESTAMP
  if (compression === 'none' || messages.length === 0) {
    return writeMessages(messages, magic, attributes, 0, appendTime ? nowMs : undefined)
  }
  const first = messages[0]!
  const base = magic === 1 ? first.offset : 0
  const inner = writeMessages(messages, magic, attributes, base, undefined)
  const largest = messages.reduce((max, m) => Math.max(max, m.timestamp), NO_TIMESTAMP)
  const wrapper: MessageInput = {
    offset: messages.at(-1)!.offset,
    timestamp: appendTime ? nowMs : largest,
    key: null,
    value: compress(compression as Codec, inner, { magic }),
  }
  return writeMessages([wrapper], magic, attributes | compressionId(compression), 0, undefined)
}

function writeMessages(
  messages: readonly MessageInput[],
  magic: 0 | 1,
  attributes: number,
  baseOffset: number,
  timestamp: number | undefined,
): Uint8Array {
  const size = messages.reduce((sum, message) => sum + messageBytes(message, magic), 0)
  const bytes = new Uint8Array(size)
  const view = dataViewOf(bytes)
  let at = 0
  for (const message of messages) {
    const end = at + messageBytes(message, magic)
    writeInt64(view, at + BASE_OFFSET_AT, message.offset - baseOffset)
    view.setInt32(at + BATCH_LENGTH_AT, end - at - LOG_OVERHEAD_BYTES)
    view.setInt8(at + MAGIC_AT, magic)
    view.setInt8(at + MESSAGE_ATTRIBUTES_AT, attributes)
    if (magic === 1) writeInt64(view, at + MESSAGE_TIMESTAMP_AT, timestamp ?? message.timestamp)
    const valueAt = writeBytes(bytes, view, at + messageKeyAt(magic), message.key)
    writeBytes(bytes, view, valueAt, message.value)
    view.setUint32(at + MESSAGE_CRC_AT, crc32(bytes, at + MAGIC_AT, end))
    at = end
  }
  return bytes
}

function messageBytes(message: MessageInput, magic: number): number {
  return messageKeyAt(magic) + 8 + (message.key?.length ?? 0) + (message.value?.length ?? 0)
}

/** Returns the position behind the bytes. */
function writeBytes(
  bytes: Uint8Array,
  view: DataView,
  position: number,
  value: Uint8Array | null,
): number {
  view.setInt32(position, value === null ? -1 : value.length)
  if (value === null) return position + 4
  bytes.set(value, position + 4)
  return position + 4 + value.length
}

import { BASE_TIMESTAMP_AT, type BatchView, MAX_TIMESTAMP_AT } from './batch.ts'
import type { RecordCursor } from './record-cursor.ts'

/**
 * Records in the words of Kafka's error messages. Timestamps are shown in all their 64 bits: a client
 * that sends nanoseconds is to find its own number in the message.
 */
export function describeRecord(batch: BatchView, cursor: RecordCursor, partial: boolean): string {
  const name = partial ? 'PartialDefaultRecord' : 'DefaultRecord'
  const key = partial ? cursor.keyLength : Math.max(cursor.keyLength, 0)
  const value = partial ? cursor.valueLength : Math.max(cursor.valueLength, 0)
  const offset = batch.baseOffset + cursor.offsetDelta
  return `${name}(offset=${offset}, timestamp=${exactTimestamp(batch, cursor)}, key=${key} bytes, value=${value} bytes)`
}

export function exactTimestamp(batch: BatchView, cursor: RecordCursor): bigint {
  const { view, position } = batch
  if (batch.timestampType === 'LogAppendTime') return view.getBigInt64(position + MAX_TIMESTAMP_AT)
  const delta = exactVarlong(cursor.bytes, cursor.timestampStart)
  return BigInt.asIntN(64, view.getBigInt64(position + BASE_TIMESTAMP_AT) + delta)
}

function exactVarlong(bytes: Uint8Array, position: number): bigint {
  let value = 0n
  for (let i = 0; i < 10; i++) {
    const byte = bytes[position + i]!
    value |= BigInt(byte & 0x7f) << BigInt(7 * i)
    if (byte < 0x80) break
  }
  return BigInt.asIntN(64, (BigInt.asUintN(64, value) >> 1n) ^ -(value & 1n))
}

const MAX_INT64 = 9223372036854775807n

/** A setting whose number stands for the largest int64 when it is beyond what a number holds. */
export function int64Setting(setting: number): bigint {
  return setting >= Number.MAX_SAFE_INTEGER ? MAX_INT64 : BigInt(setting)
}

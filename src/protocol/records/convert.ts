import { KafkaError } from '../error-code.ts'
import { type BatchView, batches, COMPRESSION_MASK, NO_TIMESTAMP } from './batch.ts'
import { buildBatch } from './builder.ts'
import {
  type Compression,
  type DecompressLimits,
  requireCompression,
} from './compression/compression.ts'
import { type RecordView, records } from './iterate.ts'
import { legacyRecords, MESSAGE_ATTRIBUTES_AT } from './legacy.ts'
import { writeMessageSet } from './legacy-writer.ts'
import { invalidRecord } from './record-cursor.ts'

/**
 * Conversion between formats at the edge (reference: record-format.md section 8): old producers send
 * message sets, old consumers get them; the store holds v2 only. Apache Kafka 4 does neither any
 * more, so this is for clients older than it serves.
 */
/**
 * Conversion makes an object of every record, so less may come out of one batch than elsewhere. The
 * clients that need it know messages of a megabyte.
 */
const CONVERSION_LIMITS: DecompressLimits = { maxOutputBytes: 16 * 1024 * 1024 }

/**
 * One v2 batch, with base offset 0 and the codec of the message set, of what a producer sent in
 * Produce v0 to v2. CRCs are checked; `validateProduceBatch` of the result does the rest.
 * Throws KafkaError as Kafka's validator does.
 */
export function upConvert(bytes: Uint8Array): Buffer {
  const entries = [...batches(bytes)]
  const first = entries[0]
  if (first === undefined) throw invalidRecord('Message set is empty')
  const compression = checkMessageSet(entries, first)
  const inputs = entries
    .flatMap((entry) => legacyRecords(entry, CONVERSION_LIMITS))
    .map(({ key, value, timestamp }) => ({ key, value, timestamp }))
  return buildBatch({ compression, records: inputs })
}

/** All of one format, and a wrapper stands alone. Returns the codec. */
function checkMessageSet(entries: readonly BatchView[], first: BatchView): Compression {
  const magic = first.magic
  let codec: Compression = 'none'
  for (const entry of entries) {
    if (entry.magic !== magic) {
      throw invalidRecord(
        `Batch magic ${entry.magic} is not the same as the first batch's ${magic}`,
      )
    }
    if (magic === 2) throw invalidRecord('Message set has magic 2')
    const compression = legacyCompression(entry)
    if (compression !== 'none') codec = compression
  }
  if (codec !== 'none' && entries.length > 1) {
    throw invalidRecord(
      'Compressed outer record has more than one batch, but it is only allowed to contain one',
    )
  }
  return codec
}

function legacyCompression(entry: BatchView): Compression {
  const attributes = entry.view.getUint8(entry.position + MESSAGE_ATTRIBUTES_AT)
  return requireCompression(attributes & COMPRESSION_MASK)
}

export interface DownConversion {
  /** Highest format that the reader knows: 0 for Fetch v0 and v1, 1 for v2 and v3. */
  readonly magic: 0 | 1
  /** Records below it are left out, except within what is compressed together. */
  readonly fetchOffset: number
}

/**
 * What a fetch read, in an older format. Control batches are dropped, headers and producer fields
 * are lost, a fragment at the end is left out. Throws UNSUPPORTED_COMPRESSION_TYPE for zstd.
 */
export function downConvert(bytes: Uint8Array, conversion: DownConversion): Uint8Array {
  const parts: Uint8Array[] = []
  for (const batch of batches(bytes)) {
    if (batch.magic <= conversion.magic) parts.push(bytes.subarray(batch.position, batch.end))
    else if (batch.magic === 2 && batch.isControl) continue
    else parts.push(convertDown(batch, conversion))
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function convertDown(batch: BatchView, conversion: DownConversion): Uint8Array {
  const { magic, fetchOffset } = conversion
  const isV2 = batch.magic === 2
  const compression = isV2 ? requireCompression(batch.compression) : legacyCompression(batch)
  if (compression === 'zstd') {
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `Down-conversion of zstandard-compressed batches is not supported`,
    )
  }
  const all: Iterable<RecordView> = isV2
    ? records(batch, CONVERSION_LIMITS)
    : legacyRecords(batch, CONVERSION_LIMITS)
  const kept = [...all].filter((record) => compression !== 'none' || record.offset >= fetchOffset)
  return writeMessageSet(kept, {
    magic,
    compression,
    timestampType: isV2 ? batch.timestampType : 'CreateTime',
    logAppendTimeMs: isV2 ? batch.maxTimestamp : NO_TIMESTAMP,
  })
}

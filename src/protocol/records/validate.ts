import { ErrorCode, KafkaError } from '../error-code.ts'
import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  BatchView,
  dataViewOf,
  entrySizeAt,
  LOG_APPEND_TIME_BIT,
  LOG_OVERHEAD_BYTES,
  MAGIC_AT,
  MIN_ENTRY_LENGTH,
  NO_TIMESTAMP,
  RECORDS_AT,
  setMaxTimestamp,
  TRANSACTIONAL_BIT,
} from './batch.ts'
import {
  type Compression,
  compressionName,
  decompress,
  requireCompression,
} from './compression/compression.ts'
import { CompressionError } from './compression/compression-error.ts'
import { addTimestamp } from './iterate.ts'
import { rebuildBatch } from './rebuild.ts'
import { BadRecordLength, invalidRecord, RecordCursor, recordsRemaining } from './record-cursor.ts'
import { type RecordError, RecordErrors, RecordsRejected } from './record-errors.ts'
import { type ProduceContext, type RecordSettings, within } from './record-settings.ts'
import { type RecordScan, scanRecords } from './scan-records.ts'

export type { ProduceContext, RecordSettings } from './record-settings.ts'

/**
 * What a broker checks, and changes, in a batch that a client produces (reference: record-format.md
 * section 7 and the answers of a running Kafka in the golden vectors). In the order of Kafka:
 *
 * 1. `firstBatchIsTransactional`: a whole request fails whose first batch has no plausible length and
 *    magic.
 * 2. `checkProduceRecords`: exactly one batch, magic 2, a codec that the request version allows.
 * 3. Transactional batches: the handler asks the coordinator.
 * 4. `validateProduceBatch`: header, CRC, records; then the batch is stamped in place, or rebuilt when
 *    the topic wants another codec.
 * 5. The store: producer state, segment size.
 *
 * Cost: one CRC and one pass over the records. An uncompressed batch is walked where it lies: 10 ns a
 * record, 6 % of the CRC for records of 1 KB. A compressed one has to be decompressed, as Kafka does:
 * a stream that does not decompress must be refused, and key, timestamps and count are only inside.
 * That is 0.3 to 2 GB/s of records, depending on codec and data (bench/records.ts).
 */

/** One shape for both outcomes. */
export interface ProduceValidation {
  readonly errorCode: ErrorCode
  /** For the client: null except when single records are to blame, as in Kafka. */
  readonly errorMessage: string | null
  readonly recordErrors: readonly RecordError[]
  /** For a log line; null when all is well. */
  readonly reason: string | null
  /**
   * What to append, null on error: the part of the request's bytes that is the batch, changed in
   * place where need be, or memory of its own when it was rebuilt.
   */
  readonly batch: Uint8Array | null
  /** The same. */
  readonly view: BatchView | null
  /** For the response: the clock that the records got, -1 with CreateTime. */
  readonly logAppendTimeMs: number
}

const noErrors: readonly RecordError[] = []

/**
 * Whether a produce request holds transactional data, by the first batch. Throws CORRUPT_MESSAGE
 * with a message that Kafka sends for every partition of the request.
 */
export function firstBatchIsTransactional(records: Uint8Array): boolean {
  if (isPlainBatch(records)) return false
  const view = dataViewOf(records)
  if (entrySizeAt(view, 0, records.length) === 0) return false
  const first = new BatchView(records, 0, view)
  // The smallest entry is 26 bytes and the attributes end at 23, so they are there.
  return first.magic === 2 && first.isTransactional
}

/** Nearly every batch: of a length that makes sense, and in no transaction. No view is made for it. */
function isPlainBatch(records: Uint8Array): boolean {
  return (
    records.length >= BATCH_HEADER_BYTES &&
    records[MAGIC_AT] === 2 &&
    records[BATCH_LENGTH_AT] === 0 &&
    lowBytesOfLength(records) >= MIN_ENTRY_LENGTH &&
    (records[ATTRIBUTES_AT + 1]! & TRANSACTIONAL_BIT) === 0
  )
}

function lowBytesOfLength(records: Uint8Array): number {
  const high = records[BATCH_LENGTH_AT + 1]! << 16
  return high | (records[BATCH_LENGTH_AT + 2]! << 8) | records[BATCH_LENGTH_AT + 3]!
}

/** The checks of a request's shape, for one partition. Returns the one batch. Throws KafkaError. */
export function checkProduceRecords(records: Uint8Array, requestVersion: number): BatchView {
  const view = dataViewOf(records)
  if (claimsMoreThanInt32(view)) {
    // Kafka trips over its own arithmetic here; the length makes no sense either way.
    throw new KafkaError('UNKNOWN_SERVER_ERROR', 'Record size is out of range')
  }
  const size = entrySizeAt(view, 0, records.length)
  if (size === 0) {
    throw invalidRecord(
      `Produce requests with version ${requestVersion} must have at least one record batch per partition`,
    )
  }
  const batch = new BatchView(records, 0, view)
  if (batch.magic !== 2) {
    throw invalidRecord(
      `Produce requests with version ${requestVersion} are only allowed to contain record batches with magic version 2`,
    )
  }
  if (requestVersion < 7 && compressionName(batch.compression) === 'zstd') {
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `Produce requests with version ${requestVersion} are not allowed to use ZStandard compression`,
    )
  }
  if (entrySizeAt(view, size, records.length) !== 0) {
    throw invalidRecord(
      `Produce requests with version ${requestVersion} are only allowed to contain exactly one record batch per partition`,
    )
  }
  return batch
}

function claimsMoreThanInt32(view: DataView): boolean {
  return view.byteLength >= LOG_OVERHEAD_BYTES && view.getInt32(8) > 0x7fffffff - LOG_OVERHEAD_BYTES
}

/**
 * Checks the records of one partition of a produce request and prepares the batch for the log.
 * Offsets, leader epoch and producer state are the store's.
 */
export function validateProduceBatch(
  records: Uint8Array,
  settings: RecordSettings,
  context: ProduceContext,
): ProduceValidation {
  try {
    const batch = checkProduceRecords(records, context.requestVersion)
    return validateCheckedBatch(batch, settings, context)
  } catch (error) {
    if (error instanceof KafkaError) return rejected(error)
    throw error
  }
}

/** The same for a batch that `checkProduceRecords` has returned. */
export function validateCheckedBatch(
  batch: BatchView,
  settings: RecordSettings,
  context: ProduceContext,
): ProduceValidation {
  try {
    checkHeader(batch, settings)
    return checkRecords(batch, settings, context)
  } catch (error) {
    if (error instanceof KafkaError) return rejected(error)
    throw error
  }
}

function rejected(error: KafkaError): ProduceValidation {
  return {
    errorCode: error.errorCode,
    errorMessage: error instanceof RecordsRejected ? error.message : null,
    recordErrors: error instanceof RecordsRejected ? error.recordErrors : noErrors,
    reason: error.message,
    batch: null,
    view: null,
    logAppendTimeMs: -1,
  }
}

function accepted(
  view: BatchView,
  settings: RecordSettings,
  context: ProduceContext,
): ProduceValidation {
  return {
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    recordErrors: noErrors,
    reason: null,
    batch: view.bytes,
    view,
    logAppendTimeMs: settings.timestampType === 'LogAppendTime' ? context.nowMs : -1,
  }
}

/** Everything that the header and the CRC tell. */
function checkHeader(batch: BatchView, settings: RecordSettings): void {
  const baseOffset = batch.baseOffset
  if (baseOffset !== 0) {
    throw invalidRecord(
      `The baseOffset of the record batch in the append should be 0, but it is ${baseOffset}`,
    )
  }
  checkSize(batch.sizeInBytes, settings)
  batch.ensureValid()
  requireCompression(batch.compression)
  const count = batch.recordCount
  const offsets = batch.lastOffsetDelta + 1
  if (offsets <= 0) {
    throw invalidRecord(`Batch has an invalid offset range: [0, ${offsets - 1}]`)
  }
  if (count <= 0) throw invalidRecord(`Invalid reported count for record batch: ${count}`)
  if (offsets !== count) {
    throw invalidRecord(
      `Inconsistent batch offset range [0, ${offsets - 1}] and count of records ${count}`,
    )
  }
  if (batch.isControl) {
    throw invalidRecord('Clients are not allowed to write control records')
  }
  if (batch.hasProducerId && batch.baseSequence < 0) {
    throw invalidRecord(
      `Invalid sequence number ${batch.baseSequence} in record batch with producerId ${batch.producerId}`,
    )
  }
}

function checkSize(sizeInBytes: number, settings: RecordSettings): void {
  if (sizeInBytes > settings.maxMessageBytes) {
    throw new KafkaError(
      'MESSAGE_TOO_LARGE',
      `The record batch size is ${sizeInBytes} bytes which exceeds the maximum configured value of ${settings.maxMessageBytes}`,
    )
  }
}

/** Where the records are once they are not compressed. */
interface Payload {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
  /** What is wrong with the stream behind these bytes. */
  readonly fault: CompressionError | undefined
}

const scan: RecordScan = { minTimestampDelta: 0, maxTimestampDelta: 0 }

function checkRecords(
  batch: BatchView,
  settings: RecordSettings,
  context: ProduceContext,
): ProduceValidation {
  const source = requireCompression(batch.compression)
  const target = targetCompression(source, settings)
  const payload = openPayload(batch, source)
  const { bytes, start, end, fault } = payload
  const ordinary =
    fault === undefined &&
    (batch.attributes & LOG_APPEND_TIME_BIT) === 0 &&
    scanRecords(bytes, start, end, batch.recordCount, settings.compacted, scan)
  const base = batch.baseTimestamp
  let maxTimestamp = addTimestamp(base, scan.maxTimestampDelta)
  if (
    !ordinary ||
    !timestampsInRange(addTimestamp(base, scan.minTimestampDelta), maxTimestamp, settings, context)
  ) {
    maxTimestamp = walkRecords(batch, payload, source, target, settings, context)
  }
  if (source !== target) {
    const rebuilt = rebuildBatch(batch, payload, target, settings, context)
    checkSize(rebuilt.length, settings)
    return accepted(new BatchView(rebuilt), settings, context)
  }
  const appendTime = settings.timestampType === 'LogAppendTime'
  setMaxTimestamp(batch, settings.timestampType, appendTime ? context.nowMs : maxTimestamp)
  return accepted(withoutRest(batch), settings, context)
}

/** Bytes behind the batch that are no batch are not stored. */
function withoutRest(batch: BatchView): BatchView {
  const { sizeInBytes, bytes } = batch
  return sizeInBytes === bytes.length ? batch : new BatchView(bytes.subarray(0, sizeInBytes))
}

function targetCompression(source: Compression, settings: RecordSettings): Compression {
  if (settings.compressionType === 'producer') return source
  return settings.compressionType === 'uncompressed' ? 'none' : settings.compressionType
}

function openPayload(batch: BatchView, codec: Compression): Payload {
  const { bytes, position, end } = batch
  const start = position + RECORDS_AT
  if (codec === 'none') return { bytes, start, end, fault: undefined }
  try {
    const output = decompress(codec, bytes.subarray(start, end))
    return { bytes: output, start: 0, end: output.length, fault: undefined }
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    return { bytes: error.partial, start: 0, end: error.partial.length, fault: error }
  }
}

function timestampsInRange(
  smallest: number,
  largest: number,
  settings: RecordSettings,
  { nowMs }: ProduceContext,
): boolean {
  if (settings.timestampType === 'LogAppendTime') return true
  return (
    smallest >= 0 &&
    within(nowMs - smallest, settings.timestampBeforeMaxMs) &&
    within(largest - nowMs, settings.timestampAfterMaxMs)
  )
}

/**
 * The exact walk: throws what Kafka answers, or returns the largest timestamp. A compressed batch
 * that keeps its codec is looked at less closely, as Kafka skips keys and values there.
 */
function walkRecords(
  batch: BatchView,
  payload: Payload,
  source: Compression,
  target: Compression,
  settings: RecordSettings,
  context: ProduceContext,
): number {
  const skipping = source !== 'none' && source === target
  const { bytes, start, end, fault } = payload
  const cursor = new RecordCursor(bytes, start, end, skipping ? 'skipping' : 'strict')
  const count = batch.recordCount
  const errors = new RecordErrors(batch, skipping, settings, context)
  let maxTimestamp = NO_TIMESTAMP
  let gaps = false
  for (let i = 0; i < count; i++) {
    moveToNext(cursor, source, fault)
    const last = i === count - 1
    if (last && !cursor.atEnd) throw recordsRemaining()
    // Behind the last record Kafka looks whether the stream goes on, and finds the fault there.
    if (last && fault) throw fault
    const timestamp = errors.check(cursor, i)
    maxTimestamp = Math.max(maxTimestamp, timestamp)
    if (cursor.offsetDelta !== i) gaps = true
  }
  errors.throwIfAny()
  if (skipping && gaps) {
    throw new KafkaError('UNKNOWN_SERVER_ERROR', 'Offsets in a compressed batch have gaps')
  }
  return maxTimestamp
}

function moveToNext(
  cursor: RecordCursor,
  source: Compression,
  fault: CompressionError | undefined,
): void {
  try {
    cursor.next()
  } catch (error) {
    if (fault && cursor.ranOut) throw fault
    if (source === 'none' && error instanceof BadRecordLength) {
      throw new KafkaError('UNKNOWN_SERVER_ERROR', error.message)
    }
    throw error
  }
}

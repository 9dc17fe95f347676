import { type BatchView, CONTROL_BIT, incrementSequence, NO_SEQUENCE, RECORDS_AT } from './batch.ts'
import { type DecompressLimits, decompress, requireCompression } from './compression/compression.ts'
import { invalidRecord, RecordCursor, recordsRemaining } from './record-cursor.ts'
import { VarintReader } from './varint.ts'

export interface RecordHeader {
  readonly key: string
  readonly value: Uint8Array | null
}

/**
 * One record. Key, value and headers are views of the batch's bytes, or of the memory that the batch
 * was decompressed into, made when they are asked for.
 */
export class RecordView {
  readonly offset: number
  readonly timestamp: number
  /** -1 in a batch without sequences. */
  readonly sequence: number
  readonly #bytes: Uint8Array
  readonly #keyStart: number
  readonly #keyLength: number
  readonly #valueStart: number
  readonly #valueLength: number
  readonly #headersStart: number
  readonly #headerCount: number

  constructor(offset: number, timestamp: number, sequence: number, parts: RecordParts) {
    this.offset = offset
    this.timestamp = timestamp
    this.sequence = sequence
    this.#bytes = parts.bytes
    this.#keyStart = parts.keyStart
    this.#keyLength = parts.keyLength
    this.#valueStart = parts.valueStart
    this.#valueLength = parts.valueLength
    this.#headersStart = parts.headersStart
    this.#headerCount = parts.headerCount
  }

  get key(): Uint8Array | null {
    return viewOf(this.#bytes, this.#keyStart, this.#keyLength)
  }

  get value(): Uint8Array | null {
    return viewOf(this.#bytes, this.#valueStart, this.#valueLength)
  }

  get hasKey(): boolean {
    return this.#keyLength >= 0
  }

  get hasValue(): boolean {
    return this.#valueLength >= 0
  }

  get headers(): readonly RecordHeader[] {
    const headers: RecordHeader[] = []
    const reader = new VarintReader(this.#bytes, this.#headersStart)
    for (let i = 0; i < this.#headerCount; i++) {
      const key = takeBytes(reader) ?? new Uint8Array(0)
      headers.push({ key: Buffer.from(key).toString('utf8'), value: takeBytes(reader) })
    }
    return headers
  }
}

/** Where the parts of a record lie; a negative length is null. */
export interface RecordParts {
  readonly bytes: Uint8Array
  readonly keyStart: number
  readonly keyLength: number
  readonly valueStart: number
  readonly valueLength: number
  readonly headersStart: number
  readonly headerCount: number
}

function viewOf(bytes: Uint8Array, start: number, length: number): Uint8Array | null {
  return length < 0 ? null : bytes.subarray(start, start + length)
}

function takeBytes(reader: VarintReader): Uint8Array | null {
  const length = reader.varint()
  if (length < 0) return null
  const start = reader.position
  reader.position += length
  return reader.bytes.subarray(start, start + length)
}

/**
 * The records of a v2 batch, decompressed if need be. Throws INVALID_RECORD at the first record that
 * does not parse, when bytes are left over, and for a negative count; `CompressionError` for the
 * stream. The CRC is not looked at.
 */
export function records(
  batch: BatchView,
  limits: DecompressLimits = {},
): Generator<RecordView, void, undefined> {
  const { bytes, start, end } = openRecordBytes(batch, limits)
  return recordViews(batch, new RecordCursor(bytes, start, end))
}

/** The same for a batch whose records are decompressed already: `cursor` is in front of the first. */
export function* recordViews(
  batch: BatchView,
  cursor: RecordCursor,
): Generator<RecordView, void, undefined> {
  const count = batch.recordCount
  const { baseOffset, baseTimestamp, baseSequence } = batch
  const appendTime = batch.timestampType === 'LogAppendTime' ? batch.maxTimestamp : undefined
  for (let i = 0; i < count; i++) {
    cursor.next()
    if (i === count - 1 && !cursor.atEnd) throw recordsRemaining()
    yield new RecordView(
      baseOffset + cursor.offsetDelta,
      appendTime ?? addTimestamp(baseTimestamp, cursor.timestampDelta),
      baseSequence < 0 ? NO_SEQUENCE : incrementSequence(baseSequence, cursor.offsetDelta),
      cursor,
    )
  }
}

/** Where the records of a v2 batch are once they are not compressed. Throws KafkaError. */
export function openRecordBytes(
  batch: BatchView,
  limits: DecompressLimits = {},
): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } {
  batch.ensureHeader()
  const { bytes, position, end, recordCount } = batch
  if (recordCount < 0) {
    throw invalidRecord(`Found invalid record count ${recordCount} in magic v2 batch`)
  }
  const codec = requireCompression(batch.compression)
  const start = position + RECORDS_AT
  if (codec === 'none' || recordCount === 0) return { bytes, start, end }
  const output = decompress(codec, bytes.subarray(start, end), limits)
  return { bytes: output, start: 0, end: output.length }
}

/** Saturates as all int64 do here. */
export function addTimestamp(base: number, delta: number): number {
  const sum = base + delta
  return Math.min(Math.max(sum, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

/** Types of control records, by their number. Readers ignore the ones that they do not know. */
export const ControlRecordType = {
  ABORT: 0,
  COMMIT: 1,
  LEADER_CHANGE: 2,
  SNAPSHOT_HEADER: 3,
  SNAPSHOT_FOOTER: 4,
  KRAFT_VERSION: 5,
  KRAFT_VOTERS: 6,
} as const

export type ControlRecordTypeName = keyof typeof ControlRecordType

const controlTypeNames = new Map<number, ControlRecordTypeName>(
  Object.entries(ControlRecordType).map(([name, type]) => [type, name as ControlRecordTypeName]),
)

export interface ControlRecord {
  readonly type: ControlRecordTypeName | 'UNKNOWN'
  /** The number in the key. */
  readonly typeId: number
  /** Of ABORT and COMMIT; -1 in the others. */
  readonly coordinatorEpoch: number
  /** As it stands: for the types of KRaft a message of its own schema. */
  readonly value: Uint8Array
}

const CONTROL_KEY_BYTES = 4
const MARKER_VALUE_BYTES = 6

/**
 * The first record of a control batch; undefined when the batch holds data or no record, as one that
 * the cleaner keeps for a producer's state. Throws INVALID_RECORD for a key or marker too short.
 */
export function controlRecord(batch: BatchView): ControlRecord | undefined {
  if ((batch.attributes & CONTROL_BIT) === 0) return undefined
  for (const record of records(batch)) return parseControlRecord(record)
  return undefined
}

export function parseControlRecord(record: RecordView): ControlRecord {
  const key = record.key
  const value = record.value ?? new Uint8Array(0)
  if (key === null || key.length < CONTROL_KEY_BYTES) {
    throw invalidRecord('Invalid key size for a control record')
  }
  const typeId = Buffer.from(key.buffer, key.byteOffset, key.length).readInt16BE(2)
  const type = controlTypeNames.get(typeId) ?? 'UNKNOWN'
  let coordinatorEpoch = -1
  if (type === 'ABORT' || type === 'COMMIT') {
    if (value.length < MARKER_VALUE_BYTES) {
      throw invalidRecord('Invalid value size for an end transaction marker')
    }
    // Higher versions may only add to version 0, so they are read as it.
    coordinatorEpoch = Buffer.from(value.buffer, value.byteOffset, value.length).readInt32BE(2)
  }
  return { type, typeId, coordinatorEpoch, value }
}

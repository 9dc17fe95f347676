import { KafkaError } from '../error-code.ts'
import { VarintError, VarintReader } from './varint.ts'

/**
 * How closely records are looked at.
 * `strict`: every length must fit, as when keys and values are read.
 * `skipping`: what a broker sees that passes over keys and values of a decompressed stream: the
 * record's own length is ignored.
 */
export type RecordScrutiny = 'strict' | 'skipping'

/**
 * Walks the records of one v2 batch (reference: record-format.md section 2), decompressed, and says
 * where the parts of the current one lie. Finds the faults that Kafka finds and throws
 * INVALID_RECORD for them.
 */
export class RecordCursor {
  readonly bytes: Uint8Array
  readonly #reader: VarintReader
  readonly #end: number
  readonly #scrutiny: RecordScrutiny

  /** Of the current record; a length of -1 or less is null. */
  attributes = 0
  timestampDelta = 0
  offsetDelta = 0
  keyStart = 0
  keyLength = -1
  valueStart = 0
  valueLength = -1
  headerCount = 0
  headersStart = 0
  /** Where the timestamp delta begins. */
  timestampStart = 0
  /** Where the key's length begins: from here on a record does not depend on its batch. */
  contentStart = 0
  /** Position after the record. */
  end = 0
  /** The last fault was that the bytes came to their end. */
  ranOut = false

  constructor(
    bytes: Uint8Array,
    start = 0,
    end = bytes.length,
    scrutiny: RecordScrutiny = 'strict',
  ) {
    this.bytes = bytes
    this.#reader = new VarintReader(bytes, start, end)
    this.#end = end
    this.#scrutiny = scrutiny
    this.end = start
  }

  /** No byte is left behind the current record. */
  get atEnd(): boolean {
    return this.end >= this.#end
  }

  /** Moves to the next record, which the batch says is there. */
  next(): void {
    const reader = this.#reader
    reader.position = this.end
    reader.end = this.#end
    const length = this.#recordLength(reader)
    const start = reader.position
    if (this.#scrutiny === 'strict') {
      const left = this.#end - start
      if (length > left) {
        this.ranOut = true
        throw invalidRecord(
          `Invalid record size: expected ${length} bytes in record payload, but instead the buffer has only ${left} remaining bytes.`,
        )
      }
      if (length >= 0) reader.end = start + length
    }
    try {
      this.#readBody(reader)
    } catch (error) {
      if (!(error instanceof VarintError)) throw error
      this.ranOut = error.fault === 'short' && this.#scrutiny === 'skipping'
      throw invalidRecord('Found invalid record structure')
    }
    this.end = reader.position
    if (this.#scrutiny === 'strict' && reader.position - start !== length) {
      throw invalidRecord(
        `Invalid record size: expected to read ${length} bytes in record payload, but instead read ${reader.position - start}`,
      )
    }
  }

  #recordLength(reader: VarintReader): number {
    try {
      return reader.varint()
    } catch (error) {
      this.ranOut = error instanceof VarintError && error.fault === 'short'
      throw this.ranOut ? prematureEnd() : new BadRecordLength()
    }
  }

  #readBody(reader: VarintReader): void {
    this.attributes = reader.byte()
    this.timestampStart = reader.position
    this.timestampDelta = reader.varlong()
    this.offsetDelta = reader.varint()
    this.contentStart = reader.position
    this.keyLength = reader.varint()
    this.keyStart = reader.position
    skip(reader, this.keyLength)
    this.valueLength = reader.varint()
    this.valueStart = reader.position
    skip(reader, this.valueLength)
    this.headerCount = reader.varint()
    this.headersStart = reader.position
    this.#skipHeaders(reader, this.headerCount)
  }

  #skipHeaders(reader: VarintReader, count: number): void {
    if (count < 0) throw invalidRecord(`Found invalid number of record headers ${count}`)
    const strict = this.#scrutiny === 'strict'
    if (strict && count > reader.end - reader.position) {
      throw invalidRecord(
        `Found invalid number of record headers. ${count} is larger than the remaining size of the buffer`,
      )
    }
    for (let i = 0; i < count; i++) {
      const keyLength = reader.varint()
      if (keyLength < 0) {
        throw invalidRecord(`Invalid negative header key size ${keyLength}`)
      }
      skip(reader, keyLength)
      skip(reader, reader.varint())
    }
  }
}

function skip(reader: VarintReader, length: number): void {
  if (length <= 0) return
  if (length > reader.end - reader.position) throw new VarintError('short')
  reader.position += length
}

/** A record length that is no varint, which Kafka answers differently outside compressed data. */
export class BadRecordLength extends KafkaError {
  override name = 'BadRecordLength'

  constructor() {
    super('INVALID_RECORD', 'Record length is no varint')
  }
}

export function invalidRecord(detail: string): KafkaError {
  return new KafkaError('INVALID_RECORD', detail)
}

export function prematureEnd(): KafkaError {
  return invalidRecord('Incorrect declared batch size, premature EOF reached')
}

export function recordsRemaining(): KafkaError {
  return invalidRecord('Incorrect declared batch size, records still remaining in file')
}

import { readInt64 } from './int64.ts'
import { ProtocolError } from './protocol-error.ts'

declare global {
  interface Buffer {
    /** Node's own decoders, as fast as `toString` gets without its argument checks. */
    utf8Slice(start: number, end: number): string
    latin1Slice(start: number, end: number): string
    utf8Write(text: string, start: number): number
  }
}

/** Strings are refused beyond this many bytes, in compact form too. */
export const MAX_STRING_BYTES = 0x7fff

/**
 * Array elements in one message. Decoding turns two hostile bytes into an object of a hundred, so
 * the size of the frame alone is no bound on memory; no message of a real client comes near.
 */
export const MAX_ELEMENTS = 1 << 20

/**
 * A cursor over bytes, with Kafka's encodings. One reader and one DataView serve all frames of a
 * receive buffer: `reset` moves it. Every method checks the bytes left before it takes any; a
 * failure is a ProtocolError that names the field, and the reader is then of no further use.
 */
export class Reader {
  buffer: Buffer
  /** Of the same memory as `buffer`, so that positions agree. */
  view: DataView
  position: number
  /** The first byte that is not ours. */
  end: number
  /** How many array elements the message may still have. */
  elements = MAX_ELEMENTS

  constructor(buffer: Buffer = Buffer.alloc(0)) {
    this.buffer = buffer
    this.view = viewOf(buffer)
    this.position = 0
    this.end = buffer.length
  }

  /** Reads `buffer[start, end)` next. `view` must be `viewOf(buffer)`, made once per buffer. */
  reset(buffer: Buffer, view: DataView, start: number, end: number): this {
    this.buffer = buffer
    this.view = view
    this.position = start
    this.end = end
    this.elements = MAX_ELEMENTS
    return this
  }

  /** For callers to throw: `field` wanted `bytes` more at `position`. */
  short(field: string, bytes: number, position = this.position): ProtocolError {
    const left = this.end - position
    return new ProtocolError(
      `${field} needs ${bytes} bytes at position ${position}, but ${left} are left`,
    )
  }

  invalid(field: string, what: string, position = this.position): ProtocolError {
    return new ProtocolError(`${field} ${what} at position ${position}`)
  }

  /** Moves past `bytes` and returns where they began. */
  take(bytes: number, field: string): number {
    const start = this.position
    if (bytes < 0 || bytes > this.end - start) throw this.short(field, bytes)
    this.position = start + bytes
    return start
  }

  int8(field: string): number {
    return this.view.getInt8(this.take(1, field))
  }

  int16(field: string): number {
    return this.view.getInt16(this.take(2, field))
  }

  int32(field: string): number {
    return this.view.getInt32(this.take(4, field))
  }

  int64(field: string): number {
    return readInt64(this.view, this.take(8, field))
  }

  /**
   * An unsigned varint of at most five bytes as *signed* int32, the way Kafka keeps it: bits beyond
   * the 32nd are dropped, and lengths above 2^31 come out negative.
   */
  uvarint(field: string): number {
    const { buffer } = this
    const end = Math.min(this.end, this.position + 5)
    let value = 0
    for (let position = this.position, shift = 0; position < end; shift += 7) {
      const byte = buffer[position++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        this.position = position
        return value
      }
    }
    if (end < this.position + 5) throw this.short(field, 1, end)
    throw this.invalid(field, 'has a varint of more than five bytes')
  }

  /** Zig-zag. */
  varint(field: string): number {
    const value = this.uvarint(field)
    return (value >>> 1) ^ -(value & 1)
  }

  /** int16 length and UTF-8; a negative length is null. */
  nullableString(field: string): string | null {
    const length = this.view.getInt16(this.take(2, field))
    return length < 0 ? null : this.utf8(length, field)
  }

  string(field: string): string {
    const value = this.nullableString(field)
    if (value === null) throw this.invalid(field, 'is null, ending')
    return value
  }

  nullableCompactString(field: string): string | null {
    const length = (this.uvarint(field) - 1) | 0
    if (length < 0) return null
    if (length > MAX_STRING_BYTES) throw this.invalid(field, `has ${length} bytes`)
    return this.utf8(length, field)
  }

  compactString(field: string): string {
    const value = this.nullableCompactString(field)
    if (value === null) throw this.invalid(field, 'is null, ending')
    return value
  }

  utf8(length: number, field: string): string {
    const start = this.take(length, field)
    return length === 0 ? '' : this.buffer.utf8Slice(start, start + length)
  }

  /** Where the bytes of an int32 length begin, `position` being behind them; -1 when null. */
  #span(field: string): number {
    const length = this.view.getInt32(this.take(4, field))
    return length < 0 ? -1 : this.take(length, field)
  }

  #compactSpan(field: string): number {
    const length = (this.uvarint(field) - 1) | 0
    return length < 0 ? -1 : this.take(length, field)
  }

  /** A copy. */
  nullableBytes(field: string): Buffer | null {
    return this.#copyFrom(this.#span(field))
  }

  nullableCompactBytes(field: string): Buffer | null {
    return this.#copyFrom(this.#compactSpan(field))
  }

  bytes(field: string): Buffer {
    return this.#present(this.nullableBytes(field), field)
  }

  compactBytes(field: string): Buffer {
    return this.#present(this.nullableCompactBytes(field), field)
  }

  /** A view of `buffer`. */
  nullableRecords(field: string): Buffer | null {
    return this.#viewFrom(this.#span(field))
  }

  nullableCompactRecords(field: string): Buffer | null {
    return this.#viewFrom(this.#compactSpan(field))
  }

  records(field: string): Buffer {
    return this.#present(this.nullableRecords(field), field)
  }

  compactRecords(field: string): Buffer {
    return this.#present(this.nullableCompactRecords(field), field)
  }

  #viewFrom(start: number): Buffer | null {
    return start < 0 ? null : this.buffer.subarray(start, this.position)
  }

  #copyFrom(start: number): Buffer | null {
    if (start < 0) return null
    const copy = Buffer.allocUnsafe(this.position - start)
    this.buffer.copy(copy, 0, start, this.position)
    return copy
  }

  #present(value: Buffer | null, field: string): Buffer {
    if (value === null) throw this.invalid(field, 'is null, ending')
    return value
  }

  uuid(field: string): string {
    const start = this.take(16, field)
    return this.buffer.latin1Slice(start, start + 16)
  }

  /** An array's int32 count, negative for null, once `bytesPerElement` each can be there. */
  count(bytesPerElement: number, field: string): number {
    return this.#checkCount(this.view.getInt32(this.take(4, field)), bytesPerElement, field)
  }

  compactCount(bytesPerElement: number, field: string): number {
    return this.#checkCount((this.uvarint(field) - 1) | 0, bytesPerElement, field)
  }

  #checkCount(count: number, bytesPerElement: number, field: string): number {
    if (count <= 0) return count
    if (count * bytesPerElement > this.end - this.position) {
      throw this.short(`${field} of ${count} elements`, count * bytesPerElement)
    }
    this.elements -= count
    if (this.elements < 0) throw this.invalid(field, `exceeds ${MAX_ELEMENTS} elements a message`)
    return count
  }

  /** Passes over a section of tagged fields, none of which is known. */
  skipTags(field: string): void {
    for (let count = this.uvarint(field); count > 0; count--) {
      this.uvarint(field)
      this.take(this.uvarint(field), field)
    }
  }
}

/** A DataView over the memory of `buffer`. */
export function viewOf(buffer: Uint8Array): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}

import { writeInt64 } from './int64.ts'
import { ProtocolError } from './protocol-error.ts'
import { MAX_STRING_BYTES, viewOf } from './reader.ts'

/** Record data of this size and above is referred to, not copied: a writev entry costs less. */
export const REFERENCE_BYTES = 8 * 1024

/**
 * Where small messages are written one behind the other. Fresh ones cost a few microseconds per
 * 64 KiB of output, so they are left to the garbage collector rather than pooled and counted.
 */
const SLAB_BYTES = 64 * 1024

/** What a writer has written: to be sent in order, and not to be changed. */
export interface Encoded {
  readonly chunks: readonly Uint8Array[]
  readonly byteLength: number
}

/**
 * Bytes in the making: a list of chunks, each a stretch of a slab or a reference to someone else's
 * bytes. `reserve` once, then write that much through the put functions below; compiled writers do
 * so per struct. Several messages may follow each other before `take`, sharing chunks.
 */
export class Writer {
  buffer: Buffer
  view: DataView
  position = 0
  /** Where the slab ends. */
  limit: number
  #chunks: Uint8Array[] = []
  /** Bytes in `#chunks`. */
  #sealed = 0
  /** Where the open chunk begins in the slab. */
  #start = 0
  #scratch: Writer | undefined

  constructor(slabBytes = SLAB_BYTES) {
    this.buffer = Buffer.allocUnsafeSlow(slabBytes)
    this.view = viewOf(this.buffer)
    this.limit = slabBytes
  }

  /** Written since the last `take`. */
  get byteLength(): number {
    return this.#sealed + this.position - this.#start
  }

  /** Makes sure that `bytes` fit behind `position`. Changes buffer, view, position and limit. */
  reserve(bytes: number): void {
    if (this.limit - this.position >= bytes) return
    this.#seal()
    this.limit = Math.max(SLAB_BYTES, bytes)
    this.buffer = Buffer.allocUnsafeSlow(this.limit)
    this.view = viewOf(this.buffer)
    this.position = 0
    this.#start = 0
  }

  #seal(): void {
    if (this.position === this.#start) return
    this.#chunks.push(this.buffer.subarray(this.#start, this.position))
    this.#sealed += this.position - this.#start
    this.#start = this.position
  }

  /** Appends `bytes` without copying them. They must not change until they are sent. */
  refer(bytes: Uint8Array): void {
    this.#seal()
    this.#chunks.push(bytes)
    this.#sealed += bytes.byteLength
  }

  copy(bytes: Uint8Array): void {
    this.reserve(bytes.byteLength)
    this.buffer.set(bytes, this.position)
    this.position += bytes.byteLength
  }

  /** Ends the output and begins a new one. */
  take(): Encoded {
    this.#seal()
    const encoded = { chunks: this.#chunks, byteLength: this.#sealed }
    this.#chunks = []
    this.#sealed = 0
    return encoded
  }

  /** What `restore` needs to forget everything written from here on. */
  mark(): Mark {
    const { buffer, view, position, limit } = this
    const chunks = this.#chunks.length
    return { buffer, view, position, limit, start: this.#start, chunks, sealed: this.#sealed }
  }

  restore(mark: Mark): void {
    this.buffer = mark.buffer
    this.view = mark.view
    this.position = mark.position
    this.limit = mark.limit
    this.#start = mark.start
    this.#chunks.length = mark.chunks
    this.#sealed = mark.sealed
  }

  /** Writes what `write` makes of `value` as a tagged field: tag, size, content. */
  tagged<T>(tag: number, value: T, write: (writer: Writer, value: T) => void): void {
    this.#scratch ??= new Writer(1024)
    const scratch = this.#scratch
    scratch.restart()
    write(scratch, value)
    const { chunks, byteLength } = scratch.take()
    this.reserve(10 + byteLength)
    this.position = putUvarint(this.buffer, this.position, tag)
    this.position = putUvarint(this.buffer, this.position, byteLength)
    for (const chunk of chunks) this.copy(chunk)
  }

  /** Goes back to the slab's begin: only for scratch writers, whose output was copied. */
  restart(): void {
    this.take()
    this.position = 0
    this.#start = 0
  }

  int8(value: number): void {
    this.reserve(1)
    this.view.setInt8(this.position, value)
    this.position += 1
  }

  int16(value: number): void {
    this.reserve(2)
    this.view.setInt16(this.position, value)
    this.position += 2
  }

  int32(value: number): void {
    this.reserve(4)
    this.view.setInt32(this.position, value)
    this.position += 4
  }

  int64(value: number): void {
    this.reserve(8)
    writeInt64(this.view, this.position, value)
    this.position += 8
  }

  uvarint(value: number): void {
    this.reserve(5)
    this.position = putUvarint(this.buffer, this.position, value)
  }

  /** Zig-zag. */
  varint(value: number): void {
    this.uvarint((value << 1) ^ (value >> 31))
  }

  nullableString(value: string | null): void {
    this.reserve(2 + 3 * (value === null ? 0 : value.length))
    this.position =
      value === null
        ? putInt16(this.buffer, this.position, -1)
        : putString(this.buffer, this.position, value)
  }
}

export interface Mark {
  readonly buffer: Buffer
  readonly view: DataView
  readonly position: number
  readonly limit: number
  readonly start: number
  readonly chunks: number
  readonly sealed: number
}

// The put functions write into space that was reserved and return the position behind. A string
// takes at most three bytes per UTF-16 unit besides its length.

function putInt16(buffer: Buffer, position: number, value: number): number {
  buffer[position] = value >> 8
  buffer[position + 1] = value
  return position + 2
}

/** At most five bytes. */
export function putUvarint(buffer: Buffer, position: number, value: number): number {
  let rest = value >>> 0
  let at = position
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[at++] = rest
  return at
}

/** Below this length a loop over ASCII beats the call into Node's encoder. */
const SHORT_TEXT = 24

/** Writes ASCII of at most SHORT_TEXT characters; -1 if `text` is longer or not ASCII. */
function putShortAscii(buffer: Buffer, position: number, text: string): number {
  const { length } = text
  if (length > SHORT_TEXT) return -1
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index)
    if (unit > 0x7f) return -1
    buffer[position + index] = unit
  }
  return position + length
}

function refuseLong(bytes: number): void {
  if (bytes > MAX_STRING_BYTES) {
    throw new ProtocolError(`a string of ${bytes} bytes exceeds the protocol's ${MAX_STRING_BYTES}`)
  }
}

/** int16 length, UTF-8. */
export function putString(buffer: Buffer, position: number, text: string): number {
  let end = putShortAscii(buffer, position + 2, text)
  if (end < 0) end = position + 2 + buffer.utf8Write(text, position + 2)
  const bytes = end - position - 2
  refuseLong(bytes)
  putInt16(buffer, position, bytes)
  return end
}

/** Unsigned varint length + 1, UTF-8. */
export function putCompactString(buffer: Buffer, position: number, text: string): number {
  const short = putShortAscii(buffer, position + 1, text)
  if (short >= 0) {
    buffer[position] = text.length + 1
    return short
  }
  const bytes = Buffer.byteLength(text)
  refuseLong(bytes)
  const start = putUvarint(buffer, position, bytes + 1)
  buffer.utf8Write(text, start)
  return start + bytes
}

/** The 16 characters of a base/uuid.ts id. */
export function putUuid(buffer: Buffer, position: number, uuid: string): number {
  if (uuid.length !== 16) throw new ProtocolError(`a uuid has 16 bytes, not ${uuid.length}`)
  for (let index = 0; index < 16; index++) buffer[position + index] = uuid.charCodeAt(index)
  return position + 16
}

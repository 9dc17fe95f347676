/**
 * Zig-zag varints of the v2 record format: (n << 1) ^ (n >> 31), then groups of seven bits, lowest
 * first. A varint has at most 5 bytes, a varlong at most 10. Bits beyond 32 (64) are dropped, as
 * Kafka's readers do.
 */
const HIGH_UNIT = 0x1_0000_0000

/** Encoded bytes of an int32. */
export function sizeOfVarint(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x20_0000) return 3
  return zigzag < 0x1000_0000 ? 4 : 5
}

/** Encoded bytes of an integer of up to 53 bits. */
export function sizeOfVarlong(value: number): number {
  // The same as zig-zag, without leaving the integers that a double holds.
  let left = value < 0 ? -(value + 1) : value
  let size = 1
  left = Math.floor(left / 0x40)
  while (left > 0) {
    left = Math.floor(left / 0x80)
    size++
  }
  return size
}

/** Writes an int32 at `position`; returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  let at = position
  while (zigzag >= 0x80) {
    bytes[at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  bytes[at++] = zigzag
  return at
}

/** Writes an integer of up to 53 bits at `position`; returns the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return writeVarint(bytes, position, value)
  // 2n, or -2n - 1, split so that doubling does not round.
  const negative = value < 0
  let left = negative ? -(value + 1) : value
  let at = position
  bytes[at++] = ((left % 0x40) * 2 + (negative ? 1 : 0)) | 0x80
  left = Math.floor(left / 0x40)
  while (left >= 0x80) {
    bytes[at++] = (left % 0x80) | 0x80
    left = Math.floor(left / 0x80)
  }
  bytes[at++] = left
  return at
}

/** What is wrong with a varint: the bytes end inside it, or it goes on beyond its longest form. */
export class VarintError extends Error {
  override name = 'VarintError'
  readonly fault: 'short' | 'long'

  constructor(fault: 'short' | 'long') {
    super(fault === 'short' ? 'Varint is cut short' : 'Varint is too long')
    this.fault = fault
  }
}

/** Reads varints one after the other, never past `end`. Throws `VarintError`. */
export class VarintReader {
  readonly bytes: Uint8Array
  position: number
  end: number

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  byte(): number {
    if (this.position >= this.end) throw new VarintError('short')
    return this.bytes[this.position++]!
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
    throw new VarintError('long')
  }

  /** Saturates at +-(2^53-1). */
  varlong(): number {
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte()
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high |= bits >> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) return zigzagLong(high >>> 0, low >>> 0)
    }
    throw new VarintError('long')
  }
}

function zigzagLong(high: number, low: number): number {
  const half = (high >>> 1) * HIGH_UNIT + ((((high & 1) << 31) | (low >>> 1)) >>> 0)
  const value = low & 1 ? -half - 1 : half
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

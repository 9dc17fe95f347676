import { dataViewOf } from '../batch.ts'
import { CompressionError, tooMuchOutput } from './compression-error.ts'

/**
 * Snappy, as Kafka's clients write it: blocks of up to 32 KiB in the framing of the Java library
 * (xerial: magic, version, compatible version, then length and block), or one raw block
 * (librdkafka). Two streams in a row are one.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16
const XERIAL_VERSION = 1
const BLOCK_BYTES = 32 * 1024
/** The first half of the magic where a length would stand: a second stream begins. */
const MAGIC_AS_LENGTH = XERIAL_MAGIC.readInt32BE(0)
/** A copy of 64 bytes takes 3: no block can hold more than this for each of its bytes. */
const MAX_BLOCK_RATIO = 22

interface Block {
  readonly start: number
  readonly end: number
  /** Where the elements begin, behind the length of the output. */
  readonly elements: number
  readonly outputBytes: number
}

export function snappyDecompress(bytes: Uint8Array, limit: number): Uint8Array {
  if (bytes.length === 0) throw new CompressionError('Cannot decompress empty stream')
  const blocks: Block[] = []
  let fault: CompressionError | undefined
  try {
    if (isXerial(bytes)) findBlocks(bytes, blocks)
    else blocks.push(blockAt(bytes, 0, bytes.length))
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    fault = error
  }
  const total = blocks.reduce((sum, block) => sum + block.outputBytes, 0)
  if (total > limit) throw tooMuchOutput(limit)
  const output = new Uint8Array(total)
  let written = 0
  for (const block of blocks) {
    if (!decodeBlock(bytes, block, output, written)) {
      throw new CompressionError('Snappy block is corrupt', windows(output.subarray(0, written)))
    }
    written += block.outputBytes
  }
  if (fault) throw new CompressionError(fault.message, windows(output))
  return output
}

/** Kafka reads the output in pieces of this size, and a fault anywhere in one spoils it. */
const READ_WINDOW_BYTES = 2048

function windows(output: Uint8Array): Uint8Array {
  return output.subarray(0, output.length - (output.length % READ_WINDOW_BYTES))
}

function isXerial(bytes: Uint8Array): boolean {
  return (
    bytes.length >= XERIAL_HEADER_BYTES &&
    XERIAL_MAGIC.equals(bytes.subarray(0, XERIAL_MAGIC.length))
  )
}

/** Fills `blocks` so that what lies before a fault is known. */
function findBlocks(bytes: Uint8Array, blocks: Block[]): void {
  const view = dataViewOf(bytes)
  let position = XERIAL_HEADER_BYTES
  while (bytes.length - position >= 4) {
    const length = view.getInt32(position)
    if (length === MAGIC_AS_LENGTH) {
      if (bytes.length - position < XERIAL_HEADER_BYTES) {
        throw new CompressionError('Snappy stream ends inside a header')
      }
      position += XERIAL_HEADER_BYTES
      continue
    }
    position += 4
    if (length < 0 || length > bytes.length - position) {
      throw new CompressionError('Snappy stream ends inside a block')
    }
    blocks.push(blockAt(bytes, position, position + length))
    position += length
  }
}

function blockAt(bytes: Uint8Array, start: number, end: number): Block {
  let outputBytes = 0
  let position = start
  for (let shift = 0; ; shift += 7) {
    if (position >= end || shift > 28) throw new CompressionError('Snappy block has no length')
    const byte = bytes[position++]!
    outputBytes += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  if (outputBytes > (end - position) * MAX_BLOCK_RATIO) {
    throw new CompressionError('Snappy block claims more than it can hold')
  }
  return { start, end, elements: position, outputBytes }
}

/** False when the block is corrupt. Never reads outside the block or writes outside its output. */
function decodeBlock(input: Uint8Array, block: Block, output: Uint8Array, start: number): boolean {
  const end = block.end
  const outputEnd = start + block.outputBytes
  let position = block.elements
  let at = start
  while (position < end) {
    const tag = input[position++]!
    const kind = tag & 3
    if (kind === 0) {
      let length = (tag >>> 2) + 1
      if (length > 60) {
        const lengthBytes = length - 60
        if (position + lengthBytes > end) return false
        length = littleEndian(input, position, lengthBytes) + 1
        position += lengthBytes
      }
      if (length > end - position || length > outputEnd - at) return false
      copyLiteral(input, position, output, at, length)
      position += length
      at += length
      continue
    }
    let length = (tag >>> 2) + 1
    let distance: number
    if (kind === 1) {
      if (position >= end) return false
      length = ((tag >>> 2) & 7) + 4
      distance = ((tag >>> 5) << 8) | input[position++]!
    } else if (kind === 2) {
      if (position + 2 > end) return false
      distance = input[position]! | (input[position + 1]! << 8)
      position += 2
    } else {
      if (position + 4 > end) return false
      distance = littleEndian(input, position, 4)
      position += 4
    }
    if (distance === 0 || distance > at - start || length > outputEnd - at) return false
    copyMatch(output, at, distance, length)
    at += length
  }
  return at === outputEnd
}

function littleEndian(bytes: Uint8Array, position: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + bytes[position + i]!
  return value
}

/** Below this a loop beats the call to `set`. */
const SHORT_COPY_BYTES = 32

export function copyLiteral(
  input: Uint8Array,
  position: number,
  output: Uint8Array,
  at: number,
  length: number,
): void {
  if (length < SHORT_COPY_BYTES) {
    for (let i = 0; i < length; i++) output[at + i] = input[position + i]!
  } else {
    output.set(input.subarray(position, position + length), at)
  }
}

/** From this on a repeated pattern is doubled until it is long enough. */
const LONG_REPEAT_BYTES = 256

/** Copies from the output itself; source and target may overlap, which repeats a pattern. */
export function copyMatch(output: Uint8Array, at: number, distance: number, length: number): void {
  const from = at - distance
  if (length >= SHORT_COPY_BYTES && distance >= length) {
    output.copyWithin(at, from, from + length)
  } else if (length < LONG_REPEAT_BYTES) {
    for (let i = 0; i < length; i++) output[at + i] = output[from + i]!
  } else {
    output.copyWithin(at, from, at)
    for (let done = distance; done < length; done *= 2) {
      output.copyWithin(at + done, at, at + Math.min(done, length - done))
    }
  }
}

/** In the framing that Kafka's own clients and brokers write. */
export function xerialCompress(bytes: Uint8Array): Uint8Array {
  const blockCount = Math.ceil(bytes.length / BLOCK_BYTES)
  const output = new Uint8Array(
    XERIAL_HEADER_BYTES + blockCount * (4 + maxCompressedBytes(BLOCK_BYTES)),
  )
  const view = dataViewOf(output)
  output.set(XERIAL_MAGIC)
  view.setInt32(8, XERIAL_VERSION)
  view.setInt32(12, XERIAL_VERSION)
  let at = XERIAL_HEADER_BYTES
  const table = new Uint16Array(HASH_SIZE)
  for (let start = 0; start < bytes.length; start += BLOCK_BYTES) {
    const end = Math.min(start + BLOCK_BYTES, bytes.length)
    const after = encodeBlock(bytes, start, end, output, at + 4, table)
    view.setInt32(at, after - at - 4)
    at = after
  }
  return output.slice(0, at)
}

function maxCompressedBytes(length: number): number {
  return 32 + length + Math.ceil(length / 6)
}

const HASH_BITS = 13
const HASH_SIZE = 1 << HASH_BITS
const MIN_MATCH = 4

/**
 * Greedy matching by a table of the last position of each hash of four bytes; the further the last
 * match lies back, the larger the steps. Returns the position behind the block.
 */
function encodeBlock(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputAt: number,
  table: Uint16Array,
): number {
  let at = writeLength(output, outputAt, end - start)
  table.fill(0)
  const view = dataViewOf(input)
  const lastHash = end - MIN_MATCH
  let literal = start
  let position = start + 1
  let misses = 32
  while (position <= lastHash) {
    const word = view.getInt32(position, true)
    const hash = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS)
    const candidate = start + table[hash]!
    table[hash] = position - start
    if (candidate >= position || view.getInt32(candidate, true) !== word) {
      position += misses++ >>> 5
      continue
    }
    misses = 32
    let length = MIN_MATCH
    while (position + length < end && input[candidate + length] === input[position + length]) {
      length++
    }
    at = writeLiteral(input, literal, position, output, at)
    at = writeCopy(output, at, position - candidate, length)
    position += length
    literal = position
  }
  return writeLiteral(input, literal, end, output, at)
}

function writeLength(output: Uint8Array, position: number, length: number): number {
  let at = position
  let left = length
  for (; left >= 0x80; left >>>= 7) output[at++] = (left & 0x7f) | 0x80
  output[at++] = left
  return at
}

function writeLiteral(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  position: number,
): number {
  const length = end - start
  if (length === 0) return position
  let at = position
  if (length <= 60) {
    output[at++] = (length - 1) << 2
  } else if (length <= 0x100) {
    output[at++] = 60 << 2
    output[at++] = length - 1
  } else {
    output[at++] = 61 << 2
    output[at++] = (length - 1) & 0xff
    output[at++] = (length - 1) >>> 8
  }
  copyLiteral(input, start, output, at, length)
  return at + length
}

/** Copies hold at most 64 bytes; a rest below 4 would need the longer form, so leave at least 4. */
function writeCopy(output: Uint8Array, position: number, distance: number, length: number): number {
  let at = position
  let left = length
  while (left > 64) {
    const part = left < 68 ? 60 : 64
    at = writeLongCopy(output, at, distance, part)
    left -= part
  }
  if (left <= 11 && distance < 2048) {
    output[at++] = ((distance >>> 8) << 5) | ((left - 4) << 2) | 1
    output[at++] = distance & 0xff
    return at
  }
  return writeLongCopy(output, at, distance, left)
}

function writeLongCopy(
  output: Uint8Array,
  position: number,
  distance: number,
  length: number,
): number {
  output[position] = ((length - 1) << 2) | 2
  output[position + 1] = distance & 0xff
  output[position + 2] = distance >>> 8
  return position + 3
}

import { dataViewOf } from '../batch.ts'
import { CompressionError, tooMuchOutput } from './compression-error.ts'
import { copyLiteral, copyMatch } from './snappy.ts'
import { xxhash32 } from './xxhash32.ts'

/**
 * LZ4 frames within the limits of Kafka's own reader (reference: record-format.md section 5):
 * version 1, independent blocks, block size codes 4 to 7, no dictionaries. Block checksums are
 * checked, content size and content checksum are skipped, bytes behind the end mark are ignored.
 * Frames are written as Kafka writes them: 64 KiB blocks, no checksums.
 */
const FRAME_MAGIC = 0x184d2204
const MAX_BLOCK_BYTES: readonly number[] = [65536, 262144, 1048576, 4194304]
const WRITE_BLOCK_BYTES = 65536
const UNCOMPRESSED_BIT = 0x80000000
/** A run of length bytes adds 255 bytes of output for each of its own. */
const MAX_BLOCK_RATIO = 255

interface FrameHeader {
  readonly end: number
  readonly maxBlockBytes: number
  readonly blockChecksums: boolean
}

interface Block {
  readonly start: number
  readonly end: number
  readonly compressed: boolean
  readonly outputBytes: number
}

export interface Lz4ReadOptions {
  /** Writers of magic 0 compute the header's checksum wrongly, so it cannot be checked there. */
  readonly checkHeader: boolean
}

export function lz4FrameDecompress(
  bytes: Uint8Array,
  limit: number,
  options: Lz4ReadOptions,
): Uint8Array {
  const header = readHeader(bytes, options)
  const blocks: Block[] = []
  let fault: CompressionError | undefined
  try {
    findBlocks(bytes, header, limit, blocks)
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error
    fault = error
  }
  const output = new Uint8Array(blocks.reduce((sum, block) => sum + block.outputBytes, 0))
  let at = 0
  for (const block of blocks) {
    if (block.compressed) decodeBlock(bytes, block.start, block.end, output, at)
    else output.set(bytes.subarray(block.start, block.end), at)
    at += block.outputBytes
  }
  if (fault) throw new CompressionError(fault.message, output)
  return output
}

function readHeader(bytes: Uint8Array, options: Lz4ReadOptions): FrameHeader {
  const view = dataViewOf(bytes)
  if (bytes.length < 7) throw new CompressionError('Stream ended prematurely')
  if (view.getUint32(0, true) !== FRAME_MAGIC) {
    throw new CompressionError('Stream unsupported (invalid magic bytes)')
  }
  const flags = bytes[4]!
  const descriptor = bytes[5]!
  if (flags & 0x03) throw new CompressionError('Reserved bits must be 0')
  if (!(flags & 0x20)) throw new CompressionError('Dependent block stream is unsupported')
  if (flags >>> 6 !== 1) throw new CompressionError(`Version ${flags >>> 6} is unsupported`)
  if (descriptor & 0x8f) throw new CompressionError('Reserved bits must be 0')
  const maxBlockBytes = MAX_BLOCK_BYTES[(descriptor >>> 4) - 4]
  if (maxBlockBytes === undefined) {
    throw new CompressionError('Block size value must be between 4 and 7')
  }
  const checksumAt = flags & 0x08 ? 14 : 6
  if (bytes.length <= checksumAt) throw new CompressionError('Stream ended prematurely')
  if (options.checkHeader) {
    const expected = (xxhash32(bytes, 4, checksumAt) >>> 8) & 0xff
    if (bytes[checksumAt] !== expected) {
      throw new CompressionError('Stream frame descriptor corrupted')
    }
  }
  return { end: checksumAt + 1, maxBlockBytes, blockChecksums: (flags & 0x10) !== 0 }
}

/** Fills `blocks`, all of them checked, so that what lies before a fault can be decoded. */
function findBlocks(bytes: Uint8Array, header: FrameHeader, limit: number, blocks: Block[]): void {
  const view = dataViewOf(bytes)
  let position = header.end
  let total = 0
  for (;;) {
    if (bytes.length - position < 4) throw new CompressionError('Stream ended prematurely')
    const word = view.getUint32(position, true)
    position += 4
    if (word === 0 || word === UNCOMPRESSED_BIT) return
    const compressed = word < UNCOMPRESSED_BIT
    const size = compressed ? word : word - UNCOMPRESSED_BIT
    if (size > header.maxBlockBytes) {
      throw new CompressionError(`Block size ${size} exceeded max: ${header.maxBlockBytes}`)
    }
    const end = position + size
    if (end + (header.blockChecksums ? 4 : 0) > bytes.length) {
      throw new CompressionError('Stream ended prematurely')
    }
    if (header.blockChecksums && xxhash32(bytes, position, end) !== view.getUint32(end, true)) {
      throw new CompressionError('Block checksum mismatch')
    }
    const outputBytes = compressed ? blockOutputBytes(bytes, position, end) : size
    if (outputBytes < 0 || outputBytes > header.maxBlockBytes) {
      throw new CompressionError('Block is corrupt')
    }
    total += outputBytes
    if (total > limit) throw tooMuchOutput(limit)
    blocks.push({ start: position, end, compressed, outputBytes })
    position = end + (header.blockChecksums ? 4 : 0)
  }
}

/**
 * How much a block decodes to, or -1 when it is corrupt. Afterwards `decodeBlock` need not check
 * anything: every literal lies in the input and every match in the output before it.
 */
function blockOutputBytes(input: Uint8Array, start: number, end: number): number {
  const most = (end - start) * MAX_BLOCK_RATIO
  let position = start
  let produced = 0
  for (;;) {
    if (position >= end) return -1
    const token = input[position++]!
    let literals = token >>> 4
    if (literals === 15) {
      let byte: number
      do {
        if (position >= end) return -1
        byte = input[position++]!
        literals += byte
      } while (byte === 255)
    }
    position += literals
    produced += literals
    if (position >= end) return position === end ? produced : -1
    if (position + 2 > end) return -1
    const distance = input[position]! | (input[position + 1]! << 8)
    position += 2
    if (distance === 0 || distance > produced) return -1
    let length = token & 15
    if (length === 15) {
      let byte: number
      do {
        if (position >= end) return -1
        byte = input[position++]!
        length += byte
      } while (byte === 255)
    }
    produced += length + 4
    if (produced > most) return -1
  }
}

/** Only for blocks that `blockOutputBytes` has gone through. */
function decodeBlock(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputAt: number,
): void {
  let position = start
  let at = outputAt
  for (;;) {
    const token = input[position++]!
    let literals = token >>> 4
    if (literals === 15) {
      let byte: number
      do {
        byte = input[position++]!
        literals += byte
      } while (byte === 255)
    }
    copyLiteral(input, position, output, at, literals)
    position += literals
    at += literals
    if (position >= end) return
    const distance = input[position]! | (input[position + 1]! << 8)
    position += 2
    let length = (token & 15) + 4
    if (length === 19) {
      let byte: number
      do {
        byte = input[position++]!
        length += byte
      } while (byte === 255)
    }
    copyMatch(output, at, distance, length)
    at += length
  }
}

export interface Lz4WriteOptions {
  /** Readers of magic 0 expect the checksum over the frame's magic number as well. */
  readonly brokenHeaderChecksum: boolean
}

const HEADER_BYTES = 7
const FLAGS = 0x60
const DESCRIPTOR = 0x40

export function lz4FrameCompress(bytes: Uint8Array, options: Lz4WriteOptions): Uint8Array {
  const blockCount = Math.ceil(bytes.length / WRITE_BLOCK_BYTES)
  const output = new Uint8Array(HEADER_BYTES + bytes.length + blockCount * (4 + 16 + 258) + 4)
  const view = dataViewOf(output)
  view.setUint32(0, FRAME_MAGIC, true)
  output[4] = FLAGS
  output[5] = DESCRIPTOR
  output[6] = (xxhash32(output, options.brokenHeaderChecksum ? 0 : 4, 6) >>> 8) & 0xff
  let at = HEADER_BYTES
  const table = new Int32Array(HASH_SIZE)
  for (let start = 0; start < bytes.length; start += WRITE_BLOCK_BYTES) {
    const end = Math.min(start + WRITE_BLOCK_BYTES, bytes.length)
    const after = encodeBlock(bytes, start, end, output, at + 4, table)
    const size = after - at - 4
    if (size < end - start) {
      view.setUint32(at, size, true)
      at = after
    } else {
      view.setUint32(at, (end - start + UNCOMPRESSED_BIT) >>> 0, true)
      output.set(bytes.subarray(start, end), at + 4)
      at += 4 + end - start
    }
  }
  view.setUint32(at, 0, true)
  return output.slice(0, at + 4)
}

const HASH_BITS = 13
const HASH_SIZE = 1 << HASH_BITS
const MIN_MATCH = 4
/** The format wants the last bytes of a block as literals, and no match to begin close to them. */
const LAST_LITERALS = 5
const MATCH_SAFE_BYTES = 12

/** Greedy, as in snappy.ts. Returns the position behind the block, which may be larger than it. */
function encodeBlock(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  outputAt: number,
  table: Int32Array,
): number {
  table.fill(0)
  const view = dataViewOf(input)
  const lastMatch = end - MATCH_SAFE_BYTES
  const matchEnd = end - LAST_LITERALS
  let literal = start
  let position = start + 1
  let at = outputAt
  let misses = 64
  while (position <= lastMatch) {
    const word = view.getInt32(position, true)
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = start + table[hash]!
    table[hash] = position - start
    if (
      candidate >= position ||
      position - candidate > 0xffff ||
      view.getInt32(candidate, true) !== word
    ) {
      position += misses++ >>> 6
      continue
    }
    misses = 64
    let length = MIN_MATCH
    while (position + length < matchEnd && input[candidate + length] === input[position + length]) {
      length++
    }
    at = writeSequence(input, literal, position, output, at, length - MIN_MATCH)
    output[at++] = (position - candidate) & 0xff
    output[at++] = (position - candidate) >>> 8
    at = writeRest(output, at, length - MIN_MATCH - 15)
    position += length
    literal = position
  }
  return writeSequence(input, literal, end, output, at, 0)
}

/** Token and literals; the caller adds the distance and the rest of the match length. */
function writeSequence(
  input: Uint8Array,
  start: number,
  end: number,
  output: Uint8Array,
  position: number,
  matchLength: number,
): number {
  const literals = end - start
  output[position] = (Math.min(literals, 15) << 4) | Math.min(matchLength, 15)
  const at = writeRest(output, position + 1, literals - 15)
  copyLiteral(input, start, output, at, literals)
  return at + literals
}

/** What of a length does not fit into the token; nothing when negative. */
function writeRest(output: Uint8Array, position: number, rest: number): number {
  if (rest < 0) return position
  let at = position
  let left = rest
  for (; left >= 255; left -= 255) output[at++] = 255
  output[at++] = left
  return at
}

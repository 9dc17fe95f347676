import { dataViewOf } from '../batch.ts'
import { CompressionError } from './compression-error.ts'

/**
 * Walks the frames and block headers of a zstd stream (RFC 8878, section 3) without decoding, to
 * bound what it can become before any memory is taken for it.
 */
const FRAME_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50
const SKIPPABLE_MASK = 0xfffffff0
const MAX_BLOCK_BYTES = 128 * 1024
const DICTIONARY_ID_BYTES: readonly number[] = [0, 1, 2, 4]
const CONTENT_SIZE_BYTES: readonly number[] = [0, 2, 4, 8]

interface Frame {
  readonly blocks: number
  /** Infinity when the frame does not say. */
  readonly contentBytes: number
  readonly maxBlockBytes: number
  readonly hasChecksum: boolean
}

/** Throws `CompressionError` where frames and blocks do not add up to the stream. */
export function maxZstdOutput(bytes: Uint8Array): number {
  const view = dataViewOf(bytes)
  let position = 0
  let total = 0
  while (position < bytes.length) {
    if (bytes.length - position < 8) throw cut()
    const magic = view.getUint32(position, true)
    if ((magic & SKIPPABLE_MASK) >>> 0 === SKIPPABLE_MAGIC) {
      position += 8 + view.getUint32(position + 4, true)
      if (position > bytes.length) throw cut()
      continue
    }
    if (magic !== FRAME_MAGIC) throw new CompressionError('Unknown frame descriptor')
    const frame = readFrameHeader(bytes, view, position + 4)
    const { end, outputBytes } = walkBlocks(bytes, frame)
    position = end + (frame.hasChecksum ? 4 : 0)
    if (position > bytes.length) throw cut()
    total += Math.min(outputBytes, frame.contentBytes)
  }
  return total
}

function readFrameHeader(bytes: Uint8Array, view: DataView, start: number): Frame {
  const descriptor = bytes[start]!
  const singleSegment = (descriptor & 0x20) !== 0
  const sizeCode = descriptor >>> 6
  const dictionaryBytes = DICTIONARY_ID_BYTES[descriptor & 3]!
  const sizeBytes = sizeCode === 0 && singleSegment ? 1 : CONTENT_SIZE_BYTES[sizeCode]!
  const windowAt = start + 1
  const sizeAt = windowAt + (singleSegment ? 0 : 1) + dictionaryBytes
  const blocks = sizeAt + sizeBytes
  if (blocks > bytes.length) throw cut()
  const contentBytes = readContentSize(bytes, view, sizeAt, sizeBytes)
  const windowBytes = singleSegment ? contentBytes : windowSize(bytes[windowAt]!)
  return {
    blocks,
    contentBytes,
    maxBlockBytes: Math.min(windowBytes, MAX_BLOCK_BYTES),
    hasChecksum: (descriptor & 4) !== 0,
  }
}

function readContentSize(bytes: Uint8Array, view: DataView, at: number, count: number): number {
  switch (count) {
    case 1:
      return bytes[at]!
    case 2:
      return view.getUint16(at, true) + 256
    case 4:
      return view.getUint32(at, true)
    case 8:
      return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32
    default:
      return Number.POSITIVE_INFINITY
  }
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3))
  return base + (base / 8) * (descriptor & 7)
}

function walkBlocks(bytes: Uint8Array, frame: Frame): { end: number; outputBytes: number } {
  let position = frame.blocks
  let outputBytes = 0
  for (;;) {
    if (bytes.length - position < 3) throw cut()
    const header = bytes[position]! | (bytes[position + 1]! << 8) | (bytes[position + 2]! << 16)
    const type = (header >>> 1) & 3
    const size = header >>> 3
    position += 3
    if (type === 3) throw new CompressionError('Reserved block type')
    if (type !== 2 && size > frame.maxBlockBytes) throw new CompressionError('Block is too large')
    position += type === 1 ? 1 : size
    outputBytes += type === 2 ? frame.maxBlockBytes : size
    if (position > bytes.length) throw cut()
    if (header & 1) return { end: position, outputBytes }
  }
}

function cut(): CompressionError {
  return new CompressionError('Stream ended prematurely')
}

import { constants, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'
import { CompressionError, tooMuchOutput } from './compression-error.ts'

/** gzip (RFC 1952) with Node's zlib; several members in a row are one stream. */
const MIN_CHUNK_BYTES = 1024
const MAX_CHUNK_BYTES = 1024 * 1024
const GZIP_MIN_BYTES = 18
const FIXED_HEADER_BYTES = 10

/** Level 1 to 9, or -1 for zlib's default. */
export function gzip(bytes: Uint8Array, level = constants.Z_DEFAULT_COMPRESSION): Buffer {
  return gzipSync(bytes, { level })
}

export function gunzip(bytes: Uint8Array, limit: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: limit, chunkSize: chunkSizeFor(bytes) })
  } catch (error) {
    if (isTooLarge(error)) throw tooMuchOutput(limit)
    throw new CompressionError(messageOf(error), inflateWithoutTrailer(bytes, limit))
  }
}

/** The trailer says how much comes out; a lie costs no more than another size of the chunks. */
function chunkSizeFor(bytes: Uint8Array): number {
  if (bytes.length < GZIP_MIN_BYTES) return MIN_CHUNK_BYTES
  const end = bytes.length
  const claimed =
    (bytes[end - 4]! |
      (bytes[end - 3]! << 8) |
      (bytes[end - 2]! << 16) |
      (bytes[end - 1]! << 24)) >>>
    0
  return Math.min(Math.max(claimed + 1, MIN_CHUNK_BYTES), MAX_CHUNK_BYTES)
}

/**
 * A stream may be whole and only its checksum or size wrong or cut: a reader that needs no more
 * than the records does not get that far. Empty when there is more wrong than that.
 */
function inflateWithoutTrailer(bytes: Uint8Array, limit: number): Uint8Array | undefined {
  const plainHeader = bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8 && bytes[3] === 0
  if (!plainHeader) return undefined
  try {
    return inflateRawSync(bytes.subarray(FIXED_HEADER_BYTES), { maxOutputLength: limit })
  } catch {
    return undefined
  }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

import { constants, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'
import { dataViewOf } from '../batch.ts'
import { crc32 } from '../crc32c.ts'
import { CompressionError, tooMuchOutput } from './compression-error.ts'

/** gzip (RFC 1952) with Node's zlib; several members in a row are one stream. */
const MIN_CHUNK_BYTES = 1024
const MAX_CHUNK_BYTES = 1024 * 1024
const HEADER_BYTES = 10
const TRAILER_BYTES = 8
/** Flags of optional parts of a header: checksum, extra field, file name, comment. */
const FHCRC = 2
const FEXTRA = 4
const FNAME = 8
const FCOMMENT = 16

/** Level 1 to 9, or -1 for zlib's default. */
export function gzip(bytes: Uint8Array, level = constants.Z_DEFAULT_COMPRESSION): Buffer {
  return gzipSync(bytes, { level })
}

export function gunzip(bytes: Uint8Array, limit: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: limit, chunkSize: chunkSizeFor(bytes) })
  } catch (error) {
    if (isTooLarge(error)) throw tooMuchOutput(limit)
    return gunzipMembers(bytes, limit, messageOf(error))
  }
}

/** The trailer says how much comes out; a lie costs no more than another size of the chunks. */
function chunkSizeFor(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES) return MIN_CHUNK_BYTES
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
 * The same, member by member, for streams that Node refuses. Readers in Java take whatever follows
 * a member and is not the header of another one for the end; and where the checksum of a member is
 * wrong, they have read its content before they notice.
 */
function gunzipMembers(bytes: Uint8Array, limit: number, fault: string): Buffer {
  const parts: Buffer[] = []
  let total = 0
  let position = 0
  while (position < bytes.length) {
    const start = dataStart(bytes, position)
    if (start < 0 && position > 0) break
    const member = start < 0 ? undefined : inflateMember(bytes.subarray(start), limit - total)
    if (member) parts.push(member.content)
    if (!member?.complete) throw new CompressionError(fault, Buffer.concat(parts))
    total += member.content.length
    position = start + member.consumedBytes
  }
  if (position === 0) throw new CompressionError(fault)
  return Buffer.concat(parts)
}

/** Where the deflated data of a member begins; -1 when there is no header. */
function dataStart(bytes: Uint8Array, position: number): number {
  if (bytes.length - position < HEADER_BYTES) return -1
  if (bytes[position] !== 0x1f || bytes[position + 1] !== 0x8b || bytes[position + 2] !== 8) {
    return -1
  }
  const flags = bytes[position + 3]!
  let at = position + HEADER_BYTES
  if (flags & FEXTRA) at += 2 + (bytes[at] ?? 0) + ((bytes[at + 1] ?? 0) << 8)
  for (const flag of [FNAME, FCOMMENT]) {
    if (!(flags & flag)) continue
    const zero = bytes.indexOf(0, at)
    if (zero < 0) return -1
    at = zero + 1
  }
  if (flags & FHCRC) at += 2
  return at < bytes.length ? at : -1
}

interface Member {
  readonly content: Buffer
  /** Trailer included. */
  readonly consumedBytes: number
  readonly complete: boolean
}

/** Undefined where the deflated data is broken. */
function inflateMember(bytes: Uint8Array, limit: number): Member | undefined {
  let inflated: { buffer: Buffer; engine: { bytesWritten: number } }
  try {
    // With this flush a stream that is cut gives what it has.
    const options = { maxOutputLength: limit, finishFlush: constants.Z_SYNC_FLUSH, info: true }
    inflated = inflateRawSync(bytes, options) as unknown as typeof inflated
  } catch (error) {
    if (isTooLarge(error)) throw tooMuchOutput(limit)
    return undefined
  }
  const content = inflated.buffer
  const end = inflated.engine.bytesWritten
  if (bytes.length - end < TRAILER_BYTES) return { content, consumedBytes: end, complete: false }
  const trailer = dataViewOf(bytes.subarray(end, end + TRAILER_BYTES))
  const complete =
    trailer.getUint32(0, true) === crc32(content) && trailer.getUint32(4, true) === content.length
  return { content, consumedBytes: end + TRAILER_BYTES, complete }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

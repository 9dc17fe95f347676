import { crc32 } from '../../protocol/records/crc32c.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { Segment } from './segment.ts'

const SIZE_AT = 8
const CRC_AT = 12
const MAGIC_AT = 16
const HEADER_BYTES = 17

/**
 * Whether a whole message of a format before 0.11 (magic 0 or 1) begins at `position`. Apache Kafka
 * still serves those; here nothing can read them, but they are no damage that may be cut off.
 */
export function isOldMessage(
  { buffers }: LogEnvironment,
  segment: Segment,
  position: number,
): boolean {
  const header = Buffer.alloc(HEADER_BYTES)
  const { file } = segment.log
  if (file.readSync(header, position) < HEADER_BYTES) return false
  const sizeBytes = header.readInt32BE(SIZE_AT) + CRC_AT
  const magic = header.readInt8(MAGIC_AT)
  const isPlausible = sizeBytes > HEADER_BYTES && sizeBytes <= segment.sizeBytes - position
  if (!isPlausible || (magic !== 0 && magic !== 1)) return false
  const buffer = buffers.acquire(sizeBytes)
  try {
    const length = file.readSync(buffer.subarray(0, sizeBytes), position)
    return (
      length === sizeBytes && crc32(buffer, MAGIC_AT, sizeBytes) === header.readUInt32BE(CRC_AT)
    )
  } finally {
    buffers.release(buffer)
  }
}

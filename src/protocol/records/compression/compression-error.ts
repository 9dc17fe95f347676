import { KafkaError } from '../../error-code.ts'

const EMPTY = new Uint8Array(0)

/**
 * A stream that does not decompress, or an unknown codec. UNKNOWN_SERVER_ERROR is what Kafka's
 * brokers answer there.
 */
export class CompressionError extends KafkaError {
  override name = 'CompressionError'
  /** What came out before the fault: a reader that stops earlier never notices the fault. */
  readonly partial: Uint8Array

  constructor(detail: string, partial: Uint8Array = EMPTY) {
    super('UNKNOWN_SERVER_ERROR', detail)
    this.partial = partial
  }
}

export interface DecompressLimits {
  /** Most bytes that one stream may become; 128 MiB when left out. */
  readonly maxOutputBytes?: number | undefined
}

const DEFAULT_MAX_OUTPUT_BYTES = 128 * 1024 * 1024
/** Output that is always allowed, whatever it came from: real batches of equal bytes are small. */
const FREE_OUTPUT_BYTES = 64 * 1024 * 1024
/** Beyond that, no honest batch grows more than this; deflate itself ends at 1032. */
const MAX_RATIO = 100

/** Output limit and ratio limit in one number. */
export function outputLimit(inputBytes: number, limits: DecompressLimits): number {
  const byRatio = Math.max(FREE_OUTPUT_BYTES, inputBytes * MAX_RATIO)
  return Math.min(limits.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES, byRatio)
}

export function tooMuchOutput(limit: number): CompressionError {
  return new CompressionError(`Compressed data is larger than ${limit} bytes`)
}

/**
 * Buffers for reads and for the tails of logs, by powers of two. A fresh megabyte costs 40 us of
 * page faults, a pooled one 2 us (performance.md section 2).
 */
const SMALLEST_BYTES = 4 * 1024
const LARGEST_BYTES = 16 * 1024 * 1024

export class BufferPool {
  readonly #free = new Map<number, Buffer[]>()
  readonly #retainedBytesMax: number
  #retainedBytes = 0

  constructor(retainedBytesMax: number) {
    this.#retainedBytesMax = retainedBytesMax
  }

  /** At least `sizeBytes` long; its content is whatever was there. */
  acquire(sizeBytes: number): Buffer {
    if (sizeBytes > LARGEST_BYTES) return Buffer.allocUnsafeSlow(sizeBytes)
    let length = SMALLEST_BYTES
    while (length < sizeBytes) length *= 2
    const buffer = this.#free.get(length)?.pop()
    if (!buffer) return Buffer.allocUnsafeSlow(length)
    this.#retainedBytes -= length
    return buffer
  }

  /** Only for what `acquire` gave, once. */
  release(buffer: Buffer): void {
    const { length } = buffer
    if (length > LARGEST_BYTES || this.#retainedBytes + length > this.#retainedBytesMax) return
    const free = this.#free.get(length)
    if (free) free.push(buffer)
    else this.#free.set(length, [buffer])
    this.#retainedBytes += length
  }
}
